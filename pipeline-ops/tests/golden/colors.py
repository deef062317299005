"""Gray, channels, and colour spaces, against OpenCV and scikit-image."""

import cv2
import numpy as np
import skimage
from skimage.color import colorconv


def cases(golden):
    grayscale(golden)
    channels(golden)
    colors(golden)


def grayscale(golden):
    golden.case("grayscale", {}, ["rgb"], cv2.cvtColor(golden.INPUTS["rgb"], cv2.COLOR_RGB2GRAY), 1)
    weights = np.array([0.2126, 0.7152, 0.0722])
    rgba = golden.INPUTS["rgba"]
    gray = golden.rounded(rgba[..., :3].astype(float) @ weights, np.uint8)
    golden.case("grayscale", {"luma": "rec709"}, ["rgba"], np.dstack([gray, rgba[..., 3]]), 1)


def channels(golden):
    rgb, rgba = golden.INPUTS["rgb"], golden.INPUTS["rgba"]
    for taken, name, image in [([2, 1, 0], "rgb", rgb), ([1], "rgb", rgb), ([3, 0], "rgba", rgba),
                               ([0, 0, 0], "row", golden.INPUTS["row"][..., None])]:
        out = image[..., taken] if len(taken) > 1 else image[..., taken[0]]
        tag = "".join(str(channel) for channel in taken)
        golden.case("shuffle_channels", {"channels": taken}, [name], out, 0, tag)
    # The test puts what comes out behind each other again.
    golden.case("split_channels", {}, ["rgb"], np.dstack(cv2.split(rgb)), 0)
    golden.case("split_channels", {}, ["rgba"], np.dstack(cv2.split(rgba)[:3]), 0)
    left, right = (golden.INPUTS[f"camera_{side}"] for side in ["left", "right"])
    golden.case("merge_channels", {}, ["camera_left", "camera_right", "camera_left"],
                cv2.merge([left, right, left]), 0)


def colors(golden):
    golden.add_input("micro_rgb", golden.INPUTS["micro"].reshape(40, 16, 3))
    float_rgb = golden.INPUTS["float"].reshape(20, 8, 3)
    golden.add_input("float_rgb", float_rgb)
    golden.add_input("share_rgb", float_rgb.clip(0, 1))

    def colored(op, name, function, integer, relative, dtype=None):
        image = golden.INPUTS[name]
        shares = image.astype(np.float64) / golden.white(image.dtype)
        dtype = dtype or image.dtype
        out = function(shares[..., :3])
        if image.shape[2] == 4:
            out = np.dstack([out, shares[..., 3]])
        is_float = np.issubdtype(dtype, np.floating)
        golden.case(op, {}, [name], golden.rounded(out * golden.white(dtype), dtype),
                    relative if is_float else integer)

    def to_linear(shares):
        return colorconv.rgb2xyz(shares) @ np.linalg.inv(colorconv.xyz_from_rgb).T

    def from_linear(shares):
        return colorconv.xyz2rgb(shares @ colorconv.xyz_from_rgb.T)

    for name in ["rgb", "rgba", "micro_rgb", "float_rgb"]:
        colored("to_linear", name, to_linear, 1, 1e-5)
        colored("to_hsv", name, skimage.color.rgb2hsv, 1, 1e-6)
        colored("to_lab", name, skimage.color.rgb2lab, 0, 1e-3, np.float32)
    for name in ["rgb", "rgba", "micro_rgb", "share_rgb"]:
        colored("from_linear", name, from_linear, 1, 1e-6)
        colored("from_hsv", name, skimage.color.hsv2rgb, 1, 1e-6)
    golden.add_input("lab", skimage.color.rgb2lab(golden.INPUTS["rgb"][::2, ::2]).astype(np.float32))
    l, a, b = np.meshgrid([0, 5, 50, 100], [-100, 0, 8, 110], [-100, 0, 7, 120])
    golden.add_input("lab_any", np.stack([l, a, b], -1).reshape(8, 8, 3).astype(np.float32))
    for name in ["lab", "lab_any"]:
        colored("from_lab", name, skimage.color.lab2rgb, 0, 1e-4)
