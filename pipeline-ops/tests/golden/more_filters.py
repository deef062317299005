"""References of the rank filters beyond the median, and of the linear and edge filters."""

import cv2
import numpy as np
import skimage
from scipy import ndimage


def cases(golden):
    rank(golden)
    kernels(golden)
    edges(golden)
    deviations(golden)
    blobs(golden)
    bilateral(golden)
    canny(golden)


def size(image, radius):
    """The side of a window for each axis; channels are not looked across."""
    return (2 * radius + 1,) * 2 + (1,) * (image.ndim - 2)


def rank(golden):
    for op, function in [("minimum", ndimage.minimum_filter), ("maximum", ndimage.maximum_filter)]:
        for name, radius in [("camera", 3), ("rgba", 1), ("micro", 5), ("gradient", 20),
                             ("row", 2), ("float", 2)]:
            image = golden.INPUTS[name]
            out = function(image, size(image, radius), mode="nearest")
            golden.case(op, {"radius": radius}, [name], out, 0)
        for border, mode in [("mirror", "mirror"), ("wrap", "wrap")]:
            out = function(golden.INPUTS["corner"], 9, mode=mode)
            golden.case(op, {"radius": 4, "border": border}, ["corner"], out, 0, border)
    out = ndimage.minimum_filter(golden.INPUTS["corner"], 5, mode="constant", cval=77)
    params = {"radius": 2, "border": {"constant": 77.0}}
    golden.case("minimum", params, ["corner"], out, 0, "constant")

    for name, radius, percentile in [("camera", 2, 10.0), ("rgba", 1, 75.0), ("micro", 3, 95.0),
                                     ("gradient", 6, 30.0), ("row", 1, 0.0), ("float", 1, 100.0)]:
        image = golden.INPUTS[name]
        out = ndimage.percentile_filter(image, percentile, size(image, radius), mode="nearest")
        golden.case("percentile", {"radius": radius, "percentile": percentile}, [name], out, 0)
    out = ndimage.percentile_filter(golden.INPUTS["float"], 12.5, 7, mode="reflect")
    params = {"radius": 3, "percentile": 12.5, "border": "reflect"}
    golden.case("percentile", params, ["float"], out, 0, "reflect")


def opacity(image, values):
    """Signed results with the opacity of the image, as a share of white."""
    if image.ndim == 3 and image.shape[2] in (2, 4):
        values[..., -1] = image[..., -1] / np.iinfo(image.dtype).max
    return values.astype(np.float32)


def kernels(golden):
    skewed = [[0, 1, 2.5, -1, 0], [3, 0, -4, 0.5, 1], [0, 0, 1, 2, -0.75]]
    for name in ["camera", "rgba", "micro", "row", "float", "special"]:
        image = golden.INPUTS[name]
        correlate = lambda a: ndimage.correlate(a, np.array(skewed), mode="nearest") / 5 + 20
        with np.errstate(invalid="ignore"):
            out = golden.channelwise(image, correlate, keep_alpha=True)
        params = {"kernel": skewed, "divisor": 5.0, "offset": 20.0}
        golden.case("convolve", params, [name], golden.rounded(out, image.dtype),
                    golden.near(image, relative=2e-5))
    tall = np.random.default_rng(21).integers(-3, 9, (9, 3)).astype(float)
    image = golden.INPUTS["gradient"]
    for border, mode in golden.BORDERS.items():
        out = ndimage.correlate(image.astype(float), tall, mode=mode) / 80
        params = {"kernel": tall.tolist(), "divisor": 80.0, "border": border}
        golden.case("convolve", params, ["gradient"], golden.rounded(out, np.uint16), 1, border)

    for name in ["corner", "rgba", "micro", "gradient", "row", "float", "special"]:
        image = golden.INPUTS[name]
        laplace = lambda a: ndimage.laplace(a, mode="nearest")
        with np.errstate(invalid="ignore"):
            out = opacity(image, golden.channelwise(image, laplace))
        tolerance = 1e-7 if golden.has_alpha(image) else golden.near(image, 0)
        golden.case("laplace", {}, [name], out, tolerance)


def edges(golden):
    for op in ["scharr", "prewitt"]:
        function = getattr(skimage.filters, op)
        for name in ["camera", "rgba", "micro", "float", "row"]:
            image = golden.INPUTS[name]
            magnitude = lambda a: function(a, mode="nearest")
            out = golden.channelwise(image, magnitude, keep_alpha=True)
            golden.case(op, {}, [name], golden.rounded(out, image.dtype), golden.near(image))
        image = golden.INPUTS["corner"].astype(float)
        for output, axis in [("x", 1), ("y", 0)]:
            out = function(image, axis=axis, mode="mirror")
            params = {"output": output, "border": "mirror"}
            golden.case(op, params, ["corner"], out.astype(np.float32), 1e-4, output)


def deviations(golden):
    for name, radius in [("camera", 7), ("rgba", 2), ("micro", 1), ("gradient", 6), ("row", 3),
                         ("float", 2)]:
        image = golden.INPUTS[name]
        std = lambda a: ndimage.generic_filter(a, np.std, 2 * radius + 1, mode="nearest")
        out = opacity(image, golden.channelwise(image, std))
        golden.case("local_std", {"radius": radius}, [name], out, golden.near(image, 0, 1e-6))
    for border in ["mirror", "wrap"]:
        std = ndimage.generic_filter(golden.INPUTS["corner"].astype(float), np.std, 9, mode=border)
        params = {"radius": 4, "border": border}
        golden.case("local_std", params, ["corner"], std.astype(np.float32), 0, border)


def blobs(golden):
    def largest(image):
        return 1e-5 * float(np.abs(image.astype(float)).max())

    for name, sigma in [("camera", 2.0), ("rgba", 0.7), ("micro", 1.5), ("gradient", 3.0),
                        ("row", 1.0), ("float", 2.5)]:
        image = golden.INPUTS[name]
        log = lambda a: ndimage.gaussian_laplace(a, sigma, mode="nearest")
        out = opacity(image, golden.channelwise(image, log))
        golden.case("laplacian_of_gaussian", {"sigma": sigma}, [name], out, largest(image))
    image = golden.INPUTS["corner"]
    log = ndimage.gaussian_laplace(image.astype(float), 2.0, mode="mirror")
    golden.case("laplacian_of_gaussian", {"sigma": 2.0, "border": "mirror"}, ["corner"],
                log.astype(np.float32), largest(image), "mirror")

    dog = skimage.filters.difference_of_gaussians
    for name, low, high in [("corner", 1.0, 1.6), ("rgba", 0.0, 2.0), ("micro", 2.0, 8.0),
                            ("gradient", 0.5, 3.0), ("row", 1.5, 1.5), ("float", 1.0, 4.0)]:
        image = golden.INPUTS[name]
        both = lambda a: dog(a, low, high, mode="nearest")
        out = opacity(image, golden.channelwise(image, both))
        params = {"low_sigma": low, "high_sigma": high}
        golden.case("difference_of_gaussians", params, [name], out, largest(image))
    out = dog(golden.INPUTS["corner"].astype(float), 1.0, 3.0, mode="wrap")
    params = {"low_sigma": 1.0, "high_sigma": 3.0, "border": "wrap"}
    golden.case("difference_of_gaussians", params, ["corner"], out.astype(np.float32),
                largest(golden.INPUTS["corner"]), "wrap")


def bilateral(golden):
    """OpenCV on floats, whose table of weights it makes fine enough for 16 bits."""
    def smooth(image, radius, space, range, border=cv2.BORDER_REPLICATE):
        out = cv2.bilateralFilter(image.astype(np.float32), 2 * radius + 1, range, space,
                                  borderType=border)
        return golden.rounded(out.astype(np.float64), image.dtype)

    for name, radius, space, range in [("camera", 3, 2.0, 25.0), ("rgb", 2, 1.5, 60.0),
                                       ("micro", 2, 2.0, 150.0), ("gradient", 4, 3.0, 9000.0),
                                       ("row", 5, 4.0, 80.0), ("float", 2, 1.0, 0.5)]:
        image = golden.INPUTS[name]
        params = {"radius": radius, "sigma_space": space, "sigma_range": range}
        golden.case("bilateral", params, [name], smooth(image, radius, space, range),
                    golden.near(image, relative=1e-5))
    image = golden.INPUTS["rgba"]
    out = np.dstack([smooth(image[..., :3], 1, 1.0, 30.0), image[..., 3]])
    golden.case("bilateral", {"radius": 1, "sigma_space": 1.0, "sigma_range": 30.0}, ["rgba"],
                out, 1)
    out = smooth(golden.INPUTS["corner"], 6, 3.0, 40.0, cv2.BORDER_REFLECT_101)
    params = {"radius": 6, "sigma_space": 3.0, "sigma_range": 40.0, "border": "mirror"}
    golden.case("bilateral", params, ["corner"], out, 1, "mirror")


def canny(golden):
    """Its thresholds are those of SciPy's Sobel, 4 √2 times the magnitude of ours."""
    def found(image, sigma, low, high, mode="nearest"):
        scale = 4 * np.sqrt(2)
        return skimage.feature.canny(image, sigma, low * scale, high * scale, mode=mode)

    for name, sigma, low, high in [("camera", 1.0, 5.0, 10.0), ("micro", 2.0, 8.0, 25.0),
                                   ("corner", 0.0, 3.0, 12.0), ("gradient", 0.5, 500.0, 4000.0),
                                   ("row", 1.0, 1.0, 2.0), ("float", 1.2, 0.05, 0.1)]:
        image = golden.INPUTS[name]
        params = {"sigma": sigma, "low": low, "high": high}
        golden.case("canny", params, [name], found(image, sigma, low, high), 0)
    params = {"sigma": 3.0, "low": 1.0, "high": 4.0, "border": "mirror"}
    out = found(golden.INPUTS["camera"], 3.0, 1.0, 4.0, "mirror")
    golden.case("canny", params, ["camera"], out, 0, "mirror")
