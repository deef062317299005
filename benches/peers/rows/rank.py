"""Rows of filters that take one of the samples around."""

import cv2
import numpy
import scipy.ndimage

from pictures import BOTH, EVERYTHING

from .row import Row, equal, libvips, opencv
from .row import scipy as with_scipy


def square(radius):
    """A window as OpenCV takes it."""
    return numpy.ones((2 * radius + 1,) * 2, numpy.uint8)


def median(radius):
    """OpenCV's median; of other samples than u8 it takes windows of up to 5 × 5."""
    return [opencv(lambda p: cv2.medianBlur(p.array, 2 * radius + 1), equal)]


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
    Row("median 21 × 21", BOTH, "median", {"radius": 10}, median(10)),
    Row("percentile 5 × 5, 10 %", ["gray u8", "gray u16", "gray f32"], "percentile",
        {"radius": 2, "percentile": 10.0}, percentile(2, 10)),
    Row("percentile 21 × 21, 90 %", ["gray u8"], "percentile",
        {"radius": 10, "percentile": 90.0}, percentile(10, 90)),
    Row("minimum 5 × 5", EVERYTHING, "minimum", {"radius": 2},
        [opencv(lambda p: cv2.erode(p.array, square(2)), equal)]),
    Row("maximum 5 × 5", EVERYTHING, "maximum", {"radius": 2},
        [opencv(lambda p: cv2.dilate(p.array, square(2)), equal)]),
]
