"""The median, other ranks and the extremes of a window, against SciPy."""

import numpy as np
from scipy import ndimage


def cases(golden):
    medians(golden)
    extremes(golden)


def medians(golden):
    for name, radius in [("camera", 1), ("rgb", 1), ("micro", 2), ("gradient", 3), ("row", 4),
                         ("row_u16", 2), ("row_float", 4), ("float", 1), ("special", 1),
                         *((name, 2) for name in golden.LAYERED)]:
        image = golden.INPUTS[name]
        out = golden.by_order(
            image, lambda a: ndimage.median_filter(a, size(a, radius), mode="nearest"))
        check_with_vips(golden, name, radius, (2 * radius + 1) ** 2 // 2, out)
        if golden.has_alpha(image):
            out = among_seen(image, radius, 50.0)
        golden.case("median", {"radius": radius}, [name], out, 0)
    for name in ["camera", "float"]:
        out = ndimage.median_filter(golden.INPUTS[name], 9, mode="mirror")
        golden.case("median", {"radius": 4, "border": "mirror"}, [name], out, 0, "mirror")
    out = ndimage.median_filter(golden.INPUTS["corner"], 5, mode="constant", cval=77)
    params = {"radius": 2, "border": {"constant": 77.0}}
    golden.case("median", params, ["corner"], out, 0, "constant")


def among_seen(image, radius, percentile):
    """A percentile of each colour, of the pixels that are seen; what is not seen stays."""
    def nth(window):
        window = np.sort(window[np.isfinite(window)])
        place = int(len(window) * percentile / 100)
        return window[min(place, len(window) - 1)] if len(window) else 0

    is_seen, out = image[..., -1] > 0, image.copy()
    for c in range(image.shape[2] - 1):
        # Infinity stands for what is not looked at.
        values = np.where(is_seen, image[..., c].astype(float), np.inf)
        filtered = ndimage.generic_filter(values, nth, 2 * radius + 1, mode="nearest")
        out[..., c] = np.where(is_seen, filtered, image[..., c])
    return out


def check_with_vips(golden, name, radius, index, expected):
    """Against libvips, whose window must be smaller than the image and which does not order NaN."""
    image, side = golden.INPUTS[name], 2 * radius + 1
    if side < min(image.shape[:2]) and np.isfinite(image).all():
        assert golden.same(golden.vips(image).rank(side, side, index), expected), name


def size(image, radius):
    """The side of a window for each axis; channels are not looked across."""
    return (2 * radius + 1,) * 2 + (1,) * (image.ndim - 2)


def extremes(golden):
    for op, function in [("minimum", ndimage.minimum_filter), ("maximum", ndimage.maximum_filter)]:
        for name, radius in [("camera", 3), ("micro", 5), ("gradient", 20), ("row", 2),
                             ("row_u16", 2), ("row_float", 3), ("float", 2), ("special", 2),
                             *((name, 1) for name in golden.LAYERED)]:
            image = golden.INPUTS[name]
            out = golden.by_order(image, lambda a: function(a, size(a, radius), mode="nearest"))
            last = (2 * radius + 1) ** 2 - 1
            check_with_vips(golden, name, radius, 0 if op == "minimum" else last, out)
            if golden.has_alpha(image):
                out = golden.unseen(image, op == "minimum",
                                    lambda a: function(a, 2 * radius + 1, mode="nearest"))
            golden.case(op, {"radius": radius}, [name], out, 0)
        for border, mode in [("mirror", "mirror"), ("wrap", "wrap")]:
            out = function(golden.INPUTS["corner"], 9, mode=mode)
            golden.case(op, {"radius": 4, "border": border}, ["corner"], out, 0, border)
    out = ndimage.minimum_filter(golden.INPUTS["corner"], 5, mode="constant", cval=77)
    params = {"radius": 2, "border": {"constant": 77.0}}
    golden.case("minimum", params, ["corner"], out, 0, "constant")

    for name, radius, percentile in [("camera", 2, 10.0), ("micro", 3, 95.0), ("gradient", 6, 30.0),
                                     ("row", 1, 0.0), ("float", 1, 100.0), ("special", 1, 90.0),
                                     *((name, 1, 75.0) for name in golden.LAYERED)]:
        image = golden.INPUTS[name]
        out = golden.by_order(image, lambda a: ndimage.percentile_filter(
            a, percentile, size(a, radius), mode="nearest"))
        window = (2 * radius + 1) ** 2
        check_with_vips(golden, name, radius, min(int(window * percentile / 100), window - 1), out)
        if golden.has_alpha(image):
            out = among_seen(image, radius, percentile)
        golden.case("percentile", {"radius": radius, "percentile": percentile}, [name], out, 0)
    out = ndimage.percentile_filter(golden.INPUTS["float"], 12.5, 7, mode="reflect")
    params = {"radius": 3, "percentile": 12.5, "border": "reflect"}
    golden.case("percentile", params, ["float"], out, 0, "reflect")
