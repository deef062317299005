"""What neighbourhoods see beyond every border: the references, given a frame that NumPy makes."""

import cv2
import numpy as np
import skimage
from geometry import MODES
from morphology import footprint
from scipy import ndimage
from skimage import morphology

# Of what lies at an edge some is larger.
CONSTANTS = {"corner": 35.0, "gradient": 20000.0, "row": 35.0, "row_float": 0.625}


def cases(golden):
    blurs(golden)
    derivatives(golden)
    bilateral(golden)
    canny(golden)
    thresholds(golden)
    ranks(golden)
    elements(golden)


def framed(image, border, radius, function):
    """What a function makes of the image in a frame, without that frame."""
    mode = {"mode": MODES[border]} if isinstance(border, str) else {
        "constant_values": border["constant"]}
    height, width = image.shape
    return function(np.pad(image, radius, **mode))[radius:, radius:][:height, :width]


def borders(name):
    """Every border, and the end of the names of its cases."""
    constant = {"constant": CONSTANTS[name]}
    return [*((border, f"beyond_{border}") for border in MODES), (constant, "beyond_constant")]


def compare(golden, op, params, name, radius, function, tolerance, dtype=None, tag=""):
    """A case for each border, of a function of a framed image of 64-bit floats."""
    image = golden.INPUTS[name]
    for border, end in borders(name):
        out = framed(image.astype(float), border, radius, function)
        golden.case(op, {**params, "border": border}, [name],
                    golden.rounded(out, dtype or image.dtype), tolerance, tag + end)


def blurs(golden):
    def blur(image, sigma):
        return ndimage.gaussian_filter(image, sigma, mode="nearest")

    for name, sigma in [("corner", 2.0), ("gradient", 2.5), ("row_float", 1.2)]:
        image = golden.INPUTS[name]
        compare(golden, "unsharp_mask", {"sigma": sigma, "amount": 1.5}, name, int(4 * sigma + 1),
                lambda a: a + 1.5 * (a - blur(a, sigma)), golden.near(image))
    for name, radius in [("gradient", 7), ("row_float", 3)]:
        uniform = lambda a: ndimage.uniform_filter(a, 2 * radius + 1, mode="nearest")
        compare(golden, "box_blur", {"radius": radius}, name, radius, uniform,
                golden.near(golden.INPUTS[name], 0))
    kernel = [[0.0, 1.0, 2.5, -1.0, 0.0], [3.0, 0.0, -4.0, 0.5, 1.0], [0.0, 0.0, 1.0, 2.0, -0.75]]
    for name in ["corner", "gradient", "row_float"]:
        correlate = lambda a: ndimage.correlate(a, np.array(kernel), mode="nearest") / 5
        compare(golden, "convolve", {"kernel": kernel, "divisor": 5.0}, name, 2, correlate,
                golden.near(golden.INPUTS[name]))
    for name, low, high in [("gradient", 0.5, 2.5), ("row_float", 1.0, 1.6)]:
        params, image = {"low_sigma": low, "high_sigma": high}, golden.INPUTS[name]
        compare(golden, "difference_of_gaussians", params, name, int(4 * high + 1),
                lambda a: blur(a, low) - blur(a, high), golden.near(image.astype(float)),
                np.float32)


def derivatives(golden):
    for name in ["gradient", "row_float"]:
        image = golden.INPUTS[name]
        compare(golden, "laplace", {}, name, 1, lambda a: ndimage.laplace(a, mode="nearest"),
                golden.near(image, 0), np.float32)
    for name, sigma in [("gradient", 1.5), ("row_float", 2.0)]:
        image = golden.INPUTS[name]
        log = lambda a: ndimage.gaussian_laplace(a, sigma, mode="nearest")
        compare(golden, "laplacian_of_gaussian", {"sigma": sigma}, name, int(4 * sigma + 1), log,
                golden.near(image.astype(float)), np.float32)
    for op in ["sobel", "scharr", "prewitt"]:
        function = getattr(skimage.filters, op)
        compare(golden, op, {}, "corner", 1, function, golden.near(golden.INPUTS["corner"]))
        for output, axis in [("x", 1), ("y", 0)]:
            derivative = lambda a: function(a, axis=axis)
            # Only the weights of Sobel are exact in 32 bits.
            image = golden.INPUTS["gradient"].astype(float)
            tolerance = 0 if op == "sobel" else golden.near(image, relative=4e-7)
            compare(golden, op, {"output": output}, "gradient", 1, derivative, tolerance,
                    np.float32, f"{output}_")
    for name, radius in [("row", 4), ("gradient", 6), ("row_float", 2)]:
        std = lambda a: ndimage.generic_filter(a, np.std, 2 * radius + 1, mode="nearest")
        compare(golden, "local_std", {"radius": radius}, name, radius, std,
                golden.near(golden.INPUTS[name], 0, 1e-6), np.float32)


def bilateral(golden):
    """OpenCV on floats, as in `filters.py`."""
    for name, radius, space, range in [("corner", 6, 3.0, 40.0), ("gradient", 4, 3.0, 9000.0),
                                       ("row_float", 5, 4.0, 0.5)]:
        def smooth(image):
            out = cv2.bilateralFilter(image.astype(np.float32), 2 * radius + 1, range, space)
            return out.astype(float)

        params = {"radius": radius, "sigma_space": space, "sigma_range": range}
        compare(golden, "bilateral", params, name, radius, smooth,
                golden.near(golden.INPUTS[name]))


def canny(golden):
    """Only the blur sees the border; of what is blurred already scikit-image sees no other."""
    scale = 4 * np.sqrt(2)
    for name, sigma, low, high in [("corner", 2.0, 1.0, 4.0), ("gradient", 5.0, 50.0, 400.0)]:
        blur = lambda a: ndimage.gaussian_filter(a, sigma, mode="nearest")
        for border, end in borders(name):
            smooth = framed(golden.INPUTS[name].astype(float), border, int(4 * sigma + 1), blur)
            out = skimage.feature.canny(smooth, 0, low * scale, high * scale, mode="nearest")
            params = {"sigma": sigma, "low": low, "high": high, "border": border}
            golden.case("canny", params, [name], out, 0, end)


def thresholds(golden):
    def above(op, params, name, radius, function, tag=""):
        image = golden.INPUTS[name].astype(float)
        for border, end in borders(name):
            level = framed(image, border, radius, function)
            # Where a sample is the level itself, what 64-bit sums lose would decide.
            assert np.abs(image - level)[image != level].min() > 2e-6 * np.abs(level).max()
            golden.case(op, {**params, "border": border}, [name], image > level, 0, tag + end)

    filters = skimage.filters
    for name, method, radius, offset in [
            ("corner", "mean", 2, 1.25), ("corner", "gaussian", 3, 3.5),
            ("gradient", "mean", 2, -6500.0), ("gradient", "gaussian", 4, 650.0),
            ("row_float", "mean", 10, -0.12), ("row_float", "gaussian", 3, -0.12)]:
        reach = radius if method == "mean" else int(4 * radius / 3 + 1)
        level = lambda a: filters.threshold_local(a, 2 * radius + 1, method, offset, "nearest")
        params = {"method": method, "radius": radius, "offset": offset}
        above("adaptive_threshold", params, name, reach, level, f"{method}_")
    for name, radius, k in [("corner", 2, 0.2), ("gradient", 2, 0.3), ("row_float", 2, 0.3)]:
        most = golden.white(golden.INPUTS[name].dtype) / 2
        level = lambda a: filters.threshold_sauvola(a, 2 * radius + 1, k, most)
        above("sauvola", {"radius": radius, "k": k}, name, radius, level)


def ranks(golden):
    for name, radius in [("corner", 2), ("gradient", 6), ("row_float", 3)]:
        side = 2 * radius + 1
        compare(golden, "median", {"radius": radius}, name, radius,
                lambda a: ndimage.median_filter(a, side), 0)
        compare(golden, "percentile", {"radius": radius, "percentile": 30.0}, name, radius,
                lambda a: ndimage.percentile_filter(a, 30, side), 0)
    for op, function in [("minimum", ndimage.minimum_filter), ("maximum", ndimage.maximum_filter)]:
        for name in ["corner", "gradient", "row_float"]:
            compare(golden, op, {"radius": 1}, name, 1, lambda a: function(a, 3), 0)


def elements(golden):
    for op, function in [("erode", morphology.erosion), ("dilate", morphology.dilation)]:
        for name, element, radius in [("gradient", "square", 1), ("gradient", "cross", 2),
                                      ("row_float", "disk", 1)]:
            shape = footprint(element, radius)
            compare(golden, op, {"element": element, "radius": radius}, name, radius,
                    lambda a: function(a, shape), 0, tag=f"{element}_")
