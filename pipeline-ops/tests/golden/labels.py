"""Labels, and what is flooded from them, against scikit-image and SciPy."""

import numpy as np
import skimage
from scipy import ndimage
from skimage import measure, segmentation


def cases(golden):
    masks(golden)
    labels(golden)
    watershed(golden)


def masks(golden):
    random = np.random.default_rng(21)
    blobs = ndimage.gaussian_filter(random.random((36, 48)), 2)
    golden.add_input("blobs", blobs > np.quantile(blobs, 0.45))
    golden.add_input("specks", random.random((30, 40)) > 0.55)


MASKS = ["blobs", "specks", "camera_mask", "micro_mask", "gradient_mask", "row_mask"]


def labels(golden):
    connectivities = [("four", 1), ("eight", 2)]
    for name in MASKS:
        golden.case("mask_image", {}, [name], skimage.util.img_as_ubyte(golden.INPUTS[name]), 0)
    for name in MASKS:
        mask = golden.INPUTS[name]
        for connectivity, number in connectivities:
            out = measure.label(mask, connectivity=number)
            structure = ndimage.generate_binary_structure(2, number)
            assert np.array_equal(out, ndimage.label(mask, structure)[0])
            params = {"connectivity": connectivity}
            golden.case("connected_components", params, [name], out.astype(np.uint16), 0,
                        connectivity)

    random = np.random.default_rng(22)
    for name in ["camera", "micro", "gradient", "row", "special"]:
        found = measure.label(golden.INPUTS[f"{name}_mask"], connectivity=1)
        golden.add_input(f"{name}_labels", found.astype(np.uint16))
    golden.add_input("labels", measure.label(golden.INPUTS["blobs"]).astype(np.uint16))
    seeds = measure.label(random.random((36, 48)) > 0.98).astype(np.uint16)
    golden.add_input("seeds", seeds)
    golden.add_input("numbers", (random.permutation(90)[:35] * 701).reshape(5, 7).astype(np.uint16)
                     * random.integers(0, 2, (5, 7), dtype=np.uint16))
    golden.add_input("numbers_float", golden.INPUTS["numbers"].astype(np.float32) * 2)
    for name in ["numbers", "numbers_float", "corner", "micro", "gradient", "row"]:
        out = segmentation.relabel_sequential(golden.INPUTS[name].astype(int))[0]
        golden.case("relabel", {}, [name], out.astype(np.uint16), 0)
    for name, to, dtype in [("labels", "f32", np.float32), ("camera_labels", "u8", np.uint8),
                            ("micro_labels", "u16", np.uint16), ("row_labels", "u8", np.uint8),
                            ("gradient_labels", "f32", np.float32)]:
        golden.case("label_image", {"to": to}, [name], golden.INPUTS[name].astype(dtype), 0)
    for name, distance in [("labels", 1.0), ("seeds", 2.9), ("seeds", 6.0), ("seeds", 1000.0),
                           ("camera_labels", 3.0), ("micro_labels", 1.5), ("gradient_labels", 2.0),
                           ("row_labels", 2.0)]:
        out = segmentation.expand_labels(golden.INPUTS[name], distance)
        golden.case("expand_labels", {"distance": distance}, [name], out, 0, str(int(distance)))


def in_order(heights, markers):
    """Whole heights as the reference needs them to take equal markers row by row, as ours does.

    It takes them as its binary heap happens to hold them. Fractions below their heights put them in
    order, and change nothing else as long as nothing beside a marker is lower than it.
    """
    markers = markers != 0
    beside = ndimage.minimum_filter(heights, 3, mode="nearest")
    assert np.array_equal(beside[markers], heights[markers])
    count = np.count_nonzero(markers)
    out = heights.astype(float)
    out[markers] -= np.arange(count, 0, -1) / (count + 1)
    return out


def places(image):
    """The place of each sample in their order: NaN is higher than every number."""
    return np.unique(image, return_inverse=True)[1].reshape(image.shape)


def watershed(golden):
    random = np.random.default_rng(23)
    blobs, seeds = golden.INPUTS["blobs"], golden.INPUTS["seeds"]
    # Few heights and markers side by side: what is equal decides much.
    relief = random.integers(1, 7, (36, 48), dtype=np.uint8)
    crowd = random.permutation(np.arange(36 * 48)).reshape(36, 48)
    crowd = segmentation.relabel_sequential(np.where(crowd < 450, crowd + 1, 0))[0]
    golden.add_input("crowd", crowd.astype(np.uint16))
    depth = (-ndimage.distance_transform_edt(blobs)).astype(np.float32)
    # Markers outside of the mask would leave gaps.
    inside = segmentation.relabel_sequential(seeds * blobs)[0]
    golden.add_input("inside", inside.astype(np.uint16))
    cases = []
    for name, image, markers, mask in [("relief", relief, "seeds", None),
                                       ("relief", relief, "crowd", None),
                                       ("depth", depth, "seeds", None),
                                       ("depth", depth, "inside", "blobs")]:
        below = np.where(golden.INPUTS[markers] != 0, image.dtype.type(image.min() - 1), image)
        golden.add_input(f"{name}_below_{markers}", below)
        cases.append((f"{name}_below_{markers}", markers, mask))
    # No height twice: what is beside a marker may be lower.
    hills = random.permutation(np.arange(36 * 48)).reshape(36, 48)
    golden.add_input("hills", hills.astype(np.float32))
    for name in golden.PICTURES:
        heights = places(golden.INPUTS[name])
        lowest = heights == ndimage.minimum_filter(heights, 7, mode="nearest")
        golden.add_input(f"{name}_seeds", measure.label(lowest).astype(np.uint16))
        cases.append((name, f"{name}_seeds", None))
    for connectivity, number in [("four", 1), ("eight", 2)]:
        params = {"connectivity": connectivity}

        def add(inputs, heights):
            markers, mask = (golden.INPUTS[name] if name else None for name in inputs[1:])
            out = segmentation.watershed(heights, markers.astype(int), number, mask=mask)
            names = [name for name in inputs if name]
            golden.case("watershed", params, names, out.astype(np.uint16), 0, connectivity)

        for inputs in cases:
            image, markers = (golden.INPUTS[name] for name in inputs[:2])
            add(inputs, in_order(places(image), markers))
        for markers in ["seeds", "crowd"]:
            add(("hills", markers, None), hills)
