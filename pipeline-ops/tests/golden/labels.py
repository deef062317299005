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
        for name in golden.PICTURES:
            image = golden.INPUTS[name]
            # In the order of the samples: NaN is higher than every number.
            heights = np.unique(image, return_inverse=True)[1].reshape(image.shape)
            if connectivity == "four":
                lowest = heights == ndimage.minimum_filter(heights, 7, mode="nearest")
                golden.add_input(f"{name}_seeds", measure.label(lowest).astype(np.uint16))
            markers = golden.INPUTS[f"{name}_seeds"]
            out = segmentation.watershed(heights, markers.astype(int), connectivity=number)
            golden.case("watershed", params, [name, f"{name}_seeds"], out.astype(np.uint16), 0,
                        connectivity)
