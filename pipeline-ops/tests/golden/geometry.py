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
    for name in [*golden.PICTURES, *golden.LAYERED]:
        image = golden.INPUTS[name]
        height, width = image.shape[:2]
        place = {"x": 2, "y": height // 3, "width": width - 3, "height": height - height // 3}
        out = image[height // 3:, 2:width - 1]
        golden.case("crop", place, [name], out, 0)
        assert golden.same(golden.vips(image).crop(*place.values()), out)
    for name in ["rgb", *golden.PICTURES, *golden.LAYERED]:
        image = golden.INPUTS[name]
        for axis, out in [("horizontal", np.fliplr(image)), ("vertical", np.flipud(image))]:
            golden.case("flip", {"axis": axis}, [name], out, 0, axis)
            assert golden.same(golden.vips(image).flip(axis), out)
        for turn, k in [("90", -1), ("180", 2), ("270", 1)]:
            out = np.rot90(image, k)
            golden.case("rotate90", {"turn": turn}, [name], out, 0, turn)
            assert golden.same(golden.vips(image).rot(f"d{turn}"), out)

    filters = {"nearest": None, "bilinear": Image.Resampling.BILINEAR,
               "catmull_rom": Image.Resampling.BICUBIC, "lanczos3": Image.Resampling.LANCZOS}

    def resized(image, size, filter):
        def one(a):
            if filter == "nearest":
                # Exact, where Pillow's running sum of steps misses centres between two pixels.
                (h, w), (width, height) = a.shape, size
                rows = (2 * np.arange(height) + 1) * h // (2 * height)
                return a[rows][:, (2 * np.arange(width) + 1) * w // (2 * width)]
            with np.errstate(over="ignore"):
                a = Image.fromarray(a.astype(np.float32))
            return np.asarray(a.resize(size, filters[filter]), float)
        return (golden.channelwise if filter == "nearest" else golden.by_alpha)(image, one)

    for filter in filters:
        for name, size in [("camera", (31, 40)), ("rgb", (60, 20)), ("float", (11, 33)),
                           ("micro", (97, 13)), ("gradient", (20, 9)), ("row", (50, 3)),
                           ("row_u16", (20, 1)), ("row_float", (50, 2)),
                           ("special", (25, 30)), *((name, (10, 9)) for name in golden.LAYERED)]:
            image = golden.INPUTS[name]
            out = golden.rounded(resized(image, size, filter), image.dtype)
            exact = filter == "nearest"
            params = {"width": size[0], "height": size[1], "filter": filter}
            tolerance = 0 if exact else golden.near(image)
            golden.case("resize", params, [name], out, tolerance, filter)
    for name, size in [("camera", (31, 25)), ("rgb", (12, 8)), ("float", (7, 9)),
                       ("micro", (13, 11)), ("gradient", (8, 2)), ("row", (7, 1)),
                       ("row_u16", (7, 1)), ("row_float", (20, 1)),
                       ("special", (9, 5)),
                       *((name, (7, 6)) for name in golden.LAYERED)]:
        image = golden.INPUTS[name]
        area = lambda a: cv2.resize(a, size, interpolation=cv2.INTER_AREA)
        out = golden.rounded(golden.by_alpha(image, area), image.dtype)
        params = {"width": size[0], "height": size[1], "filter": "area"}
        golden.case("resize", params, [name], out, golden.near(image), "area")


def warped(golden, image, inverse, size, filter, border=("constant", 0.0)):
    """The image at places of the output that `inverse` takes to places of the input."""
    mode, value = border if isinstance(border, tuple) else (MODES[border], 0.0)
    matrix = skimage.transform.ProjectiveTransform(moved(-0.5, -0.5) @ inverse @ moved(0.5, 0.5))

    def plain(a, beyond=value):
        if filter == "nearest" or np.isfinite(a).all():
            return skimage.transform.warp(
                a, matrix, output_shape=(size[1], size[0]), order=ORDERS[filter], mode=mode,
                cval=beyond, clip=False, preserve_range=True)
        # A sample enters with its weight; skimage's cubic has infinity less infinity within.
        out = plain(golden.finite(a))
        for place in np.argwhere(~np.isfinite(a)):
            alone = np.zeros(a.shape)
            alone[tuple(place)] = 1
            weight = plain(alone, 0.0)
            out += np.where(np.abs(weight) > 1e-12, weight * a[tuple(place)], 0)
        return out

    if not golden.has_alpha(image) or filter == "nearest":
        return golden.channelwise(image, plain)
    assert value == 0
    return golden.by_alpha(image, plain)


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
        for name in ["row", "micro", *golden.LAYERED]:
            image = golden.INPUTS[name]
            widths = [(2, 1), (3, 5)] + [(0, 0)] * (image.ndim - 2)
            out = np.pad(image, widths, mode=mode)
            golden.case("pad", {**sides, "border": border}, [name], out, 0, border)
            if border != "mirror" and name != "row":
                extend = {"replicate": "copy", "reflect": "mirror", "wrap": "repeat"}[border]
                height, width = out.shape[:2]
                found = golden.vips(image).embed(3, 2, width, height, extend=extend)
                assert golden.same(found, out)
        # Longer than the image, several times.
        for name in ["gradient", "special"]:
            params = {"left": 31, "top": 27, "right": 73, "bottom": 4, "border": border}
            out = np.pad(golden.INPUTS[name], [(27, 4), (31, 73)], mode=mode)
            golden.case("pad", params, [name], out, 0, border)
    for name, value in [("micro", 700.0), ("gradient", 9000.0), ("special", 0.25)]:
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
    translation("micro", 0.75, -2.5, "part")
    for name in golden.LAYERED:
        translation(name, 2.3, -1.6, "part")
        translation(name, -1.4, 0.3, "cubic", filter="catmull_rom")
    translation("float", 0.5, 0.25, "cubic", filter="catmull_rom")
    translation("micro", -3.4, 2.7, "nearest", filter="nearest", border="wrap")
    for border in MODES:
        translation("row", 3.75, 0.5, border, border=border)
    translation("special", 1.25, 0.5, "part", border={"constant": 2.0})
    # Whole offsets copy; skimage adds 0 times the neighbours.
    image, out = golden.INPUTS["special"], np.zeros((11, 18), np.float32)
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
        for name in golden.LAYERED:
            rotation(name, 118.0, filter, filter=filter, canvas="expand")
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
        for name in golden.LAYERED:
            affine(name, matrix, filter, filter=filter)
        affine("special", [1.1, 0.2, -1.3, -0.3, 0.9, 2.1], filter, filter=filter)
    affine("micro", [0.5, 0.0, 0.0, 0.0, 0.5, 0.0], "half", width=24, height=20)
    affine("float", [-1.0, 0.0, 24.0, 0.0, 1.0, 0.3], "mirrored", border="reflect")
    affine("gradient", [2.7, 0.1, 0.0, 0.0, 3.1, 0.0], "larger", filter="catmull_rom", width=50)
    affine("row", [1.5, 0.3, -2.0, 0.0, 6.0, 0.0], "larger", height=6, border="replicate")
    smaller = [0.41, 0.12, 5.3, -0.07, 0.38, 4.6]
    for border in [*MODES, {"constant": 35.0}]:
        tag = border if isinstance(border, str) else "constant"
        affine("corner", smaller, f"beyond_{tag}", border=border)

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
    for name in golden.LAYERED:
        perspective(name, page, (20, 15), "beyond")
        perspective(name, page, (20, 15), "cubic", filter="catmull_rom")
    inner = [[1.0, 0.5], [16.0, 1.5], [17.0, 9.0], [2.0, 10.5]]
    for filter in ORDERS:
        perspective("special", inner, (19, 13), filter, filter=filter)
    perspective("gradient", [[2.0, 0.3], [30.0, 0.0], [27.0, 5.0], [4.0, 4.0]], (41, 9), "wide",
                border="reflect")
    for border in MODES:
        perspective("float", page, (17, 14), border, border=border)
    perspective("float", page, (17, 14), "constant", border={"constant": 0.625})
    perspective("micro", [[40.0, 2.0], [9.0, 5.0], [3.0, 36.0], [45.0, 33.0]], (30, 25), "mirrored")
    perspective("row", [[3.0, 0.0], [29.0, 0.2], [25.0, 1.0], [4.0, 0.7]], (20, 4), "cubic",
                filter="catmull_rom", border="mirror")


def of_light(golden, image, resize):
    """What a function of floats makes of the light that sRGB stands for, of colours times alpha."""
    decoded, encoded = golden.decoded, golden.encoded
    values = image / golden.white(image.dtype)
    if golden.has_alpha(image):
        alpha = resize(values[..., -1])
        colors = [resize(decoded(values[..., c]) * values[..., -1])
                  for c in range(image.shape[2] - 1)]
        factor = np.where(alpha > 0, 1 / np.where(alpha > 0, alpha, 1), 0)
        out = np.stack([*(encoded(c * factor) for c in colors), alpha], axis=-1)
    else:
        out = golden.channelwise(values, lambda a: encoded(resize(decoded(a))))
    return out * golden.white(image.dtype)


def light(golden):
    """Resizes of what sRGB stands for: its curve around Pillow's float mode."""
    for name, size, filter in [("camera", (31, 40), "lanczos3"), ("rgb", (60, 20), "catmull_rom"),
                               ("gradient", (12, 3), "bilinear"), ("float", (11, 33), "lanczos3"),
                               ("special", (15, 8), "bilinear"), ("micro", (20, 31), "catmull_rom"),
                               ("row", (11, 2), "lanczos3"), ("row_u16", (11, 2), "catmull_rom"),
                               ("row_float", (40, 1), "bilinear"),
                               *((name, (10, 9), "bilinear") for name in golden.LAYERED)]:
        image, resample = golden.INPUTS[name], FILTERS[filter]
        resize = lambda a: np.asarray(
            Image.fromarray(a.astype(np.float32)).resize(size, resample), float)
        out = golden.rounded(of_light(golden, image, resize), image.dtype)
        params = {"width": size[0], "height": size[1], "filter": filter, "mixing": "light"}
        golden.case("resize", params, [name], out, golden.near(image), "light")


def thumbnails(golden):
    def thumbnail(name, size, framing, filter, method, tag, mixing="encoded"):
        image, resample = golden.INPUTS[name], FILTERS[filter]

        def one(a):
            out = np.asarray(method(Image.fromarray(a.astype(np.float32)), size, resample))
            if framing != "fill":
                return out
            top, left = (out.shape[0] - size[1]) // 2, (out.shape[1] - size[0]) // 2
            return out[top:top + size[1], left:left + size[0]]

        with np.errstate(invalid="ignore"):
            if mixing == "light":
                out = of_light(golden, image, lambda a: one(a).astype(float))
            else:
                out = golden.by_alpha(image, one)
        params = {"width": size[0], "height": size[1], "framing": framing, "filter": filter,
                  **({"mixing": mixing} if mixing == "light" else {})}
        golden.case("thumbnail", params, [name], golden.rounded(out, image.dtype),
                    golden.near(image), tag)

    fit, fill, stay = ImageOps.contain, ImageOps.cover, lambda a, *_: a
    thumbnail("rgb", (24, 24), "fit", "lanczos3", fit, "fit")
    thumbnail("float", (40, 50), "fit", "bilinear", fit, "fit")
    thumbnail("micro", (10, 31), "shrink", "catmull_rom", fit, "shrink")
    thumbnail("corner", (200, 31), "shrink", "lanczos3", stay, "shrink")
    thumbnail("rgb", (20, 30), "fill", "lanczos3", fill, "fill")
    thumbnail("gradient", (11, 9), "fill", "bilinear", fill, "fill")
    thumbnail("row", (9, 3), "fill", "catmull_rom", fill, "fill")
    thumbnail("special", (12, 12), "fit", "bilinear", fit, "fit")
    for name in golden.LAYERED:
        thumbnail(name, (9, 9), "fill", "lanczos3", fill, "fill")
    for name, size, framing, filter, method in [
            ("camera", (30, 30), "fit", "lanczos3", fit),
            ("rgb", (20, 30), "fill", "bilinear", fill),
            ("micro", (14, 31), "shrink", "catmull_rom", fit),
            ("corner", (200, 31), "shrink", "lanczos3", stay),
            ("gradient", (11, 9), "fill", "bilinear", fill),
            ("row", (9, 3), "fill", "lanczos3", fill),
            ("row_u16", (9, 3), "fill", "lanczos3", fill),
            ("row_float", (20, 5), "fit", "bilinear", fit),
            ("float", (40, 50), "fit", "lanczos3", fit),
            ("special", (12, 12), "fit", "bilinear", fit),
            *((name, (9, 9), "fill", "lanczos3", fill) for name in golden.LAYERED)]:
        thumbnail(name, size, framing, filter, method, f"light_{framing}", "light")
