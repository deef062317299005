"""Rows of what is measured of pictures and objects."""

import cv2
import numpy
import skimage.measure
import skimage.metrics

from pictures import BOTH, EVERYTHING, WHITES

from .filters import REPLICATE
from .row import Row, libvips, opencv, pillow, scikit

# Ours always measures all of it.
PROPERTIES = [
    "label", "area", "bbox", "centroid", "moments_central", "axis_major_length",
    "axis_minor_length", "eccentricity", "orientation", "perimeter", "equivalent_diameter_area",
    "intensity_min", "intensity_max", "intensity_mean", "intensity_std",
]
OURS = {
    "label": "label", "area": "area", "bbox-1": "x", "bbox-0": "y", "centroid-1": "centroid_x",
    "axis_major_length": "major_axis", "perimeter": "perimeter", "intensity_mean": "mean",
    "intensity_std": "std",
}


def counts(p, channel, bins, low, high):
    """OpenCV's histogram of a channel."""
    return cv2.calcHist([p.array], [channel], None, [bins], [low, high]).ravel()


def histogram(p):
    """That of each channel."""
    end = {"u8": 256, "u16": 65536}[p.sample]
    return {f"channel_{c}": counts(p, c, 256, 0, end) for c in range(p.channels)}


def median(p, channel):
    """The middle one of integers, by a histogram of all of them; of floats by NumPy."""
    if p.sample == "f32":
        return numpy.median(p.array)
    bins = WHITES[p.sample] + 1
    sums = counts(p, channel, bins, 0, bins).astype(numpy.int64).cumsum()
    middle = p.width * p.height // 2
    return (numpy.searchsorted(sums, middle) + numpy.searchsorted(sums, middle + 1)) / 2


def statistics(p):
    """Our table, made with OpenCV."""
    planes = cv2.split(p.array)
    mean, deviation = cv2.meanStdDev(p.array)
    ends = numpy.array([cv2.minMaxLoc(plane)[:2] for plane in planes])
    medians = [median(p, channel) for channel in range(p.channels)]
    return {"min": ends[:, 0], "max": ends[:, 1], "mean": mean.ravel(), "std": deviation.ravel(),
            "median": medians}


def similarity(p):
    """The structural similarity by OpenCV's means over squares."""
    a = b = p.array.astype(numpy.float32)
    window = {"ddepth": cv2.CV_32F, "ksize": (7, 7), "borderType": REPLICATE}
    mean_a, mean_b = cv2.boxFilter(a, **window), cv2.boxFilter(b, **window)
    ab = mean_a * mean_b
    squares = mean_a * mean_a + mean_b * mean_b
    # That of a sample.
    unbiased = 49 / 48
    spread = cv2.sqrBoxFilter(a, **window) + cv2.sqrBoxFilter(b, **window) - squares
    both = cv2.boxFilter(a * b, **window) - ab
    first, second = (0.01 * p.white) ** 2, (0.03 * p.white) ** 2
    shares = (2 * ab + first) * (2 * unbiased * both + second)
    shares /= (squares + first) * (unbiased * spread + second)
    return cv2.mean(shares[3:-3, 3:-3])[:p.channels]


def similarity_of_scikit(p):
    """That of scikit-image."""
    return skimage.metrics.structural_similarity(
        p.array, p.array, data_range=p.white, channel_axis=2 if p.channels > 1 else None)


def properties(p):
    """The table of scikit-image."""
    return skimage.measure.regionprops_table(p.labels, p.array, properties=PROPERTIES)


def as_ours(table):
    """Its columns by our names."""
    return {ours: table[theirs] for theirs, ours in OURS.items()}


ROWS = [
    Row("histogram", [*BOTH, "gray u16"], "histogram", {}, [
        opencv(histogram, lambda result: result),
        libvips(lambda image: image.hist_find(), samples=("u8",)),
        pillow(lambda image: image.histogram()),
    ]),
    Row("histogram", ["gray f32"], "histogram", {"low": 0.0, "high": 1.0},
        [opencv(lambda p: counts(p, 0, 256, 0, 1))]),
    Row("statistics", EVERYTHING, "statistics", {}, [opencv(statistics, lambda result: result)]),
    Row("psnr", EVERYTHING, "psnr", {}, [opencv(lambda p: cv2.PSNR(p.array, p.array, p.white))]),
    Row("ssim", EVERYTHING, "ssim", {}, [
        opencv(similarity),
        scikit(similarity_of_scikit, lambda result: {"ssim": [result]}, samples=("u16", "f32")),
    ]),
    Row("region properties", ["objects"], "region_properties", {}, [scikit(properties, as_ours)]),
]
