"""Rows of steps that move pixels."""

import math

import cv2
import numpy
from PIL import Image, ImageOps

from pictures import BOTH, EVERYTHING

from .row import Row, equal, libvips, numpy_alone, opencv, pillow

RESAMPLING = {
    "bilinear": Image.Resampling.BILINEAR,
    "catmull_rom": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}
VIPS_KERNELS = {"bilinear": "linear", "catmull_rom": "cubic", "lanczos3": "lanczos3"}
REACH = 50


def scaled(p, factor):
    """The size of a picture, scaled."""
    return round(p.width * factor), round(p.height * factor)


def by_pillow(run):
    """What Pillow makes: u8 rounded between columns and rows, and floats, of gray alone, as ours."""
    return [pillow(run), pillow(run, equal, 1, ("f32",))]


def resized(name, kinds, factor, filter, *others):
    """A row of a resize, beside Pillow and libvips, which smooth what they shrink as we do."""

    def params(p):
        width, height = scaled(p, factor)
        return {"width": width, "height": height, "filter": filter}

    def with_pillow(image):
        size = round(image.width * factor), round(image.height * factor)
        return image.resize(size, RESAMPLING[filter])

    kernel = VIPS_KERNELS[filter]
    return Row(f"{name}, {filter}", kinds, "resize", params, [
        *others,
        libvips(lambda image: image.resize(factor, kernel=kernel)),
        *by_pillow(with_pillow),
    ])


def with_opencv(factor, interpolation):
    """OpenCV's resize."""
    return opencv(lambda p: cv2.resize(p.array, scaled(p, factor), interpolation=interpolation))


def box(p):
    """What is cut out: x, y, width and height."""
    return p.width // 8, p.height // 8, p.width * 3 // 4, p.height * 3 // 4


def cut(p):
    """A copy of the rectangle."""
    x, y, width, height = box(p)
    return p.array[y:y + height, x:x + width].copy()


def moved(x, y):
    """The matrix of a translation."""
    return numpy.array([[1, 0, x], [0, 1, y], [0, 0, 1]], float)


def in_opencv(matrix):
    """A map of the plane where pixel centres are whole numbers."""
    return moved(-0.5, -0.5) @ matrix @ moved(0.5, 0.5)


def warped(matrix):
    """OpenCV's map by the matrix that a function makes of a picture."""

    def warp(p):
        return cv2.warpAffine(p.array, in_opencv(matrix(p))[:2], p.size, flags=cv2.INTER_LINEAR)

    return opencv(warp)


def turned(angle):
    """The map that turns a picture around its middle, clockwise as y points down."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    turn = numpy.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    return lambda p: moved(p.width / 2, p.height / 2) @ turn @ moved(-p.width / 2, -p.height / 2)


def corners(p):
    """Four corners within a picture."""
    shares = [(0.1, 0.05), (0.9, 0.1), (0.95, 0.9), (0.05, 0.95)]
    return [[x * p.width, y * p.height] for x, y in shares]


def straightened(p):
    """OpenCV's rectangle of the part between the corners."""
    target = [[0, 0], [p.width, 0], [p.width, p.height], [0, p.height]]
    matrix = cv2.getPerspectiveTransform(
        numpy.array(corners(p), numpy.float32), numpy.array(target, numpy.float32)
    )
    return cv2.warpPerspective(p.array, in_opencv(matrix), p.size, flags=cv2.INTER_LINEAR)


SHEAR = [0.9, 0.2, -30.0, -0.1, 1.1, 20.0]

ROWS = [
    Row("crop", EVERYTHING, "crop",
        lambda p: dict(zip(["x", "y", "width", "height"], box(p))), [
            numpy_alone(cut, equal),
            libvips(lambda image: image.crop(image.width // 8, image.height // 8,
                                             image.width * 3 // 4, image.height * 3 // 4), equal),
        ]),
    Row("pad, reflect", EVERYTHING, "pad",
        {"left": REACH, "top": REACH, "right": REACH, "bottom": REACH, "border": "reflect"}, [
            opencv(lambda p: cv2.copyMakeBorder(p.array, *[REACH] * 4, cv2.BORDER_REFLECT), equal),
            libvips(lambda image: image.embed(REACH, REACH, image.width + 2 * REACH,
                                              image.height + 2 * REACH, extend="mirror"), equal),
        ]),
    Row("half size, area", EVERYTHING, "resize",
        lambda p: {"width": p.width // 2, "filter": "area"}, [
            with_opencv(0.5, cv2.INTER_AREA),
            libvips(lambda image: image.shrink(2, 2)),
            *by_pillow(lambda image: image.resize((image.width // 2, image.height // 2),
                                                  Image.Resampling.BOX)),
        ]),
    Row("two thirds, nearest", EVERYTHING, "resize",
        lambda p: dict(zip(["width", "height"], scaled(p, 2 / 3))) | {"filter": "nearest"},
        # It takes some pixels beside ours where the middle of one is between two.
        [with_opencv(2 / 3, cv2.INTER_NEAREST_EXACT)]),
    resized("two thirds", EVERYTHING, 2 / 3, "bilinear"),
    resized("two thirds", EVERYTHING, 2 / 3, "catmull_rom"),
    resized("half size", EVERYTHING, 0.5, "lanczos3"),
    resized("three halves", EVERYTHING, 1.5, "bilinear", with_opencv(1.5, cv2.INTER_LINEAR)),
    # Another cubic.
    resized("three halves", EVERYTHING, 1.5, "catmull_rom", with_opencv(1.5, cv2.INTER_CUBIC)),
    Row("thumbnail", EVERYTHING, "thumbnail", {}, [
        *by_pillow(lambda image: ImageOps.contain(image, (256, 256), Image.Resampling.LANCZOS)),
        libvips(lambda image: image.resize(256 / image.width)),
    ]),
    Row("flip", EVERYTHING, "flip", {"axis": "horizontal"},
        [opencv(lambda p: cv2.flip(p.array, 1), equal)]),
    Row("flip upside down", EVERYTHING, "flip", {"axis": "vertical"},
        [opencv(lambda p: cv2.flip(p.array, 0), equal)]),
    Row("rotate 90°", EVERYTHING, "rotate90", {},
        [opencv(lambda p: cv2.rotate(p.array, cv2.ROTATE_90_CLOCKWISE), equal)]),
    Row("rotate 17°", EVERYTHING, "rotate", {"angle": 17.0}, [warped(turned(17.0))]),
    Row("translate", EVERYTHING, "translate", {"x": 10.25, "y": -7.75},
        [warped(lambda p: moved(10.25, -7.75))]),
    Row("affine", EVERYTHING, "affine", {"matrix": SHEAR},
        [warped(lambda p: numpy.array([*SHEAR, 0, 0, 1]).reshape(3, 3))]),
    Row("perspective", EVERYTHING, "perspective",
        lambda p: {"corners": corners(p), "width": p.width, "height": p.height},
        [opencv(straightened)]),
]
