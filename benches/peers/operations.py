"""Single operations beside those of other programs.

Every operation runs on the same pictures, in turn with its peers, on the same number of threads.
Figures are megapixels per second, by medians of processor time on all threads, which a busy machine
disturbs least; with more than one thread by medians of the time that passed. The ratio is our time
divided by that of the fastest peer, each turn by itself, and of these the median. Where a peer's
result must be ours, it is compared, and what differs is told below the table; for the others there
are the golden files of `pipeline-ops`.
"""

import json
import os
import statistics
import subprocess
import time

import cv2
import numpy
import pyvips

from common import PLACE, build
from coverage import coverage
from pictures import Picture
from rows import ROWS

RESULT = PLACE / "result.raw"
# What takes longer in a turn is not repeated in it, in nanoseconds.
LONG = 2e9
# What takes less in a turn is repeated, as often as this at the most: our program does the same.
SHORT, MOST = 1e8, 50


def theirs(peer, picture, options):
    """Times in nanoseconds."""
    clock = time.process_time_ns if options.threads == 1 else time.perf_counter_ns
    times = []
    while len(times) <= options.repeats or (sum(times) < SHORT and len(times) < MOST):
        start = clock()
        peer.run(picture)
        times.append(clock() - start)
        if sum(times) > LONG:
            break
    # The first run makes what later ones have at hand.
    return times[1:] or times


def ours(program, picture, steps, options):
    """Times in nanoseconds; what came out is in the file `RESULT`."""
    command = [program, json.dumps(steps), *picture.size, options.threads, options.repeats + 1]
    command += [RESULT, *picture.inputs]
    lines = subprocess.run(
        [str(part) for part in command], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.splitlines()
    return [int(line.split()[0 if options.threads == 1 else 1]) for line in lines[1:]]


def difference(expected, by, white):
    """How the result of our last run differs from a peer's by more: what to tell, or nothing."""
    if isinstance(expected, dict):
        table = numpy.genfromtxt(RESULT, delimiter=",", names=True)
        near = {"rtol": 1e-6, "atol": 1e-6}
        far = [name for name in expected if not numpy.allclose(table[name], expected[name], **near)]
        return f"in {', '.join(far)}" if far else ""
    result = numpy.fromfile(RESULT, expected.dtype)
    if result.size != expected.size:
        return f"{result.size} samples, not {expected.size}"
    result = result.reshape(expected.shape)
    if expected.dtype.kind == "f":
        # They may be rounded another way.
        far = ~numpy.isclose(result, expected, rtol=1e-6, atol=by * 1e-5 * white)
    else:
        far = numpy.maximum(result, expected) - numpy.minimum(result, expected) > by
    return f"{far.sum()} samples of {far.size}" if far.any() else ""


def measure(program, row, picture, options):
    """Our medians and those of each peer, one for each turn, and what differs."""
    peers = [peer for peer in row.peers if picture.sample in peer.samples]
    own, others, told = [], {peer.name: [] for peer in peers}, []
    for turn in range(options.turns):
        own.append(statistics.median(ours(program, picture, row.steps(picture), options)))
        for peer in peers:
            if turn == 0 and peer.result:
                differs = difference(peer.result(peer.run(picture)), peer.by, picture.white)
                told += [f"{row.name}, {picture.kind}, {peer.name}: {differs}"] if differs else []
            others[peer.name].append(statistics.median(theirs(peer, picture, options)))
    return own, others, told


def compare(is_wanted, options, notes):
    """The cells and the ratio of each row; what is to tell of all goes into the notes."""
    os.environ["VIPS_CONCURRENCY"] = str(options.threads)
    cv2.setNumThreads(options.threads)
    pyvips.cache_set_max(0)
    notes.append(coverage(ROWS))
    wanted = [row for row in ROWS if is_wanted(row.name)]
    program = build("operation") if wanted else None
    pictures = {}
    for row in wanted:
        for kind in row.kinds:
            if kind not in pictures:
                pictures[kind] = Picture(kind)
            picture = pictures[kind]
            own, others, differences = measure(program, row, picture, options)
            notes += [f"Differs: {told}" for told in differences]
            by_peer = {
                peer: statistics.median(our / their for our, their in zip(own, times))
                for peer, times in others.items()
            }
            fastest = max(by_peer, key=by_peer.get)
            speeds = [
                f"{picture.width * picture.height * 1e3 / statistics.median(times):.0f} Mpx/s"
                for times in (own, others[fastest])
            ]
            yield [row.name, kind, *speeds, fastest], by_peer[fastest]
