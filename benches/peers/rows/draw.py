"""Rows of pictures for people to look at."""

import cv2
import numpy
import skimage.color
import skimage.segmentation
import skimage.util
from PIL import ImageDraw

from pictures import BOTH, PLANES

from .row import Row, equal, numpy_alone, opencv, pillow, scikit

GAP = 4
WORDS = "From first light to last"


def outlined(p):
    """The picture with the boundaries that scikit-image finds, in yellow as gray."""
    out = p.array.copy()
    out[skimage.segmentation.find_boundaries(p.labels, connectivity=1, mode="inner")] = 226
    return out


def written(p):
    """OpenCV's font on a copy."""
    place, white = (100, 200), (255, 255, 255)
    return cv2.putText(p.array.copy(), WORDS, place, cv2.FONT_HERSHEY_SIMPLEX, 4, white, 4)


def written_by_pillow(image):
    """Pillow's font on a copy."""
    copy = image.copy()
    ImageDraw.Draw(copy).text((100, 100), WORDS, "white", font_size=100)
    return copy


def sheet(p):
    """The planes in a row, with gaps."""
    out = numpy.zeros((p.height + 2 * GAP, 3 * p.width + 4 * GAP), p.array.dtype)
    for number, plane in enumerate(p.planes):
        out[GAP:-GAP, GAP + number * (p.width + GAP):][:, :p.width] = plane
    return out


ROWS = [
    Row("contact sheet", PLANES, "contact_sheet", {"columns": 3, "gap": GAP}, [
        numpy_alone(sheet, equal),
        scikit(lambda p: skimage.util.montage(p.planes, 0, grid_shape=(1, 3), padding_width=GAP),
               equal),
    ]),
    Row("color_map", ["gray u8"], "color_map", {}, [
        # Blue first.
        opencv(lambda p: cv2.applyColorMap(p.array, cv2.COLORMAP_VIRIDIS),
               lambda result: result[:, :, ::-1]),
    ]),
    Row("color labels", ["objects"], "color_labels", {}, [
        scikit(lambda p: skimage.color.label2rgb(p.labels, bg_label=0, bg_color=(0, 0, 0)),
               lambda result: (result * 255).round().astype(numpy.uint8)),
    ]),
    Row("outline labels", ["objects"], "outline_labels", {}, [scikit(outlined, equal)]),
    Row("text", BOTH, "text", {"text": WORDS, "x": 100, "y": 100, "scale": 8},
        [opencv(written), pillow(written_by_pillow)]),
]
