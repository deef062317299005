"""Compares chains from file to file with libvips, and prints one table.

    python3 benches/peers/files.py [--turns 7] [--large]

The chain of the benchmark that libvips publishes: a picture of 5000 x 5000 pixels is opened, loses
100 pixels on each side, is shrunk by a tenth with linear interpolation, sharpened with a matrix of
3 x 3, and saved; as TIFF and as JPEG, on one thread and on two. `--large` adds a TIFF file of
30000 x 30000 pixels through a chain of five steps. Each run is a process of its own, in turn with
that of libvips. Time is that of the chain alone, without the start of the program; memory is what
the process has at most beyond what it had before the chain. Figures are medians.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys

from common import PLACE, ROOT, build, install

MATRIX = [[-1, -1, -1], [-1, 16, -1], [-1, -1, -1]]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=7, help="how often the programs take turns")
    parser.add_argument("--large", action="store_true", help="also a picture of 900 megapixels")
    parser.add_argument("--chain", nargs=4, help="run libvips once: input, output, side, gain")
    return parser.parse_args()


def picture(side, path):
    """A photo, enlarged, as a tiled TIFF file or as JPEG."""
    import pyvips

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


def resident(name):
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(name))


def chain(source, target, side, gain):
    """Runs the chain with libvips; prints time, processor time and memory."""
    import time

    import pyvips

    side = int(side)
    before = resident("VmRSS")
    start, busy = time.perf_counter_ns(), time.process_time_ns()
    image = pyvips.Image.new_from_file(source, access="sequential")
    image = image.crop(100, 100, side - 200, side - 200)
    image = image.reduce(1 / 0.9, 1 / 0.9, kernel="linear")
    image = image.conv(pyvips.Image.new_from_array(MATRIX, scale=8), precision="integer")
    if gain == "1":
        image = image.linear(1.1, 0).cast("uchar")
    image.write_to_file(target)
    times = (time.perf_counter_ns() - start, time.process_time_ns() - busy)
    print(*times, resident("VmHWM") - before)


def run(command):
    lines = subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True
    ).stdout.split()
    return [int(number) for number in lines]


def main():
    install()
    options = arguments()
    if options.chain:
        chain(*options.chain)
        return
    program = build("pipeline")
    print("| chain | threads | ours | libvips | time | ours | libvips | memory |")
    print("|---|---|---|---|---|---|---|---|")
    cases = [(5000, "tif", False, 1), (5000, "tif", False, 2), (5000, "jpg", False, 1), (5000, "jpg", False, 2)]
    if options.large:
        cases += [(30000, "tif", True, 1), (30000, "tif", True, 2)]
    for side, kind, gain, threads in cases:
        source = PLACE / f"{side}.{kind}"
        picture(side, source)
        os.environ["VIPS_CONCURRENCY"] = str(threads)
        own, other = PLACE / f"ours.{kind}", PLACE / f"theirs.{kind}"
        commands = [
            [program, pipeline(side, source, own, gain), threads],
            [sys.executable, __file__, "--chain", source, other, side, int(gain)],
        ]
        figures = [[], []]
        for _ in range(options.turns if side < 10000 else 3):
            for command, measured in zip(commands, figures):
                # What the one before has written goes to the disk first.
                os.sync()
                measured.append(run(command))
        (time, _, memory), (their_time, _, their_memory) = [
            [statistics.median(column) for column in zip(*measured)] for measured in figures
        ]
        print(
            f"| {side} × {side} {kind} | {threads} | {time / 1e6:.0f} ms | {their_time / 1e6:.0f} ms "
            f"| {time / their_time:.2f} | {memory / 2**20:.0f} MiB | {their_memory / 2**20:.0f} MiB "
            f"| {memory / their_memory:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
