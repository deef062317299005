"""Rows of steps that make each sample of the same sample, or of that of another picture."""

from functools import reduce

import cv2
import numpy
import pyvips
import skimage.exposure
import skimage.util
from PIL import Image, ImageChops, ImageOps

from pictures import BOTH, EVERYTHING, GRAYS, WHITES

from .row import Row, constant, equal, libvips, numpy_alone, opencv, pillow, scikit

FLOATS = ("f32",)
INTEGERS = ("u8", "u16")


def line(factor, share, by=1):
    """Peers for a factor and a summand, which is a share of white."""

    def vips_line(image):
        summand = share * WHITES[{"uchar": "u8", "ushort": "u16", "float": "f32"}[image.format]]
        return image.linear(factor, summand).cast(image.format)

    def weighted(p):
        return cv2.addWeighted(p.array, factor, p.array, 0.0, share * p.white)

    yield opencv(weighted, equal, by)
    if share >= 0:
        scaled = lambda p: cv2.convertScaleAbs(p.array, alpha=factor, beta=share * 255)
        yield opencv(scaled, equal, by, ("u8",), how="scaled")
    # It cuts off where others round.
    yield libvips(vips_line)


def table(*curves, by=0):
    """Peers for curves from shares of white to shares of white: each is a table of all of them."""
    tables = [levels(curve) for curve in curves]
    images = [{sample: pyvips.Image.new_from_array(entries.reshape(1, -1))
               for sample, entries in table.items()} for table in tables]
    formats = {"uchar": "u8", "ushort": "u16"}
    points = [list(table["u8"]) for table in tables]
    return [
        opencv(lambda p: reduce(lambda image, table: cv2.LUT(image, table[p.sample]), tables,
                                p.array), equal, by, INTEGERS),
        libvips(lambda image: reduce(
            lambda image, table: image.maplut(table[formats[image.format]]), images, image),
            equal, by, samples=INTEGERS),
        pillow(lambda image: reduce(
            lambda image, table: image.point(table * len(image.getbands())), points, image),
            equal, by),
    ]


def levels(curve):
    """The level that a curve gives for each level of a sample type."""
    tables = {}
    for sample, kind in [("u8", numpy.uint8), ("u16", numpy.uint16)]:
        shares = numpy.arange(WHITES[sample] + 1) / WHITES[sample]
        tables[sample] = (curve(shares) * WHITES[sample]).round().astype(kind)
    return tables


def knots(shares):
    """A curve through some points, in steps of eight levels of u8."""
    places = numpy.linspace(0, 1, len(KNOTS))
    return numpy.interp(shares, places, KNOTS)


KNOTS = [round(float(x * x * (3 - 2 * x)), 6) for x in numpy.linspace(0, 1, 33)]


def decoded(shares):
    """Light of sRGB."""
    return numpy.where(shares > 0.04045, ((shares + 0.055) / 1.055) ** 2.4, shares / 12.92)


def encoded(light):
    """sRGB of light."""
    return numpy.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, light * 12.92)


def converted(kind, white):
    """What OpenCV makes samples of another type by, white staying white."""
    return lambda p: cv2.normalize(p.array, None, 0, float(p.array.max()) / p.white * white,
                                   cv2.NORM_MINMAX, kind)


def rescaled(p):
    """The darkest and the brightest sample made black and white."""
    return cv2.normalize(p.array, None, 0, p.white, cv2.NORM_MINMAX)


def equalized(p):
    """The histogram of all levels made even."""
    bins = 65536 if p.sample == "u16" else 256
    return skimage.exposure.equalize_hist(p.array, bins)


def over(image):
    """A picture over itself by libvips."""
    of = {"uchar": "srgb", "ushort": "rgb16", "float": "scrgb"}
    image = image.copy(interpretation=of[image.format])
    space = "scrgb" if image.format == "float" else "srgb"
    return image.composite2(image, "over", compositing_space=space).cast(image.format)


def as_floats(result):
    """Of 32 bits."""
    return result.astype(numpy.float32)


def as_ones(result):
    """A mask of an array of 0 and 1, or of 0 and 255."""
    return (result > 0).view(numpy.uint8)


MIXED = {"multiply": ImageChops.multiply, "screen": ImageChops.screen,
         "overlay": ImageChops.overlay, "darken": ImageChops.darker,
         "lighten": ImageChops.lighter, "difference": ImageChops.difference,
         "add": ImageChops.add, "subtract": ImageChops.subtract}
LEVELS = {"in_black": 0.02, "in_white": 0.95}
STRETCH = 1 / (LEVELS["in_white"] - LEVELS["in_black"])
TWICE = ["gray f32", "RGB f32"]

ROWS = [
    Row("gain", EVERYTHING, "gain", {"factor": 1.1}, [*line(1.1, 0.0)]),
    Row("levels", [*BOTH, "gray u16"], "levels", LEVELS, [*line(STRETCH, -0.02 * STRETCH)]),
    Row("levels", ["gray f32"], "levels", LEVELS, [
        scikit(lambda p: skimage.exposure.rescale_intensity(p.array, (0.02, 0.95), (0, 1)),
               equal, 1),
        # Without what is cut off.
        opencv(lambda p: cv2.addWeighted(p.array, STRETCH, p.array, 0.0, -0.02 * STRETCH)),
    ]),
    Row("brightness and contrast", EVERYTHING, "brightness_contrast",
        {"brightness": 0.1, "contrast": 1.1}, [*line(1.1, 0.5 + 0.1 - 0.5 * 1.1)]),
    Row("scalar, add", EVERYTHING, "scalar", lambda p: {"value": p.level(5.0)}, [
        opencv(lambda p: cv2.add(p.array, constant(p.level(5.0))), equal, 1),
        opencv(lambda p: cv2.convertScaleAbs(p.array, beta=5), equal, 0, ("u8",),
               how="scaled"),
    ]),
    Row("invert", EVERYTHING, "invert", {}, [
        opencv(lambda p: cv2.bitwise_not(p.array), equal, 0, INTEGERS),
        opencv(lambda p: cv2.subtract(constant(1.0), p.array), equal, 1, FLOATS),
        libvips(lambda image: image.invert(), equal, samples=INTEGERS),
        pillow(ImageChops.invert, equal),
    ]),
    Row("lookup", EVERYTHING, "lookup", {"table": KNOTS}, [
        *table(knots, by=1), numpy_alone(lambda p: knots(p.array), as_floats, 1, FLOATS),
    ]),
    Row("gamma", EVERYTHING, "gamma", {"gamma": 2.2}, [
        *table(lambda shares: shares ** (1 / 2.2), by=1),
        opencv(lambda p: cv2.pow(p.array, 1 / 2.2), equal, 1, FLOATS),
    ]),
    Row("to_linear", EVERYTHING, "to_linear", {}, [
        *table(decoded, by=1), numpy_alone(lambda p: decoded(p.array), as_floats, 1, FLOATS),
    ]),
    # Our way back takes only what the way there has made. One of 65535 levels of light is 13 of the
    # encoded ones in the dark.
    Row("to_linear and back", EVERYTHING, [["to_linear", {}], ["from_linear", {}]], {}, [
        *table(decoded, encoded, by=13),
        numpy_alone(lambda p: encoded(decoded(p.array)), as_floats, 1, FLOATS),
    ]),
    Row("convert to f32", [*BOTH, "gray u16"], "convert", {"to": "f32"}, [
        opencv(converted(cv2.CV_32F, 1.0)),
        opencv(lambda p: cv2.multiply(p.array, constant(1 / p.white), dtype=cv2.CV_32F), equal, 1,
               how="multiply"),
        libvips(lambda image: image.linear(1 / WHITES["u8"], 0), samples=("u8",)),
        scikit(lambda p: skimage.util.img_as_float32(p.array), equal, 1),
    ]),
    Row("convert to u8", ["gray u16", "gray f32"], "convert", {"to": "u8"}, [
        opencv(lambda p: cv2.convertScaleAbs(p.array, alpha=255 / p.white), equal, 1),
        scikit(lambda p: skimage.util.img_as_ubyte(p.array), equal, 1),
    ]),
    Row("convert to u16", ["gray u8", "gray f32"], "convert", {"to": "u16"}, [
        opencv(lambda p: cv2.multiply(p.array, constant(65535 / p.white), dtype=cv2.CV_16U),
               equal, 1),
        scikit(lambda p: skimage.util.img_as_uint(p.array), equal, 1),
    ]),
    Row("add", EVERYTHING, "arithmetic", {}, [opencv(lambda p: cv2.add(p.array, p.array), equal)]),
    Row("difference", EVERYTHING, "arithmetic", {"operation": "difference"},
        [opencv(lambda p: cv2.absdiff(p.array, p.array), equal)]),
    Row("multiply", EVERYTHING, "arithmetic",
        lambda p: {"operation": "multiply", "scale": 1 / p.white}, [
            opencv(lambda p: cv2.multiply(p.array, p.array, scale=1 / p.white), equal, 1),
            pillow(lambda image: ImageChops.multiply(image, image), equal, 1),
        ]),
    Row("blend", EVERYTHING, "blend", {"opacity": 0.3}, [
        opencv(lambda p: cv2.addWeighted(p.array, 0.7, p.array, 0.3, 0), equal, 1),
        pillow(lambda image: Image.blend(image, image, 0.3), equal, 1),
    ]),
    *(Row(f"blend, {mode}", BOTH, "blend", {"mode": mode},
          [pillow(lambda image, mixed=mixed: mixed(image, image), equal, 1)])
      for mode, mixed in MIXED.items()),
    Row("alpha_over", ["RGBA u8", "RGBA u16", "RGBA f32"], "alpha_over", {}, [
        pillow(lambda image: Image.alpha_composite(image, image), equal, 1),
        libvips(over),
    ]),
    Row("apply mask", [f"{kind} and mask" for kind in EVERYTHING], "apply_mask", {},
        [opencv(lambda p: cv2.copyTo(p.array, p.mask), equal)]),
    Row("equalize", GRAYS, "equalize", {}, [
        opencv(lambda p: cv2.equalizeHist(p.array), samples=("u8",)),
        pillow(ImageOps.equalize),
        scikit(equalized),
    ]),
    # Others give each channel a curve of its own.
    Row("equalize", ["RGB u8"], "equalize", {}, [scikit(equalized)]),
    Row("clahe", ["gray u8", "gray u16"], "clahe", {"clip": 2.0},
        [opencv(lambda p: cv2.createCLAHE(2.0, (8, 8)).apply(p.array), equal)]),
    Row("clahe", ["gray f32"], "clahe", {"clip": 2.0},
        [scikit(lambda p: skimage.exposure.equalize_adapthist(p.array))]),
    Row("rescale", EVERYTHING, "rescale", {}, [opencv(rescaled, equal, 1)]),
    Row("threshold", GRAYS, "threshold", lambda p: {"level": p.level(127.0)}, [
        opencv(lambda p: cv2.threshold(p.array, p.level(127.0), 1, cv2.THRESH_BINARY)[1], as_ones),
        opencv(lambda p: cv2.compare(p.array, constant(p.level(127.0)), cv2.CMP_GT), as_ones,
               how="compare"),
    ]),
]
