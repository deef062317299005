"""Morphology, against scikit-image and SciPy. The masks are those of `labels.py`."""

import numpy as np
from scipy import ndimage
from skimage import morphology, segmentation


def footprint(element, radius):
    offsets = np.arange(-radius, radius + 1)
    x, y = np.meshgrid(offsets, offsets)
    return {
        "square": morphology.footprint_rectangle((2 * radius + 1, 2 * radius + 1)),
        "disk": morphology.disk(radius),
        "cross": ((x == 0) | (y == 0)).astype(np.uint8),
    }[element]


def by_order(image, function):
    """Applies a function that keeps the order to the places of the samples in it, NaN last."""
    values, places = np.unique(image, return_inverse=True)
    return values[function(places.reshape(image.shape))]


def channelwise(image, function):
    if image.ndim == 2:
        return function(image)
    return np.stack([function(image[..., c]) for c in range(image.shape[2])], axis=-1)


def gray(golden):
    for op, function in [("erode", morphology.erosion), ("dilate", morphology.dilation)]:
        for name, element, radius in [
            ("camera", "disk", 5), ("corner", "square", 3), ("corner", "cross", 4),
            ("micro", "disk", 2), ("gradient", "square", 8), ("gradient", "disk", 6),
            ("row", "square", 40), ("rgba", "square", 2), ("float", "disk", 3),
        ]:
            image = golden.INPUTS[name]
            shape = footprint(element, radius)
            out = channelwise(image, lambda a: function(a, shape))
            golden.case(op, {"element": element, "radius": radius}, [name], out, 0, element)
        for border, mode in golden.BORDERS.items():
            out = function(golden.INPUTS["corner"], footprint("disk", 4), mode=mode)
            params = {"element": "disk", "radius": 4, "border": border}
            golden.case(op, params, ["corner"], out, 0, border)
        out = function(golden.INPUTS["corner"], footprint("cross", 3), mode="constant", cval=60)
        params = {"element": "cross", "radius": 3, "border": {"constant": 60.0}}
        golden.case(op, params, ["corner"], out, 0, "constant")
        special = by_order(golden.INPUTS["special"], lambda a: function(a, footprint("square", 1)))
        golden.case(op, {}, ["special"], special, 0)

    for op, function in [("opening", morphology.opening), ("closing", morphology.closing),
                         ("top_hat", morphology.white_tophat), ("black_hat", morphology.black_tophat)]:
        for name, element, radius in [
            ("camera", "square", 2), ("corner", "disk", 5), ("corner", "cross", 4),
            ("micro", "square", 1), ("gradient", "disk", 6), ("row", "square", 3),
            ("rgba", "disk", 2), ("float", "disk", 1),
        ]:
            image = golden.INPUTS[name]
            shape = footprint(element, radius)
            out = channelwise(image, lambda a: function(a, shape, mode="ignore"))
            if op.endswith("_hat") and golden.has_alpha(image):
                out[..., -1] = image[..., -1]
            golden.case(op, {"element": element, "radius": radius}, [name], out, 0, element)


def binary(golden):
    for op, function in [("erode_mask", morphology.erosion), ("dilate_mask", morphology.dilation),
                         ("opening_mask", morphology.opening),
                         ("closing_mask", morphology.closing)]:
        for name, element, radius in [("mask", "square", 2), ("mask", "disk", 3),
                                      ("mask", "cross", 4), ("mask_row", "disk", 2)]:
            shape = footprint(element, radius)
            out = function(golden.INPUTS[name], shape, mode="ignore")
            golden.case(op, {"element": element, "radius": radius}, [name], out, 0, element)


def shapes(golden):
    connectivities = [("four", 1), ("eight", 2)]
    for name in ["blobs", "specks", "mask_row"]:
        mask = golden.INPUTS[name]
        for connectivity, number in connectivities:
            structure = ndimage.generate_binary_structure(2, number)
            out = ndimage.binary_fill_holes(mask, structure)
            golden.case("fill_holes", {"connectivity": connectivity}, [name], out, 0, connectivity)
        for connectivity, number in connectivities:
            params = {"connectivity": connectivity, "max_area": 9}
            out = morphology.remove_small_objects(mask, connectivity=number, max_size=9)
            golden.case("remove_small_objects", params, [name], out, 0, connectivity)
            out = morphology.remove_small_holes(mask, connectivity=number, max_size=9)
            golden.case("remove_small_holes", params, [name], out, 0, connectivity)
    for name in ["blobs", "specks", "mask", "mask_row"]:
        out = morphology.skeletonize(golden.INPUTS[name])
        golden.case("skeleton", {}, [name], out, 0)
    for name, margin in [("blobs", 1), ("specks", 1), ("blobs", 4), ("mask_row", 1)]:
        out = segmentation.clear_border(golden.INPUTS[name], buffer_size=margin - 1)
        golden.case("clear_border", {"margin": margin}, [name], out, 0, str(margin))
    for name in ["blobs", "specks", "mask_row"]:
        out = ndimage.distance_transform_edt(golden.INPUTS[name]).astype(np.float32)
        golden.case("distance_transform", {}, [name], out, 0)


def cases(golden):
    gray(golden)
    binary(golden)
    shapes(golden)
