"""Chains from file to file beside libvips.

The chain of the benchmark that libvips publishes: a picture of 5000 x 5000 pixels is opened, loses
100 pixels on each side, is shrunk by a tenth with linear interpolation, sharpened with a matrix of
3 x 3, and saved; as TIFF and as JPEG, on one thread and on two. The large one is a TIFF file of
30000 x 30000 pixels through a chain of five steps. Each run is a process of its own, in turn with
that of libvips. Time is that of the chain alone, without the start of the program; memory is what
the process has at most beyond what it had before the chain. Figures are medians.
"""

import json
import os
import statistics
import subprocess
import sys

import pyvips

from common import PLACE, ROOT, build
from vips_chain import MATRIX

# A name, the side of the picture, the kind of file, and whether the chain has a step more.
CHAINS = [("TIFF from file to file", 5000, "tif", False),
          ("JPEG from file to file", 5000, "jpg", False)]
LARGE = ("large TIFF from file to file", 30000, "tif", True)
# How often programs take turns: at least with small pictures, and with a large one.
TURNS, LARGE_TURNS = 7, 3


def picture(side, path):
    """A photo, enlarged, as a tiled TIFF file or as JPEG."""
    if path.exists():
        return
    photo = pyvips.Image.new_from_file(str(ROOT / "examples/data/coffee.png"))[:3]
    large = photo.resize(side / photo.width, vscale=side / photo.height).crop(0, 0, side, side)
    options = {"tile": True} if path.suffix == ".tif" else {"Q": 90}
    large.write_to_file(str(path), **options)


def pipeline(side, source, target, gain):
    """The chain as a pipeline file."""
    small = round((side - 200) * 0.9)
    nodes = {
        "open": {"step": "open", "params": {"path": str(source), "max_bytes": 1 << 33}},
        "crop": {
            "step": "crop",
            "params": {"x": 100, "y": 100, "width": side - 200, "height": side - 200},
            "inputs": {"in": "open"},
        },
        "shrink": {
            "step": "resize",
            "params": {"width": small, "height": small, "filter": "bilinear"},
            "inputs": {"in": "crop"},
        },
        "sharpen": {
            "step": "convolve",
            "params": {"kernel": MATRIX, "divisor": 8},
            "inputs": {"in": "shrink"},
        },
        "gain": {"step": "gain", "params": {"factor": 1.1}, "inputs": {"in": "sharpen"}},
        "save": {"step": "save", "params": {"path": str(target), "quality": 75, "durable": False}},
    }
    if not gain:
        del nodes["gain"]
    nodes["save"]["inputs"] = {"in": "gain" if gain else "sharpen"}
    path = PLACE / "chain.json"
    path.write_text(json.dumps({"version": 1, "nodes": nodes}))
    return path


def run(command):
    lines = subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True
    ).stdout.split()
    return [int(number) for number in lines]


def measure(program, side, kind, gain, threads, turns):
    """Medians of time, processor time and memory: ours, and those of libvips."""
    source = PLACE / f"{side}.{kind}"
    picture(side, source)
    os.environ["VIPS_CONCURRENCY"] = str(threads)
    own, other = PLACE / f"ours.{kind}", PLACE / f"theirs.{kind}"
    peer = ROOT / "benches/peers/vips_chain.py"
    commands = [
        [program, pipeline(side, source, own, gain), threads],
        [sys.executable, peer, source, other, side, int(gain)],
    ]
    figures = [[], []]
    for _ in range(turns):
        for command, measured in zip(commands, figures):
            # What the one before has written goes to the disk first.
            os.sync()
            measured.append(run(command))
    return [[statistics.median(column) for column in zip(*measured)] for measured in figures]


def compare(is_wanted, options, notes):
    """The cells and the ratio of each row; what is to tell of all goes into the notes."""
    chains = [chain for chain in [*CHAINS, LARGE] if is_wanted(chain[0])]
    if not options.large and LARGE in chains:
        chains.remove(LARGE)
    program = build("pipeline") if chains else None
    for name, side, kind, gain in chains:
        turns = LARGE_TURNS if side == LARGE[1] else max(TURNS, options.turns)
        for threads in [1, 2]:
            what = f"{side} × {side}, {threads} thread{'s' if threads > 1 else ''}"
            own, other = measure(program, side, kind, gain, threads, turns)
            for figure, at, unit, size in [("time", 0, "ms", 1e6), ("memory", 2, "MiB", 2**20)]:
                cells = [f"{figures[at] / size:.0f} {unit}" for figures in (own, other)]
                yield [f"{name}, {figure}", what, *cells, "libvips"], own[at] / other[at]
