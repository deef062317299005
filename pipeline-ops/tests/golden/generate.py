"""Writes the golden files beside it: inputs, expected outputs and tables of cases.

Each module of `SUBJECTS` has a function `cases(golden)`, which is given this module, a table of its
name, and a file of the expected outputs in the order of the table, one `.npy` behind the other. The
later ones take inputs from those before.

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
import zlib

import numpy as np
import pyvips
import skimage
from PIL import Image
from scipy import ndimage

HERE = pathlib.Path(__file__).parent
CASES = []
EXPECTED = {}
INPUTS = {}
DATA = pathlib.Path(sys.argv[1])
SUBJECTS = ["filters", "rank", "point", "colors", "blends", "thresholds", "geometry", "draw",
            "labels", "measures", "morphology", "openings", "borders", "outlines", "profiles", "cells"]

# The kinds of picture that every operation is compared on, the row in samples of other types, and
# pictures with opacity.
PICTURES = ["camera", "micro", "gradient", "row", "special"]
ROWS = ["row_u16", "row_float"]
LAYERED = ["rgba", "rgba_u16", "rgba_f32", "camera_alpha", "micro_alpha", "float_alpha"]

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


def case(op, params, inputs, expected, tolerance, tag="", profile=None, share=0):
    """`tolerance` is how far a number may be from `expected`, or `share` as a share of it."""
    name = "_".join([op, *([tag] if tag else []), *inputs])
    assert name not in EXPECTED, name
    EXPECTED[name] = np.ascontiguousarray(expected)
    CASES.append({"name": name, "op": op, "params": params,
                  "inputs": [f"in_{i}" for i in inputs], "tolerance": tolerance,
                  **({"share": share} if share else {}),
                  **({"profile": f"in_{profile}"} if profile else {}),
                  # It shows in a comparison of two tables which outputs changed.
                  "crc32": zlib.crc32(EXPECTED[name].tobytes())})


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


def channelwise(image, function):
    """Applies a function of a 2-D float array to each channel."""
    values = image.astype(np.float64)
    if image.ndim == 2:
        return function(values)
    return np.stack([function(values[..., c]) for c in range(image.shape[2])], axis=-1)


def by_alpha(image, function):
    """As `channelwise`, of colours times alpha where there is alpha."""
    if not has_alpha(image):
        return channelwise(image, function)
    values, most = image.astype(float), white(image.dtype)
    alpha = function(values[..., -1])
    factor = np.where(alpha > 0, most / np.where(alpha > 0, alpha, 1), 0)
    colors = [function(values[..., c] * values[..., -1] / most) for c in range(image.shape[2] - 1)]
    return np.stack([*(c * factor for c in colors), alpha], axis=-1)


def unseen(image, is_largest, function):
    """Applies a function to each colour, with the largest or the least sample for what is not seen,
    which stays."""
    if not has_alpha(image):
        return channelwise(image, function).astype(image.dtype)
    if np.issubdtype(image.dtype, np.floating):
        stands_for_it = np.inf if is_largest else -np.inf
    else:
        stands_for_it = np.iinfo(image.dtype).max if is_largest else 0
    is_seen, out = image[..., -1] > 0, image.copy()
    for c in range(image.shape[2] - 1):
        filtered = function(np.where(is_seen, image[..., c], image.dtype.type(stands_for_it)))
        out[..., c] = np.where(is_seen, filtered, image[..., c])
    return out


def vips(image):
    return pyvips.Image.new_from_array(np.ascontiguousarray(image))


def same(found, expected):
    """Whether an image of libvips is this array."""
    found = found.numpy().reshape(expected.shape)
    return found.dtype == expected.dtype and np.array_equal(
        found, expected, equal_nan=found.dtype == np.float32)


def kept_alpha(image, out):
    """The output with the last channel of an image that has opacity."""
    if has_alpha(image):
        out[..., -1] = image[..., -1]
    return out


def near(image, integer=1, relative=1e-5):
    """The tolerance of sums in 32-bit floats; infinity and NaN do not count for the largest."""
    if np.issubdtype(image.dtype, np.floating):
        return relative * float(np.abs(image[np.isfinite(image)]).max())
    return integer


def by_order(image, function):
    """Applies a function that keeps the order to the places of the samples in it, NaN last."""
    values, places = np.unique(image, return_inverse=True)
    # What lies beyond an edge may be the largest place there is, which 64-bit floats must hold.
    return values[function(places.reshape(image.shape).astype(np.int32))]


def seen(image, radius, mode="nearest"):
    """Where the window of a pixel has NaN or infinity."""
    return ndimage.maximum_filter(~np.isfinite(image), 2 * radius + 1, mode=mode)


def finite(image):
    """The image with zeros for NaN and infinity."""
    return np.where(np.isfinite(image), image, image.dtype.type(0))


def decoded(shares):
    """The light of sRGB: IEC 61966-2-1."""
    light = (np.maximum(shares + 0.055, 0) / 1.055) ** 2.4
    return np.where(shares > 0.04045, light, np.where(np.isnan(shares), shares, shares / 12.92))


def encoded(light):
    """What `decoded` undoes."""
    shares = 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055
    return np.where(light > 0.0031308, shares, light * 12.92)


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
    add_input("gradient_tall", gradient.reshape(11, 15))
    add_input("row", random.integers(0, 256, (1, 31), dtype=np.uint8))
    row = INPUTS["row"]
    add_input("row_u16", row.astype(np.uint16) * 256 + row[:, ::-1])
    add_input("row_float", (row / 255 * 1.4 - 0.2).astype(np.float32))
    add_input("corner", camera[90:110, 200:230])
    # Samples as large as floats are, and smaller than they are at their most exact.
    wide = np.linspace(-1e30, 1e30, 99).astype(np.float32).reshape(3, 33)
    wide[1, ::4], wide[2, ::4] = 0, [1e-40, -1e-40, 3e38, -3e38, 1, 0.5, 2e-9, 65504, -1]
    add_input("gradient_float", wide)
    add_input("float", random.normal(0.4, 0.5, (20, 24)).astype(np.float32))
    special = random.normal(0.4, 0.5, (11, 18)).astype(np.float32)
    special[1, 2] = special[9, 12] = np.nan
    special[8, 3] = special[4, 15] = np.inf
    special[5, 9], special[0, 0] = -np.inf, -0.0
    add_input("special", special)
    add_input("top", astronaut[300:332, 100:148])
    add_input("rgba_top", np.dstack([astronaut[20:36, 20:44], alpha[::-1]]))
    masks()
    layers(random)


def masks():
    """What is bright in the pictures, and colours and pairs of them."""
    levels = {"camera": 110, "rgb": 120, "micro": 720, "gradient": 30000, "row": 100,
              "special": 0.4}
    for name, level in levels.items():
        image = INPUTS[name]
        add_input(f"{name}_mask", (image[..., 1] if image.ndim == 3 else image) > level)
    for name in ["camera", "micro", "gradient", "row", *ROWS, "float", "special"]:
        image = INPUTS[name]
        width = image.shape[1] // 2
        add_input(f"{name}_left", image[:, :width])
        add_input(f"{name}_right", image[:, width:2 * width])
    add_input("micro_rgb", INPUTS["micro"].reshape(40, 16, 3))
    add_input("gradient_rgb", INPUTS["gradient"].reshape(5, 11, 3))
    for name in ["row", "special"]:
        image = INPUTS[name]
        add_input(f"{name}_rgb", np.dstack([image, image[::-1, ::-1], np.roll(image, 5, axis=1)]))
    float_rgb = INPUTS["float"].reshape(20, 8, 3)
    add_input("float_rgb", float_rgb)
    add_input("share_rgb", float_rgb.clip(0, 1))


def layers(random):
    """Pictures with opacity of every sample type, with two and four channels, and their tops."""
    def ramp(shape, dtype):
        share = np.linspace(-0.2, 1.2, shape[0] * shape[1]).clip(0, 1).reshape(shape)
        return rounded(share * white(dtype), dtype)

    rgba, top = (INPUTS[name][3:13, 4:21, :3] for name in ["rgba", "rgba_top"])
    for name, colors in [("rgba", rgba), ("rgba_top", top)]:
        fine = colors.astype(np.uint16) * 256 + random.integers(0, 256, colors.shape, np.uint16)
        add_input(name.replace("rgba", "rgba_u16"), fine)
        light = (colors / 255 * 1.4 - 0.2).astype(np.float32)
        add_input(name.replace("rgba", "rgba_f32"), light)
    grays = {"camera_alpha": INPUTS["camera"][10:24, 20:39],
             "micro_alpha": INPUTS["micro"][5:16, 8:25],
             "float_alpha": INPUTS["float"][:13, :15]}
    for name, gray in grays.items():
        add_input(name, gray)
        add_input(f"{name}_top", gray[::-1, ::-1])
    for name in LAYERED[1:]:
        for part in [name, f"{name}_top"]:
            colors = INPUTS[part]
            opacity = ramp(colors.shape[:2], colors.dtype)
            opacity = opacity[:, ::-1].T.reshape(opacity.shape) if part != name else opacity
            add_input(part, np.dstack([colors, opacity]))


def main():
    for old in [*HERE.glob("*.npy"), *HERE.glob("*.json")]:
        old.unlink()
    inputs(DATA)
    for subject in SUBJECTS:
        importlib.import_module(subject).cases(sys.modules[__name__])
        table(subject)


def table(name):
    """Writes the cases since the last table, and what is expected of them."""
    rows = ",\n".join("  " + json.dumps(c) for c in CASES)
    (HERE / f"{name}.json").write_text(f"[\n{rows}\n]\n")
    with open(HERE / f"{name}.npy", "wb") as file:
        for each in CASES:
            np.save(file, EXPECTED[each["name"]])
    CASES.clear()


if __name__ == "__main__":
    main()
