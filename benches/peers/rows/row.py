"""A row of the table: an operation, the pictures it is made on, and what its peers do on them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy

from pictures import WHITES


@dataclass(frozen=True)
class Peer:
    """What another program does on a picture.

    If its result must be ours, `result` makes of it the array of samples, or the columns of
    numbers, that ours is, and `by` is how far samples may differ: integers by so much, floats by
    so many 100000ths of white. `samples` are the types of samples that it takes.
    """

    name: str
    run: Callable
    result: Callable | None = None
    by: int = 0
    samples: tuple = tuple(WHITES)


@dataclass(frozen=True)
class Row:
    """Our step, with parameters or with a function that makes them of a picture, and its peers.

    `step` is the name of one, or a list of names and parameters of some in a row.
    """

    name: str
    kinds: list
    step: str | list
    params: dict | Callable
    peers: list

    def names(self):
        """The names of the steps."""
        return [self.step] if isinstance(self.step, str) else [name for name, _ in self.step]

    def steps(self, picture):
        """The steps with their parameters for a picture."""
        if isinstance(self.step, list):
            return self.step
        return [[self.step, self.params(picture) if callable(self.params) else self.params]]


numpy_alone = partial(Peer, "NumPy")
scipy = partial(Peer, "SciPy")
scikit = partial(Peer, "scikit-image")


def opencv(run, result=None, by=0, samples=tuple(WHITES), how=""):
    """What OpenCV makes of a picture; `how`, if there are several ways."""
    return Peer(f"OpenCV, {how}" if how else "OpenCV", run, result, by, samples)


def libvips(run, result=None, by=0, samples=tuple(WHITES)):
    """What libvips makes of its image."""
    return Peer("libvips", lambda p: run(p.vips).numpy(), result, by, samples)


def pillow(run, result=None, by=0, samples=("u8",)):
    """What Pillow makes of its image, of samples of u8 if nothing else is said."""
    return Peer("Pillow", lambda p: run(p.pillow), result, by, samples)


def equal(result):
    """The result as it is."""
    return numpy.asarray(result)


def as_mask(result):
    """What is not 0, as a mask."""
    return (numpy.asarray(result) != 0).view(numpy.uint8)


def as_labels(result):
    """Numbers of objects as ours are."""
    return result.astype(numpy.uint32)


def constant(value):
    """A number for each of the four channels that OpenCV adds or compares at most."""
    return (float(value),) * 4
