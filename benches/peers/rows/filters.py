"""Rows of linear filters, of what is made with them, and of edges."""

import cv2
import numpy
import pyvips
import scipy.ndimage
import skimage.feature
import skimage.restoration
from PIL import ImageFilter

from pictures import BOTH, EVERYTHING, GRAYS

from .row import Row, constant, equal, libvips, opencv, pillow, scikit
from .row import scipy as with_scipy

REPLICATE = cv2.BORDER_REPLICATE
SHARPEN = [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
# Weights that are no product of two rows.
WEIGHTS = [[(7 * row + 5 * column + row * column) % 9 for column in range(7)] for row in range(7)]


def taps(sigma):
    """A Gaussian cut off at four standard deviations, and its second derivative."""
    radius = int(4 * sigma + 0.5)
    places = numpy.arange(-radius, radius + 1)
    weights = numpy.exp(-places**2 / (2 * sigma**2))
    weights /= weights.sum()
    return weights, weights * (places**2 - sigma**2) / sigma**4


def apart(p, along_x, along_y, kind=cv2.CV_32F):
    """A filter along x and along y."""
    return cv2.sepFilter2D(p.array, kind, numpy.array(along_x, float), numpy.array(along_y, float),
                           borderType=REPLICATE)


def gauss(sigma):
    """A row of a Gaussian blur."""
    return [
        opencv(lambda p: cv2.GaussianBlur(p.array, (0, 0), sigma, borderType=REPLICATE)),
        libvips(lambda image: image.gaussblur(sigma, min_ampl=0.01)),
        pillow(lambda image: image.filter(ImageFilter.GaussianBlur(sigma))),
    ]


def box(radius):
    """OpenCV's mean over a square."""
    side = 2 * radius + 1
    return [opencv(lambda p: cv2.blur(p.array, (side, side), borderType=REPLICATE))]


def weighted(kernel, divisor):
    """The peers of `convolve`."""
    weights = numpy.array(kernel, numpy.float32) / divisor
    whole = pyvips.Image.new_from_array(kernel, scale=divisor)
    return [
        opencv(lambda p: cv2.filter2D(p.array, -1, weights, borderType=REPLICATE), equal, 1),
        libvips(lambda image: image.conv(whole, precision="integer").cast(image.format),
                samples=("u8", "u16")),
    ]


def sharpened(p):
    """OpenCV's blur taken away."""
    blurred = cv2.GaussianBlur(p.array, (0, 0), 2.0, borderType=REPLICATE)
    return cv2.addWeighted(p.array, 2.0, blurred, -1.0, 0.0)


def blobs(p):
    """OpenCV's sum of both second derivatives of a Gaussian blur."""
    smooth, derived = taps(2.0)
    return cv2.add(apart(p, derived, smooth), apart(p, smooth, derived))


def details(p):
    """OpenCV's difference of two blurs."""
    narrow, wide = taps(1.25)[0], taps(2.0)[0]
    return cv2.subtract(apart(p, narrow, narrow), apart(p, wide, wide))


def moments(p, side):
    """OpenCV's mean and standard deviation over a square; its sums of squares lose digits."""
    window = {"ddepth": cv2.CV_32F, "ksize": (side, side), "borderType": REPLICATE}
    mean, squares = cv2.boxFilter(p.array, **window), cv2.sqrBoxFilter(p.array, **window)
    return mean, cv2.sqrt(cv2.max(cv2.subtract(squares, cv2.multiply(mean, mean)), 0.0))


def magnitude(smooth):
    """OpenCV's magnitude of derivatives that are smoothed across by three weights."""
    along = numpy.array([-1, 0, 1]) / 2**0.5

    def edges(p):
        length = cv2.magnitude(apart(p, along, smooth), apart(p, smooth, along))
        if p.sample == "u8":
            return cv2.convertScaleAbs(length)
        if p.sample == "u16":
            return cv2.add(length, constant(0), dtype=cv2.CV_16U)
        return length

    return [opencv(edges, equal, 1)]


def canny(p):
    """OpenCV's, whose derivatives are four times ours."""
    smooth = cv2.GaussianBlur(p.array, (0, 0), 1.4)
    return cv2.Canny(smooth, 100, 300, L2gradient=True)


def canny_of_scikit(p):
    """That of scikit-image, which makes shares of white of integers."""
    return skimage.feature.canny(p.array, 1.4, 25 / 255, 75 / 255)


ROWS = [
    Row("gaussian σ 2", EVERYTHING, "gaussian_blur", {"sigma": 2.0}, gauss(2.0)),
    Row("gaussian σ 20", EVERYTHING, "gaussian_blur", {"sigma": 20.0}, gauss(20.0)),
    Row("box 5 × 5", EVERYTHING, "box_blur", {"radius": 2}, box(2)),
    Row("box 41 × 41", EVERYTHING, "box_blur", {"radius": 20}, box(20)),
    Row("convolve 3 × 3", EVERYTHING, "convolve", {"kernel": SHARPEN}, weighted(SHARPEN, 1)),
    Row("convolve 7 × 7", EVERYTHING, "convolve", {"kernel": WEIGHTS, "divisor": 196},
        weighted(WEIGHTS, 196)),
    Row("unsharp mask", EVERYTHING, "unsharp_mask", {}, [
        opencv(sharpened),
        pillow(lambda image: image.filter(ImageFilter.UnsharpMask(2, 100, 0))),
    ]),
    Row("laplace", EVERYTHING, "laplace", {},
        [opencv(lambda p: cv2.Laplacian(p.array, cv2.CV_32F, ksize=1, borderType=REPLICATE),
                equal, 1)]),
    Row("laplacian of gaussian", EVERYTHING, "laplacian_of_gaussian", {}, [
        opencv(blobs, equal, 1),
        with_scipy(lambda p: scipy.ndimage.gaussian_laplace(p.array, 2.0, mode="nearest"),
                   equal, 1, ("f32",)),
    ]),
    Row("difference of gaussians", EVERYTHING, "difference_of_gaussians", {},
        [opencv(details, equal, 1)]),
    Row("sobel x", EVERYTHING, "sobel", {"output": "x"},
        [opencv(lambda p: cv2.Sobel(p.array, cv2.CV_32F, 1, 0, scale=0.25, borderType=REPLICATE),
                equal, 1)]),
    Row("sobel", EVERYTHING, "sobel", {}, magnitude([0.25, 0.5, 0.25])),
    Row("scharr x", EVERYTHING, "scharr", {"output": "x"},
        [opencv(lambda p: cv2.Scharr(p.array, cv2.CV_32F, 1, 0, scale=1 / 16, borderType=REPLICATE),
                equal, 1)]),
    Row("scharr", EVERYTHING, "scharr", {}, magnitude([0.1875, 0.625, 0.1875])),
    Row("prewitt", EVERYTHING, "prewitt", {}, magnitude([1 / 3] * 3)),
    Row("local std 5 × 5", EVERYTHING, "local_std", {"radius": 2},
        [opencv(lambda p: moments(p, 5))]),
    Row("bilateral radius 4", [*BOTH, "gray f32"], "bilateral",
        lambda p: {"radius": 4, "sigma_space": 3.0, "sigma_range": p.level(25.0)},
        [opencv(lambda p: cv2.bilateralFilter(p.array, 9, p.level(25.0), 3.0))]),
    Row("bilateral radius 4", ["gray u16"], "bilateral",
        {"radius": 4, "sigma_space": 3.0, "sigma_range": 25.0 * 257}, [
            scikit(lambda p: skimage.restoration.denoise_bilateral(p.array, 9, 25 / 255, 3.0)),
        ]),
    Row("canny", GRAYS, "canny",
        lambda p: {"sigma": 1.4, "low": p.level(25.0), "high": p.level(75.0)},
        [opencv(canny, samples=("u8",)), scikit(canny_of_scikit)]),
]
