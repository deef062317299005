"""Writes the golden files beside it: inputs, expected outputs and tables of cases.

Each module of `SUBJECTS` has a function `cases(golden)`, which is given this module, and a table
of its name. The later ones take inputs from those before.

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

import numpy as np
import skimage
from PIL import Image

HERE = pathlib.Path(__file__).parent
CASES = []
NAMES = set()
INPUTS = {}
DATA = pathlib.Path(sys.argv[1])
SUBJECTS = ["filters", "rank", "point", "colors", "blends", "thresholds", "geometry", "draw", "labels",
            "measures", "morphology", "profiles"]

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


def main():
    for old in [*HERE.glob("*.npy"), *HERE.glob("*.json")]:
        old.unlink()
    inputs(DATA)
    for subject in SUBJECTS:
        importlib.import_module(subject).cases(sys.modules[__name__])
        table(subject)


def table(name):
    """Writes the cases since the last table."""
    rows = ",\n".join("  " + json.dumps(c) for c in CASES)
    (HERE / f"{name}.json").write_text(f"[\n{rows}\n]\n")
    NAMES.update(c["name"] for c in CASES)
    CASES.clear()


if __name__ == "__main__":
    main()
