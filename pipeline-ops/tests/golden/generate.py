"""Writes the golden files beside it: inputs, expected outputs and tables of cases.

The operations of this file are in `cases.json`; those of a module `more_NAME.py`, which has one
function `cases(golden)` and is given this module, are in `more_NAME.json`.

    python -m venv venv
    venv/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-image==0.26.0 \
        opencv-python-headless==5.0.0.93 Pillow==13.0.0 pyvips==3.2.0 pyvips-binary==8.18.7
    venv/bin/python generate.py DATA

DATA is the folder that holds `images/photos-skimage` and `microscopy/real`; see README.md for where
the pictures come from. Each case names an operation, its parameters as a pipeline file gives them,
its inputs, the output of the reference program, and how far a sample may be from it.

References are computed in 64-bit floats and rounded once, half to even, as the operations do.
"""

import importlib
import json
import pathlib
import sys

import cv2
import numpy as np
import skimage
from PIL import Image, ImageChops
from scipy import ndimage

HERE = pathlib.Path(__file__).parent
CASES = []
NAMES = set()
INPUTS = {}
DATA = pathlib.Path(sys.argv[1])

BORDERS = {  # ours: SciPy's
    "replicate": "nearest",
    "reflect": "reflect",
    "mirror": "mirror",
    "wrap": "wrap",
}


def store(name, array):
    np.save(HERE / f"{name}.npy", np.ascontiguousarray(array))


def add_input(name, array):
    INPUTS[name] = array
    store(f"in_{name}", array)


def add_profile(name, icc):
    (HERE / f"in_{name}.icc").write_bytes(icc)


def case(op, params, inputs, expected, tolerance, tag="", profile=None):
    name = "_".join([op, *([tag] if tag else []), *inputs])
    assert name not in NAMES | {c["name"] for c in CASES}, name
    store(name, expected)
    CASES.append({"name": name, "op": op, "params": params,
                  "inputs": [f"in_{i}" for i in inputs], "tolerance": tolerance,
                  **({"profile": f"in_{profile}"} if profile else {})})


def rounded(values, dtype):
    """64-bit floats as samples: half to even, saturated; floats stay floats."""
    if np.issubdtype(dtype, np.floating):
        return values.astype(np.float32)
    info = np.iinfo(dtype)
    return np.clip(np.rint(np.nan_to_num(values)), info.min, info.max).astype(dtype)


def white(dtype):
    return 1.0 if np.issubdtype(dtype, np.floating) else float(np.iinfo(dtype).max)


def has_alpha(image):
    return image.ndim == 3 and image.shape[2] in (2, 4)


def channelwise(image, function, keep_alpha=False):
    """Applies a function of a 2-D float array to each channel."""
    values = image.astype(np.float64)
    if image.ndim == 2:
        return function(values)
    out = np.stack([function(values[..., c]) for c in range(image.shape[2])], axis=-1)
    if keep_alpha and has_alpha(image):
        out[..., -1] = values[..., -1]
    return out


def by_alpha(image, function):
    """As `channelwise`, of colours times alpha where there is alpha."""
    if not has_alpha(image):
        return channelwise(image, function)
    values, most = image.astype(float), white(image.dtype)
    alpha = function(values[..., -1])
    factor = np.where(alpha > 0, most / np.where(alpha > 0, alpha, 1), 0)
    colors = [function(values[..., c] * values[..., -1] / most) for c in range(image.shape[2] - 1)]
    return np.stack([*(c * factor for c in colors), alpha], axis=-1)


def near(image, integer=1, relative=1e-5):
    """The tolerance of sums in 32-bit floats."""
    if np.issubdtype(image.dtype, np.floating):
        return relative * float(np.abs(image[np.isfinite(image)]).max())
    return integer


def inputs(data):
    photos = data / "images" / "photos-skimage"
    camera = np.asarray(Image.open(photos / "camera.png"))
    astronaut = np.asarray(Image.open(photos / "astronaut.png"))
    micro = np.asarray(Image.open(data / "microscopy" / "real" / "TC_BF_cells.ome.tif"))
    random = np.random.default_rng(20)

    add_input("camera", camera[90:154, 200:296])
    assert skimage.filters.threshold_otsu(camera) == 102
    store("camera_histogram", np.bincount(camera.ravel(), minlength=256)[None].astype(np.uint16))
    rgb = astronaut[60:92, 180:228]
    add_input("rgb", rgb)
    alpha = np.linspace(-60, 300, 24 * 16).clip(0, 255).astype(np.uint8).reshape(16, 24)
    add_input("rgba", np.dstack([astronaut[80:96, 200:224], alpha]))
    add_input("micro", micro[60:100, 50:98].astype(np.uint16))
    gradient = np.linspace(0, 65535, 33 * 5).round().astype(np.uint16).reshape(5, 33)
    gradient[2, ::4] = 0
    gradient[3, 1::5] = 65535
    add_input("gradient", gradient)
    add_input("row", random.integers(0, 256, (1, 31), dtype=np.uint8))
    add_input("float", random.normal(0.4, 0.5, (20, 24)).astype(np.float32))
    special = random.normal(0.4, 0.5, (3, 5)).astype(np.float32)
    special[0, 1], special[1, 2], special[2, 3] = np.nan, np.inf, -np.inf
    special[0, 0], special[2, 4] = -0.0, 1e30
    add_input("special", special)
    add_input("top", astronaut[300:332, 100:148])
    add_input("rgba_top", np.dstack([astronaut[20:36, 20:44], alpha[::-1]]))


def blur():
    def gaussian(sigma, truncate=4.0, mode="nearest", cval=0.0):
        return lambda a: ndimage.gaussian_filter(a, sigma, truncate=truncate, mode=mode, cval=cval)

    for name in ["camera", "rgb", "rgba", "micro", "gradient", "row", "float"]:
        image = INPUTS[name]
        out = rounded(by_alpha(image, gaussian(2.0)), image.dtype)
        case("gaussian_blur", {"sigma": 2.0}, [name], out, near(image))
    image = INPUTS["gradient"]
    for border, mode in BORDERS.items():
        # The radius passes the height several times.
        out = rounded(gaussian(3.3, 3.0, mode)(image.astype(float)), image.dtype)
        params = {"sigma": 3.3, "truncate": 3.0, "border": border}
        case("gaussian_blur", params, ["gradient"], out, 1, border)
    out = rounded(gaussian(1.5, mode="constant", cval=9000.0)(image.astype(float)), image.dtype)
    params = {"sigma": 1.5, "border": {"constant": 9000.0}}
    case("gaussian_blur", params, ["gradient"], out, 1, "constant")

    for name, radius in [("camera", 3), ("rgb", 1), ("rgba", 3), ("gradient", 8), ("row", 2),
                         ("float", 2)]:
        image = INPUTS[name]
        uniform = lambda a: ndimage.uniform_filter(a, 2 * radius + 1, mode="nearest")
        tolerance = near(image, int(has_alpha(image)))
        case("box_blur", {"radius": radius}, [name],
             rounded(by_alpha(image, uniform), image.dtype), tolerance)
    for border, mode in BORDERS.items():
        uniform = ndimage.uniform_filter(INPUTS["camera"][:20, :30].astype(float), 9, mode=mode)
        if border == "replicate":
            add_input("corner", INPUTS["camera"][:20, :30])
        case("box_blur", {"radius": 4, "border": border}, ["corner"],
             rounded(uniform, np.uint8), 0, border)

    for name in ["camera", "rgba", "micro", "float"]:
        image = INPUTS[name]
        sharpen = lambda a: a + 1.5 * (a - gaussian(1.2)(a))
        out = rounded(channelwise(image, sharpen, keep_alpha=True), image.dtype)
        tolerance = near(image, relative=5e-5)
        case("unsharp_mask", {"sigma": 1.2, "amount": 1.5}, [name], out, tolerance)
    image = INPUTS["camera"].astype(float)
    difference = image - gaussian(1.2)(image)
    out = np.where(np.abs(difference) <= 0.02 * 255, image, image + difference)
    case("unsharp_mask", {"sigma": 1.2, "threshold": 0.02}, ["camera"],
         rounded(out, np.uint8), 1, "threshold")


def edges():
    for name in ["camera", "rgba", "micro", "float", "row"]:
        image = INPUTS[name]
        magnitude = lambda a: skimage.filters.sobel(a, mode="nearest")
        out = rounded(channelwise(image, magnitude, keep_alpha=True), image.dtype)
        case("sobel", {}, [name], out, near(image))
    image = INPUTS["camera"]
    for output, function in [("x", skimage.filters.sobel_v), ("y", skimage.filters.sobel_h)]:
        # These take no border; SciPy's, divided by 4, does.
        axis = {"x": 1, "y": 0}[output]
        out = ndimage.sobel(image.astype(float), axis=axis, mode="mirror") / 4
        assert np.allclose(out[1:-1, 1:-1], function(image.astype(float))[1:-1, 1:-1])
        params = {"output": output, "border": "mirror"}
        case("sobel", params, ["camera"], out.astype(np.float32), 0, output)


def rank():
    for name, radius in [("camera", 1), ("rgb", 1), ("rgba", 2), ("micro", 2), ("gradient", 3),
                         ("row", 4), ("float", 1)]:
        image = INPUTS[name]
        size = (2 * radius + 1,) * 2 + (1,) * (image.ndim - 2)
        out = ndimage.median_filter(image, size, mode="nearest")
        case("median", {"radius": radius}, [name], out, 0)
    for name in ["camera", "float"]:
        out = ndimage.median_filter(INPUTS[name], 9, mode="mirror")
        case("median", {"radius": 4, "border": "mirror"}, [name], out, 0, "mirror")
    out = ndimage.median_filter(INPUTS["corner"], 5, mode="constant", cval=77)
    case("median", {"radius": 2, "border": {"constant": 77.0}}, ["corner"], out, 0, "constant")


def points():
    def pointwise(op, params, names, function, tolerance, tag=""):
        for name in names:
            image = INPUTS[name]
            with np.errstate(invalid="ignore", over="ignore"):
                out = function(image.astype(np.float64), white(image.dtype))
            if has_alpha(image):
                out[..., -1] = image[..., -1]
            allowed = near(image, 0, 2e-7) if tolerance == 0 else near(image, tolerance)
            case(op, params, [name], rounded(out, image.dtype), allowed, tag)

    pointwise("gain", {"factor": 1.75}, ["camera", "rgba", "micro", "special"],
              lambda v, w: v * 1.75, 0)
    pointwise("gamma", {"gamma": 2.2}, ["camera", "rgba", "micro"],
              lambda v, w: skimage.exposure.adjust_gamma(v / w, 1 / 2.2) * w, 1)
    pointwise("levels", {"in_black": 0.1, "in_white": 0.75, "out_black": 0.2, "out_white": 0.9},
              ["camera", "rgba", "micro", "float"],
              lambda v, w: skimage.exposure.rescale_intensity(
                  v / w, in_range=(0.1, 0.75), out_range=(0.2, 0.9)) * w, 1)
    pointwise("invert", {}, ["camera", "rgba", "micro", "special"], lambda v, w: w - v, 0)

    for name, to, dtype in [("camera", "u16", np.uint16), ("micro", "u8", np.uint8),
                            ("rgba", "f32", np.float32), ("special", "u8", np.uint8),
                            ("float", "u16", np.uint16)]:
        image = INPUTS[name]
        with np.errstate(invalid="ignore"):
            scaled = image.astype(np.float64) / white(image.dtype) * white(dtype)
            scaled = np.where(np.isinf(scaled), np.sign(scaled) * 1e9, scaled)
        tolerance = 1e-7 if dtype is np.float32 else 0
        case("convert", {"to": to}, [name], rounded(scaled, dtype), tolerance)
    assert np.array_equal(skimage.util.img_as_uint(INPUTS["camera"]),
                          np.load(HERE / "convert_camera.npy"))
    case("convert", {"to": "u8", "range": "raw"}, ["gradient"],
         rounded(INPUTS["gradient"].astype(float), np.uint8), 0, "raw")

    case("grayscale", {}, ["rgb"], cv2.cvtColor(INPUTS["rgb"], cv2.COLOR_RGB2GRAY), 1)
    weights = np.array([0.2126, 0.7152, 0.0722])
    rgba = INPUTS["rgba"]
    gray = rounded(rgba[..., :3].astype(float) @ weights, np.uint8)
    case("grayscale", {"luma": "rec709"}, ["rgba"], np.dstack([gray, rgba[..., 3]]), 1)

    case("threshold", {"level": 120.0}, ["camera"], INPUTS["camera"] > 120, 0)
    case("threshold", {"level": 0.5}, ["special"], INPUTS["special"] > np.float32(0.5), 0)
    for name in ["camera", "corner", "micro", "float"]:
        image = INPUTS[name]
        case("otsu", {}, [name], image > skimage.filters.threshold_otsu(image), 0)


def blend():
    bottom, top = (Image.fromarray(INPUTS[n]) for n in ["rgb", "top"])
    for mode, chop in [("multiply", ImageChops.multiply), ("screen", ImageChops.screen),
                       ("add", ImageChops.add), ("difference", ImageChops.difference),
                       ("darken", ImageChops.darker), ("lighten", ImageChops.lighter),
                       ("subtract", ImageChops.subtract), ("overlay", ImageChops.overlay)]:
        case("blend", {"mode": mode}, ["rgb", "top"], np.asarray(chop(bottom, top)), 1, mode)
    case("blend", {"opacity": 0.3}, ["rgb", "top"],
         np.asarray(Image.blend(bottom, top, 0.3)), 1, "opacity")

    over = Image.alpha_composite(*(Image.fromarray(INPUTS[n]) for n in ["rgba", "rgba_top"]))
    over = np.asarray(over).copy()
    over[over[..., 3] == 0] = 0  # Pillow keeps the bottom's colour where nothing is seen.
    case("blend", {}, ["rgba", "rgba_top"], over, 1)

    b, t = (INPUTS[n].astype(float) / 255 for n in ["rgba", "rgba_top"])
    below, above = b[..., 3:], 0.6 * t[..., 3:]
    mixed = (1 - below) * t[..., :3] + below * (b[..., :3] * t[..., :3])
    whole = above + below * (1 - above)
    color = (above * mixed + (1 - above) * below * b[..., :3]) / np.where(whole > 0, whole, 1)
    out = rounded(np.dstack([color, whole]) * 255, np.uint8)
    case("blend", {"mode": "multiply", "opacity": 0.6}, ["rgba", "rgba_top"], out, 1, "formula")


def geometry():
    image = INPUTS["rgb"]
    case("crop", {"x": 7, "y": 3, "width": 20, "height": 11}, ["rgb"], image[3:14, 7:27], 0)
    case("crop", {"x": 10}, ["gradient"], INPUTS["gradient"][:, 10:], 0)
    for name in ["rgb", "row"]:
        case("flip", {"axis": "horizontal"}, [name], np.fliplr(INPUTS[name]), 0, "horizontal")
    case("flip", {"axis": "vertical"}, ["gradient"], np.flipud(INPUTS["gradient"]), 0, "vertical")
    for turn, k in [("90", -1), ("180", 2), ("270", 1)]:
        case("rotate90", {"turn": turn}, ["rgb"], np.rot90(image, k), 0, turn)

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
        return (channelwise if filter == "nearest" else by_alpha)(image, one)

    for filter in filters:
        for name, size in [("camera", (31, 40)), ("rgb", (60, 20)), ("float", (11, 33)),
                           ("micro", (97, 13))]:
            image = INPUTS[name]
            out = rounded(resized(image, size, filter), image.dtype)
            exact = filter == "nearest"
            params = {"width": size[0], "height": size[1], "filter": filter}
            tolerance = 0 if exact else near(image)
            case("resize", params, [name], out, tolerance, filter)
    out = rounded(resized(INPUTS["rgba"], (10, 9), "bilinear"), np.uint8)
    params = {"width": 10, "height": 9, "filter": "bilinear"}
    case("resize", params, ["rgba"], out, 1, "bilinear")
    for name, size in [("camera", (31, 25)), ("rgb", (12, 8)), ("float", (7, 9))]:
        image = INPUTS[name]
        area = lambda a: cv2.resize(a, size, interpolation=cv2.INTER_AREA)
        out = rounded(channelwise(image, area), image.dtype)
        params = {"width": size[0], "height": size[1], "filter": "area"}
        case("resize", params, [name], out, near(image), "area")


def main():
    for old in HERE.glob("*.npy"):
        old.unlink()
    inputs(DATA)
    blur()
    edges()
    rank()
    points()
    blend()
    geometry()
    table("cases")
    for module in sorted(HERE.glob("more_*.py")):
        importlib.import_module(module.stem).cases(sys.modules[__name__])
        table(module.stem)


def table(name):
    """Writes the cases since the last table."""
    rows = ",\n".join("  " + json.dumps(c) for c in CASES)
    (HERE / f"{name}.json").write_text(f"[\n{rows}\n]\n")
    NAMES.update(c["name"] for c in CASES)
    CASES.clear()


if __name__ == "__main__":
    main()
