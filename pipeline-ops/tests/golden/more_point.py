"""The point operations that `generate.py` does not have, and the thresholds of an image."""

import cv2
import numpy as np
import skimage
from PIL import Image
from scipy import ndimage
from skimage.color import colorconv


def cases(golden):
    combine(golden)
    lines(golden)
    channels(golden)
    ranges(golden)
    colors(golden)
    over(golden)
    clahe(golden)
    levels(golden)
    local(golden)
    hysteresis(golden)


def parts(image):
    """Two halves of an image, side by side."""
    width = image.shape[1] // 2
    return image[:, :width], image[:, width:2 * width]


def keep_alpha(golden, image, out):
    if golden.has_alpha(image):
        out[..., -1] = image[..., -1]
    return out


def combine(golden):
    functions = {
        "add": cv2.add, "subtract": cv2.subtract, "multiply": cv2.multiply, "divide": cv2.divide,
        "min": np.minimum, "max": np.maximum, "difference": cv2.absdiff,
    }
    for name in ["camera", "micro", "float", "gradient"]:
        left, right = parts(golden.INPUTS[name])
        golden.add_input(f"{name}_left", left)
        golden.add_input(f"{name}_right", right)
    for operation, function in functions.items():
        for name in ["camera", "micro", "float", "gradient"]:
            a, b = (golden.INPUTS[f"{name}_{side}"] for side in ["left", "right"])
            inputs = [f"{name}_left", f"{name}_right"]
            out = function(a, b)
            if (operation, name) == ("multiply", "gradient"):
                # OpenCV makes 0 of products above 2^31.
                out = golden.rounded(a.astype(np.float64) * b, a.dtype)
            golden.case("arithmetic", {"operation": operation}, inputs, out, 0, operation)
    for operation, scale, name in [("multiply", 1 / 255, "camera"), ("divide", 128.0, "camera"),
                                   ("divide", 20000.0, "micro"), ("multiply", -0.5, "float")]:
        a, b = (golden.INPUTS[f"{name}_{side}"] for side in ["left", "right"])
        inputs = [f"{name}_left", f"{name}_right"]
        params = {"operation": operation, "scale": scale}
        out = functions[operation](a, b, scale=scale)
        golden.case("arithmetic", params, inputs, out, golden.near(out, relative=1e-6),
                    f"scaled_{operation}")
    a, b = golden.INPUTS["rgba"], golden.INPUTS["rgba_top"]
    golden.case("arithmetic", {"operation": "add"}, ["rgba", "rgba_top"],
                keep_alpha(golden, a, cv2.add(a, b)), 0)

    operations = {
        "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
        "min": np.minimum, "max": np.maximum, "difference": lambda a, b: np.abs(a - b),
    }
    for operation, function in operations.items():
        for name, value in [("rgba", 37.5), ("micro", 20000.75), ("special", 0.3)]:
            image = golden.INPUTS[name]
            values = image.astype(np.float64)
            with np.errstate(invalid="ignore", over="ignore"):
                out = keep_alpha(golden, image, function(values, float(np.float32(value))))
                out = golden.rounded(out, image.dtype)
            tolerance = golden.near(image, int(image.dtype == np.uint16), 2e-7)
            golden.case("scalar", {"operation": operation, "value": value}, [name], out, tolerance,
                        operation)

    for name in ["camera", "rgba", "micro", "float", "row"]:
        image = golden.INPUTS[name]
        contrast, brightness = 1.5, -0.1
        offset = golden.white(image.dtype) * (0.5 - 0.5 * contrast + brightness)
        out = cv2.addWeighted(image, contrast, image, 0, offset)
        golden.case("brightness_contrast", {"contrast": contrast, "brightness": brightness}, [name],
                    keep_alpha(golden, image, out), golden.near(image, relative=1e-6))

    random = np.random.default_rng(21)
    for name, fill in [("rgb", 9), ("micro", 0), ("special", -0.5)]:
        image = golden.INPUTS[name]
        mask = random.integers(0, 2, image.shape[:2], dtype=np.uint8)
        golden.add_input(f"{name}_mask", mask)
        kept = mask.astype(bool) if image.ndim == 2 else mask.astype(bool)[..., None]
        golden.case("apply_mask", {"fill": fill}, [name, f"{name}_mask"],
                    np.where(kept, image, image.dtype.type(fill)), 0)


def lines(golden):
    tables = {
        "arch": [0.0, 1.0, 0.25],
        "steps": [round(x, 5) for x in np.random.default_rng(22).random(256)],
    }
    for tag, table in tables.items():
        for name in ["camera", "rgba", "micro"] + ["float", "row"] * (tag == "arch"):
            image = golden.INPUTS[name]
            white = golden.white(image.dtype)
            values = np.array(table, dtype=np.float32).astype(np.float64)
            if image.dtype == np.uint8 and len(table) == 256:
                out = cv2.LUT(image, np.rint(values * 255).astype(np.uint8))
            else:
                steps = np.linspace(0, white, len(table))
                out = np.interp(image.astype(np.float64), steps, values * white)
                out = golden.rounded(out, image.dtype)
            tolerance = golden.near(image, int(image.dtype == np.uint16), 2e-6)
            golden.case("lookup", {"table": table}, [name], keep_alpha(golden, image, out),
                        tolerance, tag)


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


def ranges(golden):
    for name in ["camera", "rgba", "micro", "float", "gradient", "row"]:
        image = golden.INPUTS[name]
        white = golden.white(image.dtype)
        colors = image[..., :3] if golden.has_alpha(image) else image
        for low, high in [(0.0, 100.0), (2.0, 97.5)]:
            limits = tuple(np.percentile(colors.astype(np.float64), [low, high]))
            out = skimage.exposure.rescale_intensity(image.astype(np.float64), limits, (0, white))
            out = golden.rounded(keep_alpha(golden, image, out), image.dtype)
            golden.case("rescale", {"low": low, "high": high}, [name], out,
                        golden.near(image, relative=1e-6), f"{low:.0f}_{high:.0f}")

        out = image.astype(np.float64)
        equal = skimage.exposure.equalize_hist(colors).astype(np.float64) * white
        if golden.has_alpha(image):
            out[..., :3] = equal
        else:
            out = equal
        golden.case("equalize", {}, [name], golden.rounded(out, image.dtype),
                    golden.near(image, 0))


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


def over(golden):
    bottom, top = (golden.INPUTS[name] for name in ["rgba", "rgba_top"])
    for x, y in [(5, 7), (-3, -2), (0, 0)]:
        out = Image.fromarray(bottom)
        out.alpha_composite(Image.fromarray(top), (max(x, 0), max(y, 0)), (max(-x, 0), max(-y, 0)))
        out = np.asarray(out).copy()
        # Pillow keeps the bottom's colour where nothing is seen, and so do we where no top lies.
        seen = out[max(y, 0):16 + min(y, 0), max(x, 0):24 + min(x, 0)]
        seen[seen[..., 3] == 0] = 0
        golden.case("alpha_over", {"x": x, "y": y}, ["rgba", "rgba_top"], out, 1, f"{x}_{y}")
    opaque = Image.fromarray(golden.INPUTS["rgb"]).convert("RGBA")
    opaque.alpha_composite(Image.fromarray(top), (20, 10))
    golden.case("alpha_over", {"x": 20, "y": 10}, ["rgb", "rgba_top"],
                np.asarray(opaque)[..., :3], 1)
    for below, above, x, y in [("camera", "corner", 80, -5), ("gradient", "micro", -10, 2),
                               ("float", "special", 3, 18), ("row", "corner", 2, 1)]:
        out, image = golden.INPUTS[below].copy(), golden.INPUTS[above]
        part = image[max(-y, 0):out.shape[0] - y, max(-x, 0):out.shape[1] - x]
        out[max(y, 0):, max(x, 0):][:part.shape[0], :part.shape[1]] = part
        golden.case("alpha_over", {"x": x, "y": y}, [below, above], out, 0)


def clahe(golden):
    for name, columns, rows, clip in [
            ("camera", 8, 8, 2.0), ("camera", 3, 5, 40.0), ("corner", 8, 8, 3.5),
            ("corner", 32, 32, 0.0), ("micro", 8, 8, 2.0), ("micro", 5, 4, 900.0),
            ("gradient", 3, 2, 40.0), ("row", 4, 2, 2.0)]:
        out = cv2.createCLAHE(clip, (columns, rows)).apply(golden.INPUTS[name])
        params = {"columns": columns, "rows": rows, "clip": clip}
        golden.case("clahe", params, [name], out, 0, f"{columns}_{rows}")


def levels(golden):
    filters = skimage.filters
    functions = {"triangle": filters.threshold_triangle, "yen": filters.threshold_yen,
                 "li": filters.threshold_li}
    for op, function in functions.items():
        for name in ["camera", "corner", "micro", "gradient", "row", "float", "special"]:
            image = golden.INPUTS[name]
            finite = image[np.isfinite(image)]
            golden.case(op, {}, [name], image > function(finite), 0)
    for percentile in [30.0, 87.5]:
        for name in ["camera", "micro", "gradient", "row", "float", "special"]:
            image = golden.INPUTS[name]
            level = np.percentile(image[np.isfinite(image)].astype(np.float64), percentile)
            golden.case("percentile_threshold", {"percentile": percentile}, [name],
                        image.astype(np.float64) > level, 0, f"{percentile:.0f}")


def local(golden):
    def adaptive(name, radius, offset, method="mean", border="reflect"):
        image = golden.INPUTS[name]
        level = skimage.filters.threshold_local(
            image, 2 * radius + 1, method, offset, golden.BORDERS[border])
        # Where a sample is the level itself, what 64-bit sums lose would decide.
        assert np.abs(image - level)[image != level].min() > 2e-6 * np.abs(level).max()
        params = {"method": method, "radius": radius, "offset": offset, "border": border}
        golden.case("adaptive_threshold", params, [name], image > level, 0,
                    f"{method}_{radius}_{border}")

    for method in ["mean", "gaussian"]:
        adaptive("camera", 7, 0.03, method)
        adaptive("camera", 3, -4.5, method, "replicate")
        adaptive("micro", 10, 20.0, method, "mirror")
        adaptive("gradient", 40, 100.0, method)
        adaptive("float", 5, 0.125, method, "wrap")
        adaptive("row", 2, 0.0, method)

    for name, radius, k in [("camera", 7, 0.2), ("corner", 3, 0.5), ("micro", 12, 0.1),
                            ("gradient", 7, 0.2), ("row", 4, 0.3), ("float", 6, 0.2)]:
        image = golden.INPUTS[name]
        level = skimage.filters.threshold_sauvola(image, 2 * radius + 1, k)
        is_float = image.dtype == np.float32
        params = {"radius": radius, "k": k, "deviation": 1.0 if is_float else 0.5,
                  "border": "mirror"}
        golden.case("sauvola", params, [name], image > level, 0)


def hysteresis(golden):
    for name, low, high in [("camera", 80.0, 150.0), ("micro", 700.0, 760.0), ("row", 90.0, 200.0),
                            ("float", 0.5, 1.25), ("special", 0.25, 1.0)]:
        image = golden.INPUTS[name]
        out = skimage.filters.apply_hysteresis_threshold(image, low, high)
        golden.case("hysteresis", {"low": low, "high": high}, [name], out, 0)
        labels, count = ndimage.label(image > low, np.ones((3, 3)))
        kept = np.unique(labels[(image > high) & (labels > 0)])
        params = {"low": low, "high": high, "connectivity": "eight"}
        golden.case("hysteresis", params, [name], np.isin(labels, kept) & (labels > 0), 0, "eight")
