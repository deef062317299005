"""The rows of the table, by subject."""

from . import chain, color, draw, filters, geometry, measure, morphology, point, rank, segment

SUBJECTS = [point, color, geometry, filters, rank, morphology, segment, measure, draw, chain]
ROWS = [row for subject in SUBJECTS for row in subject.ROWS]
