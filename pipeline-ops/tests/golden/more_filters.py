"""References of the rank filters beyond the median, and of the linear and edge filters."""

import numpy as np
from scipy import ndimage


def cases(golden):
    rank(golden)


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
