"""Operations that move pixels, against NumPy, scikit-image, Pillow and OpenCV.

Maps of the plane are compared with `skimage.transform.warp`, whose order 3 is the cubic of Catmull
and Rom. It puts pixel centres at whole numbers, the operations put them at half integers.
"""

import cv2
import numpy as np
import skimage
from PIL import Image, ImageOps


ORDERS = {"nearest": 0, "bilinear": 1, "catmull_rom": 3}
MODES = {  # ours: those of NumPy and of skimage
    "replicate": "edge", "reflect": "symmetric", "mirror": "reflect", "wrap": "wrap",
}
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "catmull_rom": Image.Resampling.BICUBIC,
           "lanczos3": Image.Resampling.LANCZOS}


def cases(golden):
    resizes(golden)
    pads(golden)
    translations(golden)
    rotations(golden)
    maps(golden)
    light(golden)
    thumbnails(golden)


def moved(x, y):
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], float)


def resizes(golden):
    image = golden.INPUTS["rgb"]
    golden.case("crop", {"x": 7, "y": 3, "width": 20, "height": 11}, ["rgb"], image[3:14, 7:27], 0)
    golden.case("crop", {"x": 10}, ["gradient"], golden.INPUTS["gradient"][:, 10:], 0)
    for name in ["rgb", "row"]:
        golden.case("flip", {"axis": "horizontal"}, [name], np.fliplr(golden.INPUTS[name]), 0, "horizontal")
    golden.case("flip", {"axis": "vertical"}, ["gradient"], np.flipud(golden.INPUTS["gradient"]), 0, "vertical")
    for turn, k in [("90", -1), ("180", 2), ("270", 1)]:
        golden.case("rotate90", {"turn": turn}, ["rgb"], np.rot90(image, k), 0, turn)

    filters = {"nearest": None, "bilinear": Image.Resampling.BILINEAR,
               "catmull_rom": Image.Resampling.BICUBIC, "lanczos3": Image.Resampling.LANCZOS}

    def resized(image, size, filter):
        def one(a):
            if filter == "nearest":
                # Exact, where Pillow's running sum of steps misses centres between two pixels.
                (h, w), (width, height) = a.shape, size
                rows = (2 * np.arange(height) + 1) * h // (2 * height)
                return a[rows][:, (2 * np.arange(width) + 1) * w // (2 * width)]
            return np.asarray(Image.fromarray(a.astype(np.float32)).resize(size, filters[filter]))
        return (golden.channelwise if filter == "nearest" else golden.by_alpha)(image, one)

    for filter in filters:
        for name, size in [("camera", (31, 40)), ("rgb", (60, 20)), ("float", (11, 33)),
                           ("micro", (97, 13))]:
            image = golden.INPUTS[name]
            out = golden.rounded(resized(image, size, filter), image.dtype)
            exact = filter == "nearest"
            params = {"width": size[0], "height": size[1], "filter": filter}
            tolerance = 0 if exact else golden.near(image)
            golden.case("resize", params, [name], out, tolerance, filter)
    out = golden.rounded(resized(golden.INPUTS["rgba"], (10, 9), "bilinear"), np.uint8)
    params = {"width": 10, "height": 9, "filter": "bilinear"}
    golden.case("resize", params, ["rgba"], out, 1, "bilinear")
    for name, size in [("camera", (31, 25)), ("rgb", (12, 8)), ("float", (7, 9))]:
        image = golden.INPUTS[name]
        area = lambda a: cv2.resize(a, size, interpolation=cv2.INTER_AREA)
        out = golden.rounded(golden.channelwise(image, area), image.dtype)
        params = {"width": size[0], "height": size[1], "filter": "area"}
        golden.case("resize", params, [name], out, golden.near(image), "area")


def warped(golden, image, inverse, size, filter, border=("constant", 0.0)):
    """The image at places of the output that `inverse` takes to places of the input."""
    mode, value = border if isinstance(border, tuple) else (MODES[border], 0.0)
    matrix = skimage.transform.ProjectiveTransform(moved(-0.5, -0.5) @ inverse @ moved(0.5, 0.5))
    plain = lambda a: skimage.transform.warp(
        a, matrix, output_shape=(size[1], size[0]), order=ORDERS[filter], mode=mode, cval=value,
        clip=False, preserve_range=True)
    if not golden.has_alpha(image) or filter == "nearest":
        return golden.channelwise(image, plain)
    assert value == 0
    values, white = image.astype(float), golden.white(image.dtype)
    alpha = plain(values[..., -1])
    colors = [plain(values[..., c] * values[..., -1] / white) for c in range(image.shape[2] - 1)]
    factor = np.where(alpha > 0, white / np.where(alpha > 0, alpha, 1), 0)
    return np.stack([*(c * factor for c in colors), alpha], axis=-1)


def warp_case(golden, op, params, name, inverse, size, tag):
    image, filter = golden.INPUTS[name], params.get("filter", "bilinear")
    border = params.get("border", {"constant": 0.0})
    border = border if isinstance(border, str) else ("constant", border["constant"])
    with np.errstate(invalid="ignore", over="ignore"):
        out = golden.rounded(warped(golden, image, inverse, size, filter, border), image.dtype)
    exact = filter == "nearest"
    golden.case(op, params, [name], out, 0 if exact else golden.near(image), tag)


def sides(golden, name):
    height, width = golden.INPUTS[name].shape[:2]
    return width, height


def pads(golden):
    sides = {"left": 3, "top": 2, "right": 5, "bottom": 1}
    for border, mode in MODES.items():
        for name in ["rgba", "row"]:
            image = golden.INPUTS[name]
            widths = [(2, 1), (3, 5)] + [(0, 0)] * (image.ndim - 2)
            out = np.pad(image, widths, mode=mode)
            golden.case("pad", {**sides, "border": border}, [name], out, 0, border)
        # Longer than the image, several times.
        out = np.pad(golden.INPUTS["special"], [(7, 4), (11, 13)], mode=mode)
        params = {"left": 11, "top": 7, "right": 13, "bottom": 4, "border": border}
        golden.case("pad", params, ["special"], out, 0, border)
    for name, value in [("gradient", 9000.0), ("special", 0.25)]:
        out = np.pad(golden.INPUTS[name], [(2, 1), (3, 5)], constant_values=value)
        golden.case("pad", {**sides, "border": {"constant": value}}, [name], out, 0, "constant")
    out = np.pad(golden.INPUTS["rgb"], [(2, 1), (3, 5), (0, 0)])
    golden.case("pad", sides, ["rgb"], out, 0)


def translations(golden):
    def translation(name, x, y, tag, **params):
        params = {"x": x, "y": y, **params}
        warp_case(golden, "translate", params, name, moved(-x, -y), sides(golden, name), tag)

    translation("corner", 4.0, -3.0, "whole")
    translation("gradient", -40.0, 1.0, "away")
    translation("rgba", 2.3, -1.6, "part")
    translation("float", 0.5, 0.25, "cubic", filter="catmull_rom")
    translation("micro", -3.4, 2.7, "nearest", filter="nearest", border="wrap")
    for border in MODES:
        translation("row", 3.75, 0.5, border, border=border)
    translation("special", 1.25, 0.5, "part", border={"constant": 2.0})
    # Whole offsets copy; skimage adds 0 times the neighbours.
    image, out = golden.INPUTS["special"], np.zeros((3, 5), np.float32)
    out[1:, 2:] = image[:-1, :-2]
    golden.case("translate", {"x": 2.0, "y": 1.0}, ["special"], out, 0, "whole")


def rotations(golden):
    def rotation(name, angle, tag, size=None, **params):
        # Clockwise, as y points down; the inverse turns back.
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        back = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]])
        width, height = sides(golden, name)
        grown = (int(np.ceil(width * abs(cos) + height * abs(sin))),
                 int(np.ceil(width * abs(sin) + height * abs(cos))))
        size = grown if params.get("canvas") == "expand" else (width, height)
        inverse = moved(width / 2, height / 2) @ back @ moved(-size[0] / 2, -size[1] / 2)
        params = {"angle": angle, **params}
        warp_case(golden, "rotate", params, name, inverse, size, tag)

    for filter in ORDERS:
        rotation("corner", 33.0, filter, filter=filter)
        rotation("micro", -17.5, filter, filter=filter, canvas="expand")
        rotation("rgba", 118.0, filter, filter=filter, canvas="expand")
    rotation("rgb", 8.25, "turned")
    rotation("gradient", 200.0, "expand", canvas="expand")
    rotation("row", 30.0, "expand", canvas="expand", filter="catmull_rom")
    rotation("float", -61.0, "cubic", filter="catmull_rom", border={"constant": 0.5})
    rotation("special", 12.0, "expand", canvas="expand")
    for border in MODES:
        rotation("corner", 51.0, border, border=border, filter="catmull_rom")
    turn = {"angle": 90.0, "canvas": "expand"}
    golden.case("rotate", turn, ["special"], np.rot90(golden.INPUTS["special"], -1), 0, "quarter")


def maps(golden):
    def affine(name, matrix, tag, **params):
        width, height = sides(golden, name)
        size = (params.get("width", width), params.get("height", height))
        inverse = np.linalg.inv(np.array([*matrix, 0, 0, 1], float).reshape(3, 3))
        params = {"matrix": matrix, **params}
        warp_case(golden, "affine", params, name, inverse, size, tag)

    matrix = [1.307, 0.213, -4.53, -0.351, 0.917, 6.02]
    for filter in ORDERS:
        affine("corner", matrix, filter, filter=filter, width=40, height=17)
        affine("rgba", matrix, filter, filter=filter)
    affine("micro", [0.5, 0.0, 0.0, 0.0, 0.5, 0.0], "half", width=24, height=20)
    affine("float", [-1.0, 0.0, 24.0, 0.0, 1.0, 0.3], "mirrored", border="reflect")
    affine("gradient", [2.7, 0.1, 0.0, 0.0, 3.1, 0.0], "larger", filter="catmull_rom", width=50)
    affine("row", [1.5, 0.3, -2.0, 0.0, 6.0, 0.0], "larger", height=6, border="replicate")

    def perspective(name, corners, size, tag, **params):
        width, height = size
        target = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
        map = skimage.transform.ProjectiveTransform.from_estimate(target, np.array(corners, float))
        params = {"corners": corners, "width": width, "height": height, **params}
        warp_case(golden, "perspective", params, name, map.params, size, tag)

    quad = [[4.5, 3.0], [25.0, 1.5], [28.0, 18.0], [2.0, 14.5]]
    for filter in ORDERS:
        perspective("corner", quad, (22, 17), filter, filter=filter)
    page = [[-3.0, 2.0], [20.0, -4.0], [26.0, 17.0], [3.0, 13.0]]
    perspective("rgba", page, (20, 15), "beyond")
    for border in MODES:
        perspective("float", page, (17, 14), border, border=border)
    perspective("micro", [[40.0, 2.0], [9.0, 5.0], [3.0, 36.0], [45.0, 33.0]], (30, 25), "mirrored")
    perspective("row", [[3.0, 0.0], [29.0, 0.2], [25.0, 1.0], [4.0, 0.7]], (20, 4), "cubic",
                filter="catmull_rom", border="mirror")


def light(golden):
    """Resizes of what sRGB stands for: IEC 61966-2-1 around Pillow's float mode."""
    def decoded(v):
        return np.where(v <= 0.04045, v / 12.92, (np.maximum(v + 0.055, 0) / 1.055) ** 2.4)

    def encoded(v):
        return np.where(v <= 0.0031308, v * 12.92, 1.055 * np.maximum(v, 0) ** (1 / 2.4) - 0.055)

    for name, size, filter in [("camera", (31, 40), "lanczos3"), ("rgb", (60, 20), "catmull_rom"),
                               ("gradient", (12, 3), "bilinear"), ("float", (11, 33), "lanczos3"),
                               ("rgba", (10, 9), "bilinear")]:
        image = golden.INPUTS[name]
        values, resample = image / golden.white(image.dtype), FILTERS[filter]
        resize = lambda a: np.asarray(
            Image.fromarray(a.astype(np.float32)).resize(size, resample), float)
        if golden.has_alpha(image):
            alpha = resize(values[..., -1])
            colors = [resize(decoded(values[..., c]) * values[..., -1]) for c in range(3)]
            factor = np.where(alpha > 0, 1 / np.where(alpha > 0, alpha, 1), 0)
            out = np.stack([*(encoded(c * factor) for c in colors), alpha], axis=-1)
        else:
            out = golden.channelwise(values, lambda a: encoded(resize(decoded(a))))
        out = golden.rounded(out * golden.white(image.dtype), image.dtype)
        params = {"width": size[0], "height": size[1], "filter": filter, "mixing": "light"}
        golden.case("resize", params, [name], out, golden.near(image), "light")


def thumbnails(golden):
    def thumbnail(name, size, framing, filter, method, tag):
        image, resample = golden.INPUTS[name], FILTERS[filter]

        def one(a):
            out = np.asarray(method(Image.fromarray(a.astype(np.float32)), size, resample))
            if framing != "fill":
                return out
            top, left = (out.shape[0] - size[1]) // 2, (out.shape[1] - size[0]) // 2
            return out[top:top + size[1], left:left + size[0]]

        out = golden.rounded(golden.channelwise(image, one), image.dtype)
        params = {"width": size[0], "height": size[1], "framing": framing, "filter": filter}
        golden.case("thumbnail", params, [name], out, golden.near(image), tag)

    thumbnail("rgb", (24, 24), "fit", "lanczos3", ImageOps.contain, "fit")
    thumbnail("float", (40, 50), "fit", "bilinear", ImageOps.contain, "fit")
    thumbnail("micro", (10, 31), "shrink", "catmull_rom", ImageOps.contain, "shrink")
    thumbnail("corner", (200, 31), "shrink", "lanczos3", lambda a, *_: a, "shrink")
    thumbnail("rgb", (20, 30), "fill", "lanczos3", ImageOps.cover, "fill")
    thumbnail("gradient", (11, 9), "fill", "bilinear", ImageOps.cover, "fill")
    thumbnail("row", (9, 3), "fill", "catmull_rom", ImageOps.cover, "fill")
