"""The row of eight operations on pixels and two on neighbourhoods."""

import cv2
import numpy
import pyvips

from .row import Row, equal, libvips, opencv

STEPS = [
    ["gain", {"factor": 1.1}],
    ["gamma", {"gamma": 1.2}],
    ["levels", {"in_black": 0.02, "in_white": 0.95}],
    ["gaussian_blur", {"sigma": 1.0}],
    ["brightness_contrast", {"brightness": 0.05, "contrast": 1.1}],
    ["scalar", {"value": 3.0}],
    ["box_blur", {"radius": 2}],
    ["lookup", {"table": [0.0, 0.3, 0.7, 1.0]}],
    ["gain", {"factor": 0.9}],
    ["invert", {}],
]
RAMP = numpy.arange(256) / 255
TABLES = [
    (curve * 255).round().astype(numpy.uint8)
    for curve in [RAMP ** (1 / 1.2), numpy.interp(RAMP, [0, 1 / 3, 2 / 3, 1], [0, 0.3, 0.7, 1])]
]
GAMMA, CURVE = TABLES
# Factor and summand of each that is linear.
GAIN, DARK, SCALAR = (1.1, 0.0), (0.9, 0.0), (1.0, 3.0)
LEVELS = (1 / (0.95 - 0.02), -0.02 * 255 / (0.95 - 0.02))
CONTRAST = (1.1, (0.5 + 0.05 - 0.5 * 1.1) * 255)
ONES = pyvips.Image.new_from_array([[1] * 5] * 5, scale=25)
GAMMA_IMAGE, CURVE_IMAGE = [pyvips.Image.new_from_array(one.reshape(1, 256)) for one in TABLES]
BORDER = {"borderType": cv2.BORDER_REPLICATE}


def line(source, target, by):
    """OpenCV's factor and summand."""
    return cv2.addWeighted(source, by[0], source, 0.0, by[1], dst=target)


def in_turn(p):
    """OpenCV, with two arrays in turn, so that none is allocated."""
    first, second = p.buffers
    line(p.array, first, GAIN)
    cv2.LUT(first, GAMMA, dst=second)
    line(second, first, LEVELS)
    cv2.GaussianBlur(first, (0, 0), 1.0, dst=second, **BORDER)
    line(second, first, CONTRAST)
    line(first, second, SCALAR)
    cv2.blur(second, (5, 5), dst=first, **BORDER)
    cv2.LUT(first, CURVE, dst=second)
    line(second, first, DARK)
    return cv2.bitwise_not(first, dst=second)


def piped(image):
    """libvips, which makes some rows of all at a time."""
    out = image.linear(*GAIN, uchar=True).maplut(GAMMA_IMAGE).linear(*LEVELS, uchar=True)
    out = out.gaussblur(1.0, min_ampl=0.01).linear(*CONTRAST, uchar=True)
    out = out.linear(*SCALAR, uchar=True).conv(ONES, precision="integer")
    return out.maplut(CURVE_IMAGE).linear(*DARK, uchar=True).invert()


# libvips cuts off where others round.
ROWS = [Row("chain of 10", ["RGB u8"], STEPS, {},
            [opencv(in_turn, equal, 2), libvips(piped, equal, 4)])]
