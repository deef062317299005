"""Operations on each sample by itself, and on the samples at one place of two images."""

import cv2
import numpy as np
import skimage


def cases(golden):
    points(golden)
    combine(golden)
    lines(golden)
    ranges(golden)
    clahe(golden)


def parts(image):
    """Two halves of an image, side by side."""
    width = image.shape[1] // 2
    return image[:, :width], image[:, width:2 * width]


def keep_alpha(golden, image, out):
    if golden.has_alpha(image):
        out[..., -1] = image[..., -1]
    return out


def points(golden):
    def pointwise(op, params, names, function, tolerance, tag=""):
        for name in names:
            image = golden.INPUTS[name]
            with np.errstate(invalid="ignore", over="ignore"):
                out = function(image.astype(np.float64), golden.white(image.dtype))
            if golden.has_alpha(image):
                out[..., -1] = image[..., -1]
            allowed = golden.near(image, 0, 2e-7) if tolerance == 0 else golden.near(image, tolerance)
            golden.case(op, params, [name], golden.rounded(out, image.dtype), allowed, tag)

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
        image = golden.INPUTS[name]
        with np.errstate(invalid="ignore"):
            scaled = image.astype(np.float64) / golden.white(image.dtype) * golden.white(dtype)
            scaled = np.where(np.isinf(scaled), np.sign(scaled) * 1e9, scaled)
        tolerance = 1e-7 if dtype is np.float32 else 0
        golden.case("convert", {"to": to}, [name], golden.rounded(scaled, dtype), tolerance)
    assert np.array_equal(skimage.util.img_as_uint(golden.INPUTS["camera"]),
                          np.load(golden.HERE / "convert_camera.npy"))
    golden.case("convert", {"to": "u8", "range": "raw"}, ["gradient"],
         golden.rounded(golden.INPUTS["gradient"].astype(float), np.uint8), 0, "raw")


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


def clahe(golden):
    for name, columns, rows, clip in [
            ("camera", 8, 8, 2.0), ("camera", 3, 5, 40.0), ("corner", 8, 8, 3.5),
            ("corner", 32, 32, 0.0), ("micro", 8, 8, 2.0), ("micro", 5, 4, 900.0),
            ("gradient", 3, 2, 40.0), ("row", 4, 2, 2.0)]:
        out = cv2.createCLAHE(clip, (columns, rows)).apply(golden.INPUTS[name])
        params = {"columns": columns, "rows": rows, "clip": clip}
        golden.case("clahe", params, [name], out, 0, f"{columns}_{rows}")
