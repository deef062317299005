"""Linear filters, edges and what is made of them, against SciPy, scikit-image and OpenCV."""

import cv2
import numpy as np
import skimage
from scipy import ndimage


def cases(golden):
    blur(golden)
    kernels(golden)
    sobel(golden)
    edges(golden)
    deviations(golden)
    log_deviations(golden)
    blobs(golden)
    bilateral(golden)
    canny(golden)


def blur(golden):
    def gaussian(sigma, truncate=4.0, mode="nearest", cval=0.0):
        return lambda a: ndimage.gaussian_filter(a, sigma, truncate=truncate, mode=mode, cval=cval)

    for name in ["camera", "rgb", "micro", "gradient", "row", *golden.ROWS, "float", "special",
                 *golden.LAYERED]:
        image = golden.INPUTS[name]
        sigma = 0.4 if name == "special" else 2.0
        with np.errstate(invalid="ignore"):
            out = golden.rounded(golden.by_alpha(image, gaussian(sigma)), image.dtype)
        golden.case("gaussian_blur", {"sigma": sigma}, [name], out, golden.near(image))
    image = golden.INPUTS["gradient"]
    for border, mode in golden.BORDERS.items():
        # The radius passes the height several times.
        out = golden.rounded(gaussian(3.3, 3.0, mode)(image.astype(float)), image.dtype)
        params = {"sigma": 3.3, "truncate": 3.0, "border": border}
        golden.case("gaussian_blur", params, ["gradient"], out, 1, border)
    out = gaussian(1.5, mode="constant", cval=9000.0)(image.astype(float))
    out = golden.rounded(out, image.dtype)
    params = {"sigma": 1.5, "border": {"constant": 9000.0}}
    golden.case("gaussian_blur", params, ["gradient"], out, 1, "constant")

    for name, radius in [("camera", 3), ("rgb", 1), ("micro", 4), ("gradient", 8), ("row", 2),
                         ("row_u16", 5), ("row_float", 2), ("float", 2), ("special", 1),
                         *((name, 3) for name in golden.LAYERED)]:
        image = golden.INPUTS[name]
        uniform = lambda a: ndimage.uniform_filter(a, 2 * radius + 1, mode="nearest")
        if name == "special":
            # Not with running sums, which never lose a NaN.
            uniform = lambda a: ndimage.correlate(a, np.full((3, 3), 1 / 9), mode="nearest")
        tolerance = golden.near(image, int(golden.has_alpha(image)))
        golden.case("box_blur", {"radius": radius}, [name],
                    golden.rounded(golden.by_alpha(image, uniform), image.dtype), tolerance)
    for border, mode in golden.BORDERS.items():
        uniform = ndimage.uniform_filter(golden.INPUTS["corner"].astype(float), 9, mode=mode)
        golden.case("box_blur", {"radius": 4, "border": border}, ["corner"],
                    golden.rounded(uniform, np.uint8), 0, border)

    for name in [*golden.PICTURES, "float", *golden.LAYERED]:
        image = golden.INPUTS[name]
        sigma = 0.4 if name == "special" else 1.2
        values = image.astype(float)
        with np.errstate(invalid="ignore"):
            out = values + 1.5 * (values - golden.by_alpha(image, gaussian(sigma)))
            out = golden.rounded(golden.kept_alpha(image, out), image.dtype)
        params = {"sigma": sigma, "amount": 1.5}
        golden.case("unsharp_mask", params, [name], out, golden.near(image))
    image = golden.INPUTS["camera"].astype(float)
    difference = image - gaussian(1.2)(image)
    out = np.where(np.abs(difference) <= 0.02 * 255, image, image + difference)
    golden.case("unsharp_mask", {"sigma": 1.2, "threshold": 0.02}, ["camera"],
                golden.rounded(out, np.uint8), 1, "threshold")
    out = image + image - gaussian(1.2, 2.5)(image)
    golden.case("unsharp_mask", {"sigma": 1.2, "truncate": 2.5}, ["camera"],
                golden.rounded(out, np.uint8), 1, "truncate")


def measured(golden, image, values, white=1):
    """Measurements with the opacity of the image, as a share of `white`; 0 of what is not seen."""
    if golden.has_alpha(image):
        alpha = image[..., -1:]
        values = np.where(alpha > 0, values, 0)
        values[..., -1:] = alpha / golden.white(image.dtype) * white
    return values


def signed(golden, image, values):
    return measured(golden, image, values).astype(np.float32)


def by_seen(golden, image, function):
    """A linear filter in which the pixel in the middle stands for what is not seen of others."""
    if not golden.has_alpha(image):
        return golden.channelwise(image, function)
    values = image.astype(float)
    share = values[..., -1] / golden.white(image.dtype)
    missing = function(np.ones_like(share)) - function(share)
    colors = [function(values[..., c] * share) + values[..., c] * missing
              for c in range(image.shape[2] - 1)]
    return np.stack([*colors, values[..., -1]], axis=-1)


def exact(golden, image, tolerance):
    """The tolerance of what is exact without alpha."""
    if not golden.has_alpha(image):
        return tolerance
    return max(tolerance, 1e-6 * golden.white(image.dtype))


def kernels(golden):
    skewed = [[0, 1, 2.5, -1, 0], [3, 0, -4, 0.5, 1], [0, 0, 1, 2, -0.75]]
    correlate = lambda a: ndimage.correlate(a, np.array(skewed), mode="nearest")
    for name in [*golden.PICTURES, "float", *golden.LAYERED]:
        image = golden.INPUTS[name]
        with np.errstate(invalid="ignore"):
            out = golden.kept_alpha(image, by_seen(golden, image, correlate) / 5 + 20)
        params = {"kernel": skewed, "divisor": 5.0, "offset": 20.0}
        golden.case("convolve", params, [name], golden.rounded(out, image.dtype),
                    golden.near(image))
    tall = np.random.default_rng(21).integers(-3, 9, (9, 3)).astype(float)
    image = golden.INPUTS["gradient"]
    for border, mode in golden.BORDERS.items():
        out = ndimage.correlate(image.astype(float), tall, mode=mode) / 80
        params = {"kernel": tall.tolist(), "divisor": 80.0, "border": border}
        golden.case("convolve", params, ["gradient"], golden.rounded(out, np.uint16), 1, border)

    for name in ["corner", *golden.PICTURES[1:], "float", *golden.LAYERED]:
        image = golden.INPUTS[name]
        laplace = lambda a: ndimage.laplace(a, mode="nearest")
        with np.errstate(invalid="ignore"):
            out = signed(golden, image, by_seen(golden, image, laplace))
        golden.case("laplace", {}, [name], out, exact(golden, image, golden.near(image, 0)))


def magnitudes(golden, op, function):
    for name in [*golden.PICTURES, *golden.ROWS, "float", *golden.LAYERED]:
        image = golden.INPUTS[name]
        magnitude = lambda a: function(a, mode="nearest")
        with np.errstate(invalid="ignore"):
            out = golden.channelwise(image, magnitude)
        if golden.has_alpha(image):
            x, y = (by_seen(golden, image, lambda a: function(a, axis=axis, mode="nearest"))
                    for axis in (1, 0))
            out = measured(golden, image, np.sqrt((x * x + y * y) / 2), golden.white(image.dtype))
        golden.case(op, {}, [name], golden.rounded(out, image.dtype), golden.near(image))
    for name in ["special", "rgba", "float_alpha"]:
        image = golden.INPUTS[name]
        for output, axis in [("x", 1), ("y", 0)]:
            derivative = lambda a: function(a, axis=axis, mode="nearest")
            with np.errstate(invalid="ignore"):
                out = signed(golden, image, by_seen(golden, image, derivative))
            golden.case(op, {"output": output}, [name], out,
                        exact(golden, image, golden.near(image, 0)), output)


def sobel(golden):
    magnitudes(golden, "sobel", skimage.filters.sobel)
    image = golden.INPUTS["camera"]
    for output, function in [("x", skimage.filters.sobel_v), ("y", skimage.filters.sobel_h)]:
        # These take no border; SciPy's, divided by 4, does.
        axis = {"x": 1, "y": 0}[output]
        out = ndimage.sobel(image.astype(float), axis=axis, mode="mirror") / 4
        assert np.allclose(out[1:-1, 1:-1], function(image.astype(float))[1:-1, 1:-1])
        params = {"output": output, "border": "mirror"}
        golden.case("sobel", params, ["camera"], out.astype(np.float32), 0, output)


def edges(golden):
    for op in ["scharr", "prewitt"]:
        function = getattr(skimage.filters, op)
        magnitudes(golden, op, function)
        image = golden.INPUTS["corner"].astype(float)
        for output, axis in [("x", 1), ("y", 0)]:
            out = function(image, axis=axis, mode="mirror")
            params = {"output": output, "border": "mirror"}
            golden.case(op, params, ["corner"], out.astype(np.float32), 1e-4, output)


def seen_deviation(golden, image, radius):
    """The deviation of colours that count by their alpha, which is 0 where nothing is seen."""
    values = np.pad(image.astype(float), ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    size = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(values, (size, size), axis=(0, 1))
    weights = windows[:, :, -1:]
    total = weights.sum(axis=(-2, -1), keepdims=True)
    total = np.where(total > 0, total, 1)
    mean = (weights * windows / total).sum(axis=(-2, -1), keepdims=True)
    return np.sqrt((weights * (windows - mean) ** 2 / total).sum(axis=(-2, -1)))


def deviations(golden):
    for name, radius in [("camera", 7), ("micro", 1), ("gradient", 6), ("row", 3), ("row_u16", 3),
                         ("row_float", 3), ("float", 2), ("special", 1),
                         *((name, 2) for name in golden.LAYERED)]:
        image = golden.INPUTS[name]
        std = lambda a: ndimage.generic_filter(a, np.std, 2 * radius + 1, mode="nearest")
        with np.errstate(invalid="ignore"):
            out = golden.channelwise(image, std)
        if golden.has_alpha(image):
            opaque = image.copy()
            opaque[..., -1] = golden.white(image.dtype)
            assert np.allclose(seen_deviation(golden, opaque, radius)[..., :-1], out[..., :-1])
            out = seen_deviation(golden, image, radius)
        golden.case("local_std", {"radius": radius}, [name], signed(golden, image, out),
                    exact(golden, image, golden.near(image, 0, 1e-6)))
    for border in ["mirror", "wrap"]:
        std = ndimage.generic_filter(golden.INPUTS["corner"].astype(float), np.std, 9, mode=border)
        params = {"radius": 4, "border": border}
        golden.case("local_std", params, ["corner"], std.astype(np.float32), 0, border)


def log_deviations(golden):
    def rounded(image, size, mode):
        image = image.astype(np.float32)
        mean = ndimage.uniform_filter(image, size, mode=mode)
        variance = ndimage.uniform_filter(image * image, size, mode=mode) - mean * mean
        return 0.5 * np.log(np.where(variance > 0, variance, np.float32(1)))

    for name, radius in [("camera", 1), ("micro", 1), ("gradient", 4), ("row", 2), ("row_u16", 1),
                         ("row_float", 1), ("float", 2), ("special", 1)]:
        image = golden.INPUTS[name]
        with np.errstate(invalid="ignore", divide="ignore"):
            std = ndimage.generic_filter(image.astype(float), np.std, 2 * radius + 1,
                                         mode="reflect")
            out = np.log(std).astype(np.float32)
            golden.case("log_std", {"radius": radius}, [name], out, 1e-5)
            if name == "special":
                # Running sums never lose a NaN.
                continue
            out = rounded(image, 2 * radius + 1, "reflect")
            params = {"radius": radius, "arithmetic": "single"}
            golden.case("log_std", params, [name], out, 1e-6, "single")
    for border in ["mirror", "wrap"]:
        out = rounded(golden.INPUTS["corner"], 9, border)
        params = {"radius": 4, "arithmetic": "single", "border": border}
        golden.case("log_std", params, ["corner"], out, 1e-6, f"single_{border}")


def blobs(golden):
    def largest(image):
        return golden.near(image.astype(float))

    for name, sigma in [("camera", 2.0), ("micro", 1.5), ("gradient", 3.0), ("row", 1.0),
                        ("row_u16", 1.0), ("row_float", 1.0), ("float", 2.5), ("special", 0.4),
                        *((name, 0.7) for name in golden.LAYERED)]:
        image = golden.INPUTS[name]
        log = lambda a: ndimage.gaussian_laplace(a, sigma, mode="nearest")
        with np.errstate(invalid="ignore"):
            out = signed(golden, image, by_seen(golden, image, log))
        golden.case("laplacian_of_gaussian", {"sigma": sigma}, [name], out, largest(image))
    image = golden.INPUTS["corner"]
    log = ndimage.gaussian_laplace(image.astype(float), 2.0, mode="mirror")
    golden.case("laplacian_of_gaussian", {"sigma": 2.0, "border": "mirror"}, ["corner"],
                log.astype(np.float32), largest(image), "mirror")

    image = golden.INPUTS["micro"]
    log = ndimage.gaussian_laplace(image.astype(float), 1.5, mode="nearest", truncate=2.5)
    golden.case("laplacian_of_gaussian", {"sigma": 1.5, "truncate": 2.5}, ["micro"],
                log.astype(np.float32), largest(image), "truncate")

    dog = skimage.filters.difference_of_gaussians
    for name, low, high in [("corner", 1.0, 1.6), ("micro", 2.0, 8.0), ("gradient", 0.5, 3.0),
                            ("row", 1.5, 1.5), ("float", 1.0, 4.0), ("special", 0.25, 0.5),
                            *((name, 0.0, 2.0) for name in golden.LAYERED)]:
        image = golden.INPUTS[name]
        both = lambda a: dog(a, low, high, mode="nearest")
        with np.errstate(invalid="ignore"):
            out = golden.channelwise(image, both)
        if golden.has_alpha(image):
            narrow, wide = (golden.by_alpha(
                image, lambda a: ndimage.gaussian_filter(a, sigma, mode="nearest"))
                for sigma in (low, high))
            out = narrow - wide
        params = {"low_sigma": low, "high_sigma": high}
        golden.case("difference_of_gaussians", params, [name], signed(golden, image, out),
                    largest(image))
    out = dog(golden.INPUTS["corner"].astype(float), 1.0, 3.0, mode="wrap")
    params = {"low_sigma": 1.0, "high_sigma": 3.0, "border": "wrap"}
    golden.case("difference_of_gaussians", params, ["corner"], out.astype(np.float32),
                largest(golden.INPUTS["corner"]), "wrap")
    image = golden.INPUTS["camera"]
    out = dog(image.astype(float), 1.0, 2.0, mode="nearest", truncate=2.5)
    params = {"low_sigma": 1.0, "high_sigma": 2.0, "truncate": 2.5}
    golden.case("difference_of_gaussians", params, ["camera"], out.astype(np.float32),
                largest(image), "truncate")


def by_likeness(golden, image, radius, space, range):
    """The bilateral filter with weights times alpha, which OpenCV does not know."""
    values = np.pad(image.astype(float), ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    height, width = image.shape[:2]
    own = image[..., :-1].astype(float)
    sums, total = np.zeros_like(own), np.zeros((height, width, 1))
    steps = np.arange(-radius, radius + 1)
    for j, i in [(j, i) for j in steps for i in steps if i * i + j * j <= radius * radius]:
        beside = values[radius + j:, radius + i:][:height, :width]
        apart = np.abs(beside[..., :-1] - own).sum(axis=-1, keepdims=True)
        weight = beside[..., -1:] / golden.white(image.dtype) * np.exp(
            -(i * i + j * j) / (2 * space * space) - apart * apart / (2 * range * range))
        sums += weight * beside[..., :-1]
        total += weight
    means = np.where(total > 0, sums / np.where(total > 0, total, 1), 0)
    return np.dstack([means, image[..., -1:]])


def bilateral(golden):
    """OpenCV on floats, whose table of weights it makes fine enough for 16 bits."""
    def smooth(image, radius, space, range, border=cv2.BORDER_REPLICATE):
        out = cv2.bilateralFilter(image.astype(np.float32), 2 * radius + 1, range, space,
                                  borderType=border)
        return golden.rounded(out.astype(np.float64), image.dtype)

    for name, radius, space, range in [("camera", 3, 2.0, 25.0), ("rgb", 2, 1.5, 60.0),
                                       ("micro", 2, 2.0, 150.0), ("gradient", 4, 3.0, 9000.0),
                                       ("row", 5, 4.0, 80.0), ("row_u16", 3, 2.0, 9000.0),
                                       ("row_float", 3, 2.0, 0.4), ("float", 2, 1.0, 0.5),
                                       ("special", 1, 1.0, 0.5)]:
        image = golden.INPUTS[name]
        params = {"radius": radius, "sigma_space": space, "sigma_range": range}
        out = smooth(golden.finite(image), radius, space, range)
        if name == "special":
            # OpenCV has no answer; here even what is farthest weighs something.
            disk = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
            with np.errstate(invalid="ignore"):
                out += ndimage.correlate(image - golden.finite(image), disk, mode="nearest")
        golden.case("bilateral", params, [name], out, golden.near(image))
    for name in golden.LAYERED:
        image = golden.INPUTS[name]
        range = float(np.float32(0.12 * golden.white(image.dtype)))
        colors = image[..., :-1] if image.shape[2] == 4 else image[..., 0]
        out = by_likeness(golden, image, 1, 1.0, range)
        opaque = golden.rounded(by_likeness(golden, np.dstack([
            image[..., :-1], np.full_like(image[..., -1], golden.white(image.dtype))]),
            1, 1.0, range)[..., :-1], image.dtype)
        reference = smooth(colors, 1, 1.0, range).reshape(opaque.shape)
        assert np.allclose(opaque, reference, rtol=0, atol=golden.near(image)), name
        out = golden.rounded(out, image.dtype)
        params = {"radius": 1, "sigma_space": 1.0, "sigma_range": range}
        golden.case("bilateral", params, [name], out, golden.near(image))
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
                                   ("row", 1.0, 1.0, 2.0), ("float", 1.2, 0.05, 0.1),
                                   ("special", 0.3, 0.1, 0.3)]:
        image = golden.INPUTS[name]
        params = {"sigma": sigma, "low": low, "high": high}
        with np.errstate(invalid="ignore"):
            out = found(image, sigma, low, high)
        golden.case("canny", params, [name], out, 0)
    params = {"sigma": 3.0, "low": 1.0, "high": 4.0, "border": "mirror"}
    out = found(golden.INPUTS["camera"], 3.0, 1.0, 4.0, "mirror")
    golden.case("canny", params, ["camera"], out, 0, "mirror")
