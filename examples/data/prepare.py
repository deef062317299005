"""Cuts `cells.ome.tif` from the data set: two fields of view, twelve frames, 224 x 224 pixels.

    python -m venv venv
    venv/bin/pip install numpy==2.4.6 tifffile==2026.3.3
    venv/bin/python prepare.py DATA

DATA is the folder that holds `microscopy`. README.md says where it comes from.
"""

import pathlib
import sys

import tifffile

HERE = pathlib.Path(__file__).parent
DATA = pathlib.Path(sys.argv[1]) / "microscopy" / "synth-a" / "synth-a.ome.tiff"
# The first frame, and the upper left corner of each field: where cells divide.
CUTS = [(16, 290, 0), (12, 60, 90)]

with tifffile.TiffFile(DATA) as file:
    fields = [series.asarray() for series in file.series]
with tifffile.TiffWriter(HERE / "cells.ome.tif", ome=True) as out:
    for field, (t, y, x) in zip(fields, CUTS):
        metadata = {"axes": "TCYX", "Channel": {"Name": ["PC", "FL1"]}, "TimeIncrement": 600.0,
                    "TimeIncrementUnit": "s"}
        out.write(field[t:t + 12, :, y:y + 224, x:x + 224], photometric="minisblack",
                  compression="deflate", predictor=True, metadata=metadata)
