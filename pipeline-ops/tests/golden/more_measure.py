"""Labels and what is measured of them, against scikit-image and SciPy."""

import numpy as np
from scipy import ndimage
from skimage import measure, metrics, segmentation


def masks(golden):
    random = np.random.default_rng(21)
    golden.add_input("mask", golden.INPUTS["camera"] > 110)
    golden.add_input("mask_row", golden.INPUTS["row"] > 100)
    blobs = ndimage.gaussian_filter(random.random((36, 48)), 2)
    golden.add_input("blobs", blobs > np.quantile(blobs, 0.45))
    golden.add_input("specks", random.random((30, 40)) > 0.55)


def labels(golden):
    connectivities = [("four", 1), ("eight", 2)]
    for name in ["blobs", "specks", "mask_row"]:
        mask = golden.INPUTS[name]
        for connectivity, number in connectivities:
            out = measure.label(mask, connectivity=number)
            structure = ndimage.generate_binary_structure(2, number)
            assert np.array_equal(out, ndimage.label(mask, structure)[0])
            params = {"connectivity": connectivity}
            golden.case("connected_components", params, [name], out.astype(np.uint16), 0,
                        connectivity)

    random = np.random.default_rng(22)
    golden.add_input("labels", measure.label(golden.INPUTS["blobs"]).astype(np.uint16))
    seeds = measure.label(random.random((36, 48)) > 0.98).astype(np.uint16)
    golden.add_input("seeds", seeds)
    golden.add_input("numbers", (random.permutation(90)[:35] * 701).reshape(5, 7).astype(np.uint16)
                     * random.integers(0, 2, (5, 7), dtype=np.uint16))
    for name in ["numbers", "corner", "row"]:
        out = segmentation.relabel_sequential(golden.INPUTS[name].astype(int))[0]
        golden.case("relabel", {}, [name], out.astype(np.uint16), 0)
    golden.case("label_image", {"to": "f32"}, ["labels"],
                golden.INPUTS["labels"].astype(np.float32), 0)
    for name, distance in [("labels", 1.0), ("seeds", 2.9), ("seeds", 6.0), ("seeds", 1000.0)]:
        out = segmentation.expand_labels(golden.INPUTS[name], distance)
        golden.case("expand_labels", {"distance": distance}, [name], out, 0, str(int(distance)))


def watershed(golden):
    random = np.random.default_rng(23)
    seeds = golden.INPUTS["seeds"]
    golden.add_input("relief", random.integers(0, 6, (36, 48), dtype=np.uint8))
    distance = ndimage.distance_transform_edt(golden.INPUTS["blobs"])
    golden.add_input("depth", (-distance).astype(np.float32))
    # Few heights and markers side by side: what is equal decides much.
    crowd = random.permutation(np.arange(36 * 48)).reshape(36, 48)
    crowd = np.where(crowd < 450, crowd + 1, 0)
    golden.add_input("crowd", segmentation.relabel_sequential(crowd)[0].astype(np.uint16))
    # Markers outside of the mask would leave gaps.
    inside = segmentation.relabel_sequential(seeds * golden.INPUTS["blobs"])[0]
    golden.add_input("inside", inside.astype(np.uint16))
    for connectivity, number in [("four", 1), ("eight", 2)]:
        params = {"connectivity": connectivity}
        for image, markers, mask in [("relief", "seeds", None), ("relief", "crowd", None),
                                     ("depth", "inside", "blobs"), ("depth", "seeds", None)]:
            names = [name for name in [image, markers, mask] if name]
            out = segmentation.watershed(golden.INPUTS[image], golden.INPUTS[markers].astype(int),
                                         connectivity=number,
                                         mask=golden.INPUTS[mask] if mask else None)
            golden.case("watershed", params, names, out.astype(np.uint16), 0, connectivity)


def table(rows):
    return np.array(rows, np.float64).astype(np.float32)


def regions(golden):
    random = np.random.default_rng(24)
    numbers = golden.INPUTS["labels"].astype(int)
    golden.add_input("stain", random.integers(0, 4000, (36, 48), dtype=np.uint16))
    golden.add_input("glow", random.normal(2, 3, (36, 48)).astype(np.float32))

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
                          ("crowd", None)]:
        values = golden.INPUTS[image].astype(float) if image else None
        found = measure.regionprops(golden.INPUTS[labels].astype(int), values)
        names = [name for name in [labels, image] if name]
        golden.case("region_properties", {}, names, table([row(r, image) for r in found]), 1e-6)


def images(golden):
    for name, mask in [("camera", None), ("camera", "mask"), ("micro", None), ("rgba", None),
                       ("row", "mask_row"), ("special", None), ("gradient", None)]:
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
        golden.case("statistics", {}, names, table(rows), 1e-6)
        for tag, params, limits in [("default", {"bins": 64}, None),
                                    ("limits", {"bins": 7, "low": 0.25, "high": 90.5}, (0.25, 90.5))]:
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
    for name in ["camera", "rgb", "micro", "float"]:
        image = golden.INPUTS[name]
        other = image + random.normal(0, image.std() / 5, image.shape)
        golden.add_input(f"noisy_{name}", golden.rounded(other, image.dtype))
        pair = [name, f"noisy_{name}"]
        a, b = (golden.INPUTS[n].astype(np.float64) for n in pair)
        span = golden.white(image.dtype)
        row = [metrics.mean_squared_error(a, b),
               metrics.peak_signal_noise_ratio(a, b, data_range=span)]
        golden.case("psnr", {}, pair, table([row]), 1e-6)
        planes = [x.reshape(*x.shape[:2], -1) for x in (a, b)]
        for window, options in [("uniform", {}), ("gaussian", {"gaussian_weights": True,
                                                              "use_sample_covariance": False})]:
            rows = [[c, metrics.structural_similarity(planes[0][..., c], planes[1][..., c],
                                                      data_range=span, **options)]
                    for c in range(planes[0].shape[2])]
            golden.case("ssim", {"window": window}, pair, table(rows), 1e-6, window)
    row = [0.0, np.inf]
    assert metrics.mean_squared_error(a, a) == 0
    golden.case("psnr", {"range": 2.0}, ["camera", "camera"], table([row]), 0)


def cases(golden):
    masks(golden)
    labels(golden)
    watershed(golden)
    regions(golden)
    images(golden)
