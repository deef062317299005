"""Rows of thresholds, and of objects by their numbers."""

from functools import partial

import cv2
import numpy
import skimage.filters
import skimage.measure
import skimage.segmentation
import skimage.util

from pictures import GRAYS

from .filters import moments
from .row import Row, as_labels, as_mask, constant, equal, numpy_alone, opencv, scikit

# Both windows of 15 × 15.
SIDE = 15


def above(level):
    """What is brighter than the level that scikit-image finds."""
    return scikit(lambda p: p.array > level(p.array), as_mask)


def found(method, samples):
    """OpenCV's threshold at the level that it finds."""
    binary = cv2.THRESH_BINARY | method
    return opencv(lambda p: cv2.threshold(p.array, 0, 1, binary)[1], as_mask, 0, samples)


def adaptive(method):
    """OpenCV's local threshold; it rounds the mean."""
    run = lambda p: cv2.adaptiveThreshold(p.array, 1, method, cv2.THRESH_BINARY, SIDE, 3)
    return opencv(run, samples=("u8",))


def local_level(p, method):
    """The local threshold of scikit-image."""
    offset = p.level(3.0)
    return p.array > skimage.filters.threshold_local(p.array, SIDE, method, offset, "nearest")


def locally(method):
    """The parameters of our local threshold."""
    return lambda p: {"method": method, "offset": p.level(3.0)}


def sauvola(p):
    """Sauvola's level by OpenCV's means and deviations."""
    mean, deviation = moments(p, SIDE)
    factor = cv2.addWeighted(deviation, 0.2 / (0.5 * p.white), deviation, 0.0, 0.8)
    level = cv2.multiply(mean, factor)
    return cv2.compare(cv2.add(p.array, constant(0), dtype=cv2.CV_32F), level, cv2.CMP_GT)


def between(p):
    """The levels of hysteresis, between those that samples have."""
    return {"low": p.level(85.5), "high": p.level(170.5)}


def joined(p):
    """Hysteresis of scikit-image."""
    return skimage.filters.apply_hysteresis_threshold(p.array, **between(p))


def labelled(how, algorithm, result=None):
    """OpenCV's labels, by one of its algorithms."""
    label = cv2.connectedComponentsWithAlgorithm
    return opencv(lambda p: label(p.mask, 8, cv2.CV_32S, algorithm), result, how=how)


ROWS = [
    Row("otsu", GRAYS, "otsu", {}, [
        found(cv2.THRESH_OTSU, ("u8", "u16")), above(skimage.filters.threshold_otsu),
    ]),
    # Where the corner is, OpenCV sees otherwise.
    Row("triangle", GRAYS, "triangle", {}, [
        opencv(lambda p: cv2.threshold(p.array, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_TRIANGLE),
               samples=("u8",)),
        above(skimage.filters.threshold_triangle),
    ]),
    Row("li", GRAYS, "li", {}, [above(skimage.filters.threshold_li)]),
    Row("yen", GRAYS, "yen", {}, [above(skimage.filters.threshold_yen)]),
    Row("percentile threshold", GRAYS, "percentile_threshold", {"percentile": 80.0},
        [numpy_alone(lambda p: p.array > numpy.percentile(p.array, 80.0), as_mask)]),
    Row("adaptive threshold, mean", GRAYS, "adaptive_threshold", locally("mean"),
        [adaptive(cv2.ADAPTIVE_THRESH_MEAN_C), scikit(partial(local_level, method="mean"))]),
    Row("adaptive threshold, gaussian", GRAYS, "adaptive_threshold", locally("gaussian"),
        [adaptive(cv2.ADAPTIVE_THRESH_GAUSSIAN_C),
         scikit(partial(local_level, method="gaussian"))]),
    Row("sauvola", GRAYS, "sauvola", {}, [opencv(sauvola)]),
    Row("hysteresis", GRAYS, "hysteresis", between, [scikit(joined, as_mask)]),
    Row("label", ["mask", "noisy mask"], "connected_components", {}, [
        labelled("SAUF", cv2.CCL_SAUF, lambda result: as_labels(result[1])),
        # These number objects by blocks of pixels.
        labelled("Spaghetti", cv2.CCL_SPAGHETTI),
        labelled("BBDT", cv2.CCL_GRANA),
        scikit(lambda p: skimage.measure.label(p.mask, connectivity=2), as_labels),
    ]),
    Row("watershed", ["objects"], "watershed", {}, [
        scikit(lambda p: skimage.segmentation.watershed(p.array, p.labels), as_labels),
        # By differences of colours, and with lines between the objects.
        opencv(lambda p: cv2.watershed(p.color, p.labels.copy())),
    ]),
    Row("expand labels", ["objects"], "expand_labels", {"distance": 10.0},
        [scikit(lambda p: skimage.segmentation.expand_labels(p.labels, 10), as_labels)]),
    Row("relabel", ["numbers u16"], "relabel", {}, [
        scikit(lambda p: skimage.segmentation.relabel_sequential(p.array)[0], as_labels),
    ]),
    Row("mask to image", ["mask"], "mask_image", {}, [
        opencv(lambda p: cv2.convertScaleAbs(p.mask, alpha=255), equal),
        scikit(lambda p: skimage.util.img_as_ubyte(p.mask.view(bool)), equal),
    ]),
    Row("labels to image", ["objects"], "label_image", {},
        [numpy_alone(lambda p: p.labels.astype(numpy.uint16), equal)]),
]
