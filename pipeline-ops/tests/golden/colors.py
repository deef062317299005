"""Gray, channels, and colour spaces, against OpenCV and scikit-image."""

import cv2
import numpy as np
import skimage
from skimage.color import colorconv


def cases(golden):
    grayscale(golden)
    channels(golden)
    colors(golden)


RGB = ["rgb", "micro_rgb", "gradient_rgb", "row_rgb", "float_rgb", "special_rgb", "rgba",
       "rgba_u16", "rgba_f32"]


def grayscale(golden):
    weights = {"rec601": np.array([0.299, 0.587, 0.114]),
               "rec709": np.array([0.2126, 0.7152, 0.0722])}
    for luma, weights in weights.items():
        for name in RGB:
            image = golden.INPUTS[name]
            colors = image[..., :3]
            with np.errstate(invalid="ignore"):
                out = golden.rounded(colors.astype(np.float64) @ weights, image.dtype)
                if luma == "rec601":
                    gray = cv2.cvtColor(np.ascontiguousarray(colors), cv2.COLOR_RGB2GRAY)
                    far = np.abs(out.astype(float) - gray)
                    assert np.nanmax(far) <= golden.near(image, relative=1e-6), name
            out = np.dstack([out, image[..., 3]]) if golden.has_alpha(image) else out
            golden.case("grayscale", {"luma": luma}, [name], out, golden.near(image, relative=1e-6),
                        luma)
    for name in ["row", "special", "micro_alpha"]:
        golden.case("grayscale", {}, [name], golden.INPUTS[name], 0, "gray")


def channels(golden):
    taken = {"rgb": [[2, 1, 0], [1]], "rgba": [[3, 0]], "row": [[0, 0, 0]], "camera_alpha": [[0]],
             "micro_rgb": [[1, 1, 2, 0]], "micro_alpha": [[1, 0]], "gradient": [[0, 0]],
             "gradient_rgb": [[2]], "special": [[0, 0, 0]], "special_rgb": [[2, 0]],
             "rgba_u16": [[3], [0, 1, 2]], "rgba_f32": [[2, 1, 0, 3]]}
    for name, choices in taken.items():
        for taken in choices:
            image = golden.INPUTS[name]
            image = image if image.ndim == 3 else image[..., None]
            out = image[..., taken] if len(taken) > 1 else image[..., taken[0]]
            tag = "".join(str(channel) for channel in taken)
            golden.case("shuffle_channels", {"channels": taken}, [name], out, 0, tag)
    for name in RGB:
        # The test puts what comes out behind each other again.
        out = np.dstack(cv2.split(golden.INPUTS[name])[:3])
        golden.case("split_channels", {}, [name], out, 0)
    for name in [*golden.PICTURES, "float"]:
        names = [f"{name}_{side}" for side in ["left", "right", "left"]]
        out = cv2.merge([np.ascontiguousarray(golden.INPUTS[name]) for name in names])
        golden.case("merge_channels", {}, names, out, 0)
    for name in golden.LAYERED:
        names = [name, f"{name}_top"]
        golden.case("merge_channels", {}, names, np.dstack([golden.INPUTS[n] for n in names]), 0)


def colors(golden):
    def colored(op, name, function, integer, relative, dtype=None):
        image = golden.INPUTS[name]
        shares = image.astype(np.float64) / golden.white(image.dtype)
        dtype = dtype or image.dtype
        with np.errstate(all="ignore"):
            out = function(shares[..., :3])
        if image.shape[2] == 4:
            out = np.dstack([out, shares[..., 3]])
        is_float = np.issubdtype(dtype, np.floating)
        golden.case(op, {}, [name], golden.rounded(out * golden.white(dtype), dtype),
                    relative if is_float else integer)

    # By the formula, as scikit-image cuts off what is not within 0 and 1.
    matrix = colorconv.xyz_from_rgb.T
    shares = golden.INPUTS["rgb"] / 255
    assert np.allclose(golden.decoded(shares) @ matrix, colorconv.rgb2xyz(shares), atol=1e-12)
    assert np.allclose(golden.encoded(shares), colorconv.xyz2rgb(shares @ matrix), atol=1e-12)
    for name in [*RGB, *golden.PICTURES, *golden.LAYERED[3:]]:
        image = golden.INPUTS[name]
        for op, function, relative in [("to_linear", golden.decoded, 1e-5),
                                       ("from_linear", golden.encoded, 1e-6)]:
            with np.errstate(all="ignore"):
                out = function(image / golden.white(image.dtype)) * golden.white(image.dtype)
            out = golden.kept_alpha(image, out)
            is_float = image.dtype == np.float32
            golden.case(op, {}, [name], golden.rounded(out, image.dtype), 0 if is_float else 1,
                        share=relative if is_float else 0)

    for name in [*golden.PICTURES, *RGB]:
        golden.case("assign_color_space", {"to": "linear_srgb"}, [name], golden.INPUTS[name], 0)

    for name in RGB:
        special = name == "special_rgb"
        colored("to_hsv", name, hsv if special else skimage.color.rgb2hsv, 1, 1e-6)
        colored("to_lab", name, skimage.color.rgb2lab, 0, 1e-3, np.float32)
        is_share = golden.INPUTS[name].dtype != np.float32
        colored("from_hsv", name, skimage.color.hsv2rgb if is_share else rgb_of_hsv, 1, 1e-6)
    colored("from_hsv", "share_rgb", skimage.color.hsv2rgb, 1, 1e-6)
    lab = skimage.color.rgb2lab(golden.INPUTS["rgb"][::2, ::2])
    golden.add_input("rgb_lab", lab.astype(np.float32))
    l, a, b = np.meshgrid([0, 5, 50, 100], [-100, 0, 8, 110], [-100, 0, 7, 120])
    golden.add_input("lab_any", np.stack([l, a, b], -1).reshape(8, 8, 3).astype(np.float32))
    for name in ["micro", "gradient", "row", "special"]:
        lab = skimage.color.rgb2lab(golden.INPUTS[f"{name}_rgb"])
        if name == "special":
            lab = golden.INPUTS["special_rgb"] * np.float32(80)
        golden.add_input(f"{name}_lab", lab.astype(np.float32))
    for name in ["rgb_lab", "lab_any", "micro_lab", "gradient_lab", "row_lab", "special_lab"]:
        colored("from_lab", name, skimage.color.lab2rgb, 0, 1e-4)


def hsv(colors):
    """The formula, as scikit-image makes 0 of what is no number."""
    r, g, b = np.moveaxis(colors, -1, 0)
    value = colors.max(axis=-1)
    delta = value - colors.min(axis=-1)
    hue = np.select([b == value, g == value], [4 + (r - g) / delta, 2 + (b - r) / delta],
                    (g - b) / delta) / 6 % 1
    return np.stack([np.where(np.isnan(value), value, hue), delta / value, value], -1)


def rgb_of_hsv(colors):
    """The formula for hues beyond one turn, which scikit-image does not take."""
    hue, saturation, value = np.moveaxis(colors, -1, 0)
    hue = np.where(np.isinf(hue), 0, hue) % 1 * 6
    places = (hue[..., None] + [5, 3, 1]) % 6
    parts = np.minimum(places, 4 - places).clip(0, 1)
    return value[..., None] - (value * saturation)[..., None] * parts
