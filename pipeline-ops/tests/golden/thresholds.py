"""Masks of what is bright, against scikit-image and NumPy."""

import numpy as np
import skimage
from scipy import ndimage


def cases(golden):
    fixed(golden)
    levels(golden)
    modes(golden)
    local(golden)
    hysteresis(golden)


def fixed(golden):
    for name, level in [("camera", 120.0), ("micro", 700.5), ("gradient", 0.0), ("row", 254.0),
                        ("row_u16", 30000.5), ("row_float", 0.5), ("float", 0.25),
                        ("special", 0.5), ("gradient_float", 1e29)]:
        image = golden.INPUTS[name]
        golden.case("threshold", {"level": level}, [name], image > np.float32(level), 0)


def levels(golden):
    filters = skimage.filters
    functions = {"otsu": filters.threshold_otsu, "triangle": filters.threshold_triangle,
                 "yen": filters.threshold_yen,
                 "li": filters.threshold_li}
    for op, function in functions.items():
        for name in ["camera", "corner", "micro", "gradient", "row", *golden.ROWS, "float",
                     "special"]:
            image = golden.INPUTS[name]
            level = function(image[np.isfinite(image)])
            golden.case(op, {}, [name], image > level, 0)
    for percentile in [30.0, 87.5]:
        for name in ["camera", "micro", "gradient", "row", "float", "special"]:
            image = golden.INPUTS[name]
            level = np.percentile(image[np.isfinite(image)].astype(np.float64), percentile)
            golden.case("percentile_threshold", {"percentile": percentile}, [name],
                        image.astype(np.float64) > level, 0, f"{percentile:.0f}")


def modes(golden):
    for name, bins, deviations in [("camera", 200, 3.0), ("camera", 64, 1.5), ("corner", 200, 1.0),
                                   ("micro", 200, 3.0), ("gradient", 200, 0.25), ("row", 16, 1.0),
                                   *((name, 50, 0.5) for name in golden.ROWS),
                                   ("float", 256, 2.0), ("special", 7, 0.0)]:
        image = golden.INPUTS[name]
        samples = image[np.isfinite(image)].astype(np.float32)
        counts, edges = np.histogram(samples, bins)
        fullest = np.argmax(counts)
        mode = (edges[fullest] + edges[fullest + 1]) * np.float32(0.5)
        spread = samples[samples <= mode].astype(np.float64).std()
        out = image > float(mode) + deviations * spread
        golden.case("mode_threshold", {"bins": bins, "deviations": deviations}, [name], out, 0,
                    f"{bins}")


def local(golden):
    def adaptive(name, radius, offset, method="mean", border="reflect"):
        image = golden.finite(golden.INPUTS[name])
        level = skimage.filters.threshold_local(
            image, 2 * radius + 1, method, offset, golden.BORDERS[border])
        # Where a sample is the level itself, what 64-bit sums lose would decide.
        assert np.abs(image - level)[image != level].min() > 2e-6 * np.abs(level).max()
        params = {"method": method, "radius": radius, "offset": offset, "border": border}
        out = (image > level) & ~golden.seen(golden.INPUTS[name], radius, golden.BORDERS[border])
        golden.case("adaptive_threshold", params, [name], out, 0,
                    f"{method}_{radius}_{border}")

    for method in ["mean", "gaussian"]:
        adaptive("camera", 7, 0.03, method)
        adaptive("camera", 3, -4.5, method, "replicate")
        adaptive("micro", 10, 20.0, method, "mirror")
        adaptive("gradient", 40, 100.0, method)
        adaptive("float", 5, 0.125, method, "wrap")
        adaptive("row", 2, 0.0, method)
        adaptive("row_u16", 3, 500.0, method, "mirror")
        adaptive("row_float", 2, 0.01, method, "replicate")
        adaptive("special", 1, 0.05, method)

    for name, radius, k in [("camera", 7, 0.2), ("corner", 3, 0.5), ("micro", 12, 0.1),
                            ("gradient", 7, 0.2), ("row", 4, 0.3), ("float", 6, 0.2),
                            ("special", 1, 0.2)]:
        image = golden.INPUTS[name]
        level = skimage.filters.threshold_sauvola(golden.finite(image), 2 * radius + 1, k)
        is_float = image.dtype == np.float32
        params = {"radius": radius, "k": k, "deviation": 1.0 if is_float else 0.5,
                  "border": "mirror"}
        out = (image > level) & ~golden.seen(image, radius, "mirror")
        golden.case("sauvola", params, [name], out, 0)


def hysteresis(golden):
    for name, low, high in [("camera", 80.0, 150.0), ("micro", 700.0, 760.0), ("row", 90.0, 200.0),
                            ("gradient", 20000.0, 60000.0), ("float", 0.5, 1.25),
                            ("special", 0.25, 1.0)]:
        image = golden.INPUTS[name]
        out = skimage.filters.apply_hysteresis_threshold(image, low, high)
        golden.case("hysteresis", {"low": low, "high": high}, [name], out, 0)
        labels, count = ndimage.label(image > low, np.ones((3, 3)))
        kept = np.unique(labels[(image > high) & (labels > 0)])
        params = {"low": low, "high": high, "connectivity": "eight"}
        golden.case("hysteresis", params, [name], np.isin(labels, kept) & (labels > 0), 0, "eight")
