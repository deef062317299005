"""The pictures that single operations are compared on."""

from functools import cached_property

import cv2
import numpy
import pyvips
import skimage.measure
from PIL import Image

from common import PLACE, ROOT

# Lists of kinds that rows are made for.
BOTH = ["gray u8", "RGB u8"]
GRAYS = ["gray u8", "gray u16", "gray f32"]
EVERYTHING = [*BOTH, "gray u16", "gray f32"]
PLANES = ["planes u8", "planes u16", "planes f32"]

CHANNELS = {"RGB": 3, "RGBA": 4, "planes": 3}
# 24 megapixels of u8 and of masks, 4 of what takes longer.
LARGE, SMALL = (6000, 4000), (2500, 1600)
WHITES = {"u8": 255, "u16": 65535, "f32": 1.0}


class Picture:
    """A photo, enlarged, with a little noise: gray or RGB, u8, u16 or f32, or a mask made of it.

    `mask` is what is brighter than 127 once the noise is smoothed away, `noisy mask` as it is;
    `... and mask` are for steps that take both; `objects` are gray u8 and the objects of its mask,
    `numbers` three times their numbers. `RGBA` has an opacity that is its red. `planes` are the
    three channels of RGB, each a gray picture.
    """

    def __init__(self, kind):
        self.kind = kind
        layout, *words = kind.split()
        self.sample = next((sample for sample in WHITES if sample in words), "u8")
        self.white = WHITES[self.sample]
        self.channels = CHANNELS.get(layout, 1)
        is_large = self.sample == "u8" and layout != "objects"
        self.width, self.height = self.size = LARGE if is_large else SMALL
        self.array = numpy.ascontiguousarray(self.drawn(layout))
        # What our program reads: a type and a file for each value.
        self.inputs = []
        if layout == "planes":
            for number, plane in enumerate(self.planes):
                self.give(self.sample, plane, number)
        elif layout not in ["mask", "noisy"]:
            self.give(self.sample, self.array)
        if words[-1:] == ["mask"] or layout == "mask":
            self.give("mask", self.mask)
        if layout == "objects":
            self.give("labels", self.labels)

    def drawn(self, layout):
        """The samples."""
        photo = Image.open(ROOT / "examples/data/coffee.png")
        photo = photo.convert("L" if self.channels == 1 else "RGB")
        photo = photo.resize(self.size, Image.Resampling.BICUBIC)
        samples = numpy.asarray(photo).reshape(self.height, self.width, -1)
        noise = numpy.random.default_rng(1).integers(-8, 9, (self.height, self.width, 1))
        samples = (samples + noise).clip(0, 255)
        if self.sample == "u16":
            samples = (samples * 257).astype(numpy.uint16)
        elif self.sample == "f32":
            samples = (samples / 255).astype(numpy.float32)
        else:
            samples = samples.astype(numpy.uint8)
        if layout == "RGBA":
            return numpy.dstack([samples, samples[:, :, 0]])
        if layout == "numbers":
            # The objects of the gray picture, with gaps.
            return (Picture("objects").labels * 3).astype(numpy.uint16)
        return samples if self.channels == 3 else samples[:, :, 0]

    def level(self, number):
        """A level of u8 in the unit of its samples."""
        return number * (self.white / 255)

    def give(self, sort, array, number=0):
        """Makes an array an input of our program."""
        path = PLACE / f"{self.kind.replace(' ', '-')}-{sort}-{number}.raw"
        array.tofile(path)
        self.inputs += [sort, path]

    @cached_property
    def planes(self):
        """The channels, each by itself."""
        return [numpy.ascontiguousarray(self.array[:, :, channel]) for channel in range(3)]

    @cached_property
    def mask(self):
        """What is bright, as 0 and 1."""
        is_color = self.channels == 3
        gray = cv2.cvtColor(self.array, cv2.COLOR_RGB2GRAY) if is_color else self.array
        smooth = gray if self.kind == "noisy mask" else cv2.GaussianBlur(gray, (0, 0), 2.0)
        return (smooth > self.level(127)).astype(numpy.uint8)

    @cached_property
    def labels(self):
        """The objects of the mask."""
        return skimage.measure.label(self.mask, connectivity=2).astype(numpy.int32)

    @cached_property
    def color(self):
        """The picture in three channels."""
        return numpy.dstack([self.array] * 3) if self.channels == 1 else self.array

    @cached_property
    def vips(self):
        """The picture for libvips."""
        return pyvips.Image.new_from_array(self.array)

    @cached_property
    def pillow(self):
        """The picture for Pillow."""
        return Image.fromarray(self.array)

    @cached_property
    def buffers(self):
        """Two arrays of its size, for peers that use them in turn."""
        return numpy.empty_like(self.array), numpy.empty_like(self.array)
