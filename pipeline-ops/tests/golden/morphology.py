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


def channelwise(image, function):
    if image.ndim == 2:
        return function(image)
    return np.stack([function(image[..., c]) for c in range(image.shape[2])], axis=-1)


def twice_seen(golden, op, image, shape):
    """An opening or closing over the pixels that are seen."""
    def once(function):
        ordered = lambda a: golden.by_order(a, lambda places: function(places, shape))
        return lambda image: golden.unseen(image, function is morphology.erosion, ordered)

    erode, dilate = once(morphology.erosion), once(morphology.dilation)
    return dilate(erode(image)) if op in ("opening", "top_hat") else erode(dilate(image))


def gray(golden):
    for op, function in [("erode", morphology.erosion), ("dilate", morphology.dilation)]:
        for name, element, radius in [
            ("camera", "disk", 5), ("corner", "square", 3), ("corner", "cross", 4),
            ("micro", "disk", 2), ("gradient", "square", 8), ("gradient", "disk", 6),
            ("row", "square", 40), ("row_u16", "disk", 3), ("row_float", "square", 2),
            ("float", "disk", 3), ("special", "disk", 2),
            *((name, "square", 2) for name in golden.LAYERED),
        ]:
            image = golden.INPUTS[name]
            shape = footprint(element, radius)
            ordered = lambda a: golden.by_order(a, lambda places: function(places, shape))
            out = channelwise(image, ordered)
            if golden.has_alpha(image):
                out = golden.unseen(image, op == "erode", ordered)
            golden.case(op, {"element": element, "radius": radius}, [name], out, 0, element)
        for border, mode in golden.BORDERS.items():
            out = function(golden.INPUTS["corner"], footprint("disk", 4), mode=mode)
            params = {"element": "disk", "radius": 4, "border": border}
            golden.case(op, params, ["corner"], out, 0, border)
        out = function(golden.INPUTS["corner"], footprint("cross", 3), mode="constant", cval=60)
        params = {"element": "cross", "radius": 3, "border": {"constant": 60.0}}
        golden.case(op, params, ["corner"], out, 0, "constant")

    for op, function in [("opening", morphology.opening), ("closing", morphology.closing),
                         ("top_hat", morphology.opening), ("black_hat", morphology.closing)]:
        for name, element, radius in [
            ("camera", "square", 2), ("corner", "disk", 5), ("corner", "cross", 4),
            ("micro", "square", 1), ("gradient", "disk", 6), ("row", "square", 3),
            ("row_u16", "square", 2), ("row_float", "disk", 2), ("float", "disk", 1),
            ("special", "square", 1),
            *((name, "disk", 2) for name in golden.LAYERED),
        ]:
            image = golden.INPUTS[name]
            shape = footprint(element, radius)
            ordered = lambda a: golden.by_order(a, lambda p: function(p, shape, mode="ignore"))
            out = channelwise(image, ordered)
            if golden.has_alpha(image):
                out = twice_seen(golden, op, image, shape)
            if op.endswith("_hat"):
                with np.errstate(invalid="ignore"):
                    out = image - out if op == "top_hat" else out - image
                if name != "special" and not golden.has_alpha(image):
                    hat = {"top_hat": morphology.white_tophat,
                           "black_hat": morphology.black_tophat}[op]
                    assert np.array_equal(
                        out, channelwise(image, lambda a: hat(a, shape, mode="ignore")))
                out = golden.kept_alpha(image, out)
            golden.case(op, {"element": element, "radius": radius}, [name], out, 0, element)


def binary(golden):
    for op, function in [("erode_mask", morphology.erosion), ("dilate_mask", morphology.dilation),
                         ("opening_mask", morphology.opening),
                         ("closing_mask", morphology.closing),
                         ("top_hat_mask", morphology.white_tophat),
                         ("black_hat_mask", morphology.black_tophat)]:
        for name, element, radius in [("camera_mask", "square", 2), ("camera_mask", "disk", 3),
                                      ("camera_mask", "cross", 4), ("micro_mask", "disk", 1),
                                      ("gradient_mask", "square", 1), ("row_mask", "disk", 2)]:
            shape = footprint(element, radius)
            out = function(golden.INPUTS[name], shape, mode="ignore")
            golden.case(op, {"element": element, "radius": radius}, [name], out, 0, element)


def shapes(golden):
    connectivities = [("four", 1), ("eight", 2)]
    masks = ["blobs", "specks", "camera_mask", "micro_mask", "gradient_mask", "row_mask"]
    for name in masks:
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
    for name in masks:
        out = morphology.skeletonize(golden.INPUTS[name])
        golden.case("skeleton", {}, [name], out, 0)
    for name, margin in [*((name, 1) for name in masks), ("blobs", 4), ("camera_mask", 3)]:
        out = segmentation.clear_border(golden.INPUTS[name], buffer_size=margin - 1)
        golden.case("clear_border", {"margin": margin}, [name], out, 0, str(margin))
    for name in masks:
        out = ndimage.distance_transform_edt(golden.INPUTS[name]).astype(np.float32)
        golden.case("distance_transform", {}, [name], out, 0)


def cases(golden):
    gray(golden)
    binary(golden)
    shapes(golden)
