"""Rows of steps that mix the channels of a pixel."""

import io

import cv2
import numpy
import pyvips
from PIL import ImageCms

from pictures import PLANES

from .row import Row, equal, libvips, opencv, pillow

COLORS = ["RGB u8", "RGB f32"]
RGBS = ["RGB u8", "RGB u16", "RGB f32"]


def to_lab(p):
    """OpenCV takes floats for a result that is not rounded to 8 bits."""
    shares = p.array if p.sample == "f32" else (p.array / p.white).astype(numpy.float32)
    return cv2.cvtColor(shares, cv2.COLOR_RGB2LAB)


def display_p3():
    """Pillow's way from sRGB to Display P3."""
    profile = bytes(pyvips.Operation.call("profile_load", "p3"))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), profile, "RGB", "RGB")


def converted(code, result=None, by=0, **rest):
    """OpenCV's way from colours to others."""
    return opencv(lambda p: cv2.cvtColor(p.array, code), result, by, **rest)


P3 = display_p3()

ROWS = [
    Row("grayscale", RGBS, "grayscale", {}, [converted(cv2.COLOR_RGB2GRAY, equal, 1)]),
    # Its hues are degrees if they are floats.
    Row("to_hsv", COLORS, "to_hsv", {}, [converted(cv2.COLOR_RGB2HSV_FULL)]),
    # Our way back takes only what the way there has made.
    Row("to_hsv and back", COLORS, [["to_hsv", {}], ["from_hsv", {}]], {}, [
        opencv(lambda p: cv2.cvtColor(cv2.cvtColor(p.array, cv2.COLOR_RGB2HSV_FULL),
                                      cv2.COLOR_HSV2RGB_FULL)),
    ]),
    Row("to_lab", COLORS, "to_lab", {}, [opencv(to_lab)]),
    Row("to_lab and back", COLORS, [["to_lab", {}], ["from_lab", {}]], {},
        [opencv(lambda p: cv2.cvtColor(to_lab(p), cv2.COLOR_LAB2RGB))]),
    Row("convert_profile", ["RGB u8"], "convert_profile", {"to": "display_p3"}, [
        pillow(lambda image: ImageCms.applyTransform(image, P3), equal, 1),
        libvips(lambda image: image.icc_transform("p3", input_profile="srgb")),
    ]),
    Row("shuffle channels", RGBS, "shuffle_channels", {},
        [converted(cv2.COLOR_RGB2BGR, equal)]),
    Row("one channel", RGBS, "shuffle_channels", {"channels": [1]},
        [opencv(lambda p: cv2.extractChannel(p.array, 1), equal)]),
    Row("gray to RGB", ["gray u8", "gray u16", "gray f32"], "shuffle_channels",
        {"channels": [0, 0, 0]}, [converted(cv2.COLOR_GRAY2RGB, equal)]),
    Row("merge channels", PLANES, "merge_channels", {},
        [opencv(lambda p: cv2.merge(p.planes), equal)]),
    Row("split channels", RGBS, "split_channels", {},
        [opencv(lambda p: cv2.split(p.array), lambda planes: planes[0])]),
]
