"""Rows of structuring elements, and of the shapes of masks."""

import cv2
import numpy
import scipy.ndimage
import skimage.morphology
import skimage.segmentation

from pictures import BOTH, EVERYTHING

from .rank import square
from .row import Row, as_mask, equal, opencv, scikit
from .row import scipy as with_scipy

MASKS = ["mask", "noisy mask"]
KINDS = {
    "erode": cv2.MORPH_ERODE, "dilate": cv2.MORPH_DILATE, "opening": cv2.MORPH_OPEN,
    "closing": cv2.MORPH_CLOSE, "top_hat": cv2.MORPH_TOPHAT, "black_hat": cv2.MORPH_BLACKHAT,
}


def disk(radius):
    """A disk as OpenCV takes it."""
    y, x = numpy.mgrid[-radius:radius + 1, -radius:radius + 1]
    return (x * x + y * y <= radius * radius).astype(numpy.uint8)


def gray(step, radius, kinds=EVERYTHING, element=square):
    """A row on pictures."""
    shape, side = element(radius), 2 * radius + 1
    name = f"{step} {side} × {side}" + (", disk" if element is disk else "")
    return Row(name, kinds, step, {"radius": radius, "element": element.__name__},
               [opencv(lambda p: cv2.morphologyEx(p.array, KINDS[step], shape), equal)])


def binary(step, radius, element=square):
    """A row on a mask."""
    shape, side = element(radius), 2 * radius + 1
    name = f"{step} mask {side} × {side}" + (", disk" if element is disk else "")
    return Row(name, ["mask"], f"{step}_mask", {"radius": radius, "element": element.__name__},
               [opencv(lambda p: cv2.morphologyEx(p.mask, KINDS[step], shape), equal)])


def filled(p):
    """OpenCV's: all but the background that reaches a frame around the picture."""
    framed = cv2.copyMakeBorder(p.mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(framed, None, (0, 0), 2)
    return (framed[1:-1, 1:-1] != 2).view(numpy.uint8)


def large(mask, connectivity):
    """OpenCV's objects of more than 64 pixels."""
    _, labels, table, _ = cv2.connectedComponentsWithStats(mask, connectivity=connectivity)
    is_large = (table[:, cv2.CC_STAT_AREA] > 64).astype(numpy.uint8)
    is_large[0] = 0
    return is_large[labels]


def within(p):
    """OpenCV's objects that do not reach the edge."""
    count, labels = cv2.connectedComponents(p.mask, connectivity=8)
    is_within = numpy.ones(count, numpy.uint8)
    is_within[0] = 0
    for edge in [labels[0], labels[-1], labels[:, 0], labels[:, -1]]:
        is_within[edge] = 0
    return is_within[labels]


def without_small(p):
    """The objects of more than 64 pixels by scikit-image."""
    remove = skimage.morphology.remove_small_objects
    return remove(p.mask.astype(bool), max_size=64, connectivity=2)


def without_small_holes(p):
    """The mask without holes of up to 64 pixels by scikit-image."""
    remove = skimage.morphology.remove_small_holes
    return remove(p.mask.astype(bool), max_size=64, connectivity=1)


def distance(p):
    """OpenCV's exact distance."""
    return cv2.distanceTransform(p.mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


ROWS = [
    gray("erode", 2),
    gray("erode", 20),
    gray("erode", 5, ["gray u8", "gray u16", "gray f32"], disk),
    gray("dilate", 2),
    gray("dilate", 20),
    gray("opening", 5),
    gray("closing", 5),
    gray("top_hat", 5),
    gray("black_hat", 5),
    binary("erode", 2),
    binary("dilate", 2),
    binary("dilate", 5, disk),
    binary("opening", 2),
    binary("closing", 2),
    binary("top_hat", 2),
    binary("black_hat", 2),
    Row("fill holes", MASKS, "fill_holes", {}, [
        opencv(filled, equal),
        with_scipy(lambda p: scipy.ndimage.binary_fill_holes(p.mask), as_mask),
    ]),
    Row("remove small objects", MASKS, "remove_small_objects", {}, [
        opencv(lambda p: large(p.mask, 8), equal),
        scikit(without_small, as_mask),
    ]),
    Row("remove small holes", MASKS, "remove_small_holes", {}, [
        opencv(lambda p: 1 - large(1 - p.mask, 4), equal),
        scikit(without_small_holes, as_mask),
    ]),
    Row("clear border", MASKS, "clear_border", {}, [
        opencv(within, equal),
        scikit(lambda p: skimage.segmentation.clear_border(p.mask), as_mask),
    ]),
    Row("distance", ["mask"], "distance_transform", {}, [
        opencv(distance, equal),
        with_scipy(lambda p: scipy.ndimage.distance_transform_edt(p.mask),
                   lambda result: result.astype(numpy.float32)),
    ]),
    Row("skeleton", ["mask"], "skeleton", {},
        [scikit(lambda p: skimage.morphology.skeletonize(p.mask), as_mask)]),
]
