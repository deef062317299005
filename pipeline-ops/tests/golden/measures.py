"""Numbers of objects and of images, against scikit-image and NumPy."""

import cv2
import numpy as np
from skimage import measure, metrics


def cases(golden):
    regions(golden)
    images(golden)


def table(rows):
    return np.array(rows, np.float64)


def regions(golden):
    random = np.random.default_rng(24)
    numbers = golden.INPUTS["labels"].astype(int)
    golden.add_input("stain", random.integers(0, 4000, (36, 48), dtype=np.uint16))
    golden.add_input("glow", random.normal(2, 3, (36, 48)).astype(np.float32))

    def moments(region):
        """Raw, central, normalized and Hu's, x before y, which skimage has the other way round."""
        raw = measure.moments_coords(region.coords, order=3)
        second, third = [(0, 2), (1, 1), (2, 0)], [(0, 3), (1, 2), (2, 1), (3, 0)]
        hu = np.array(region.moments_hu)
        hu[6] *= -1
        theirs = cv2.HuMoments(cv2.moments(region.image.astype(np.uint8), True)).ravel()
        assert np.abs(hu - theirs).max() < 1e-12
        return [*(raw[at] for at in [(0, 0), (0, 1), (1, 0), *second, *third]),
                *(region.moments_central[at] for at in third),
                *(region.moments_normalized[at] for at in [*second, *third]), *hu]

    def row(region, with_image):
        top, left, bottom, right = region.bbox
        y, x = region.centroid
        central = region.moments_central
        numbers = [region.label, region.area, left, top, right - left, bottom - top, x, y,
                   central[0, 2], central[1, 1], central[2, 0], region.equivalent_diameter_area,
                   region.axis_major_length, region.axis_minor_length, region.eccentricity,
                   region.orientation, region.perimeter]
        if with_image:
            numbers += [region.intensity_min, region.intensity_max, region.intensity_mean,
                        region.intensity_std]
        return numbers

    for labels, image in [("labels", None), ("labels", "stain"), ("labels", "glow"),
                          ("crowd", None),
                          *((f"{name}_labels", name) for name in golden.PICTURES)]:
        values = golden.INPUTS[image].astype(float) if image else None
        found = measure.regionprops(golden.INPUTS[labels].astype(int), values)
        names = [name for name in [labels, image] if name]
        with np.errstate(invalid="ignore"):
            out = table([row(r, image) for r in found])
        golden.case("region_properties", {}, names, out, 1e-9, share=1e-9)
        if len(names) == 1:
            out = np.hstack([out, table([moments(r) for r in found])])
            params = {"moments": ["raw", "central", "normalized", "hu"]}
            golden.case("region_properties", params, names, out, 1e-12, "moments", share=1e-9)


def images(golden):
    for name, mask in [("camera", None), ("camera", "camera_mask"), ("micro", None),
                       ("row", "row_mask"), ("special", None), ("gradient", None),
                       ("gradient_float", None), *((name, None) for name in golden.LAYERED)]:
        image = golden.INPUTS[name].astype(np.float64)
        planes = image.reshape(*image.shape[:2], -1)
        names = [n for n in [name, mask] if n]

        def chosen(channel):
            plane = planes[..., channel]
            plane = plane[golden.INPUTS[mask]] if mask else plane.ravel()
            return plane[~np.isnan(plane)]

        with np.errstate(invalid="ignore"):
            rows = [[c, v.size, v.min(), v.max(), v.mean(), v.std(), np.median(v)]
                    for c, v in ((c, chosen(c)) for c in range(planes.shape[2]))]
        golden.case("statistics", {}, names, table(rows), 0, share=1e-9)
        limited = {"bins": 7, "low": 0.25, "high": 90.5}
        for tag, params, limits in [("default", {"bins": 64}, None),
                                    ("limits", limited, (0.25, 90.5))]:
            if limits is None:
                kind = golden.INPUTS[name].dtype
                finite = image[np.isfinite(image)]
                limits = ((finite.min(), finite.max()) if kind == np.float32
                          else (0, np.iinfo(kind).max + 1))
            counted = [np.histogram(chosen(c), params["bins"], limits)
                       for c in range(planes.shape[2])]
            edges = counted[0][1]
            columns = [edges[:-1], edges[1:], *(counts for counts, _ in counted)]
            golden.case("histogram", params, names, table(np.stack(columns, axis=1)), 0, tag)

    random = np.random.default_rng(25)
    for name in ["camera", "rgb", "micro", "float", "gradient_tall", "row", "special",
                 *golden.LAYERED]:
        image = golden.INPUTS[name]
        other = image + random.normal(0, golden.finite(image).std() / 5, image.shape)
        golden.add_input(f"{name}_noisy", golden.rounded(other, image.dtype))
        pair = [name, f"{name}_noisy"]
        a, b = (golden.INPUTS[n].astype(np.float64) for n in pair)
        span = golden.white(image.dtype)
        # An infinity less an infinity is NaN in both.
        assert name != "special" or np.isnan(metrics.mean_squared_error(a, b))
        row = [metrics.mean_squared_error(a, b),
               metrics.peak_signal_noise_ratio(a, b, data_range=span)]
        golden.case("psnr", {}, pair, table([row]), 0, share=1e-9)
        if min(image.shape[:2]) < 11:
            continue  # No window lies within.
        planes = [x.reshape(*x.shape[:2], -1) for x in (a, b)]
        for window, options in [("uniform", {}), ("gaussian", {"gaussian_weights": True,
                                                              "use_sample_covariance": False})]:
            rows = [[c, metrics.structural_similarity(planes[0][..., c], planes[1][..., c],
                                                      data_range=span, **options)]
                    for c in range(planes[0].shape[2])]
            golden.case("ssim", {"window": window}, pair, table(rows), 1e-9, window)
    row = [0.0, np.inf]
    golden.case("psnr", {"range": 2.0}, ["camera", "camera"], table([row]), 0)
