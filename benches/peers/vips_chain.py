"""The chain of `files.py` by libvips, in a process of its own.

    vips_chain.py INPUT OUTPUT SIDE GAIN

prints the time that passed and the processor time in nanoseconds, and bytes of memory.
"""

import sys
import time

import pyvips

MATRIX = [[-1, -1, -1], [-1, 16, -1], [-1, -1, -1]]


def resident(name):
    """Bytes that the process has, or had at most, by the name that Linux has for it."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith(name))


def main(source, target, side, gain):
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


if __name__ == "__main__":
    main(*sys.argv[1:])
