"""Rows of steps that mix the channels of a pixel."""

import io

import cv2
import pyvips
from PIL import ImageCms

from pictures import PLANES

from .row import Row, constant, equal, libvips, opencv, pillow

RGBS = ["RGB u8", "RGB u16", "RGB f32"]


def shares(p):
    """The samples as OpenCV takes them for a result that is not rounded to 8 bits."""
    return p.array if p.sample == "f32" else cv2.multiply(p.array, constant(1 / p.white),
                                                          dtype=cv2.CV_32F)


def to_lab(p):
    """Lab in floats."""
    return cv2.cvtColor(shares(p), cv2.COLOR_RGB2LAB)


def to_hsv(p):
    """HSV: bytes of bytes, and floats otherwise, whose hues are degrees."""
    return cv2.cvtColor(p.array if p.sample == "u8" else shares(p), cv2.COLOR_RGB2HSV_FULL)


def display_p3():
    """Pillow's way from sRGB to Display P3."""
    profile = bytes(pyvips.Operation.call("profile_load", "p3"))
    profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return ImageCms.buildTransform(ImageCms.createProfile("sRGB"), profile, "RGB", "RGB")


def to_p3(image):
    """The way of libvips, with as many bits as there are."""
    depth = 8 if image.format == "uchar" else 16
    return image.icc_transform("p3", input_profile="srgb", depth=depth)


def converted(code, result=None, by=0, **rest):
    """OpenCV's way from colours to others."""
    return opencv(lambda p: cv2.cvtColor(p.array, code), result, by, **rest)


P3 = display_p3()

ROWS = [
    Row("grayscale", RGBS, "grayscale", {}, [converted(cv2.COLOR_RGB2GRAY, equal, 1)]),
    Row("to_hsv", RGBS, "to_hsv", {}, [opencv(to_hsv)]),
    # Our way back takes only what the way there has made.
    Row("to_hsv and back", RGBS, [["to_hsv", {}], ["from_hsv", {}]], {},
        [opencv(lambda p: cv2.cvtColor(to_hsv(p), cv2.COLOR_HSV2RGB_FULL))]),
    Row("to_lab", RGBS, "to_lab", {}, [opencv(to_lab)]),
    Row("to_lab and back", RGBS, [["to_lab", {}], ["from_lab", {}]], {},
        [opencv(lambda p: cv2.cvtColor(to_lab(p), cv2.COLOR_LAB2RGB))]),
    Row("convert_profile", ["RGB u8", "RGB u16"], "convert_profile", {"to": "display_p3"}, [
        pillow(lambda image: ImageCms.applyTransform(image, P3), equal, 1),
        libvips(to_p3),
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
