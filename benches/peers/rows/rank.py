"""Rows of filters that take one of the samples around."""

import cv2
import numpy
import scipy.ndimage

from pictures import BOTH, EVERYTHING, WHITES

from .row import Row, equal, libvips, opencv
from .row import scipy as with_scipy


def square(radius):
    """A window as OpenCV takes it."""
    return numpy.ones((2 * radius + 1,) * 2, numpy.uint8)


def median(radius):
    """The peers of a median; OpenCV takes windows of other samples than u8 up to 5 × 5."""
    side = 2 * radius + 1
    samples = ("u8",) if radius > 2 else tuple(WHITES)
    rest = tuple(sample for sample in WHITES if sample not in samples)
    return [
        opencv(lambda p: cv2.medianBlur(p.array, side), equal, samples=samples),
        libvips(lambda image: image.median(side), equal, samples=rest),
    ]


def percentile(radius, share):
    """The peers of a percentile."""
    side = 2 * radius + 1
    place = side * side * share // 100
    return [
        libvips(lambda image: image.rank(side, side, place), equal),
        with_scipy(
            lambda p: scipy.ndimage.percentile_filter(p.array, share, side, mode="nearest"),
            equal, 0, ("u16",)),
    ]


ROWS = [
    Row("median 3 × 3", EVERYTHING, "median", {"radius": 1}, median(1)),
    Row("median 5 × 5", EVERYTHING, "median", {"radius": 2}, median(2)),
    Row("median 9 × 9", EVERYTHING, "median", {"radius": 4}, median(4)),
    Row("median 21 × 21", EVERYTHING, "median", {"radius": 10}, median(10)),
    Row("percentile 5 × 5, 10 %", EVERYTHING, "percentile",
        {"radius": 2, "percentile": 10.0}, percentile(2, 10)),
    Row("percentile 21 × 21, 90 %", BOTH, "percentile",
        {"radius": 10, "percentile": 90.0}, percentile(10, 90)),
    Row("minimum 5 × 5", EVERYTHING, "minimum", {"radius": 2},
        [opencv(lambda p: cv2.erode(p.array, square(2)), equal)]),
    Row("maximum 5 × 5", EVERYTHING, "maximum", {"radius": 2},
        [opencv(lambda p: cv2.dilate(p.array, square(2)), equal)]),
]
