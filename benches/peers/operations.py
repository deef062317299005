"""Compares single operations with OpenCV, libvips, Pillow and scikit-image, and prints one table.

    python3 benches/peers/operations.py [--threads 1] [--repeats 5] [--turns 3] [NAME ...]

The peers are installed into `target/peers` on the first run, in the versions of requirements.txt.
Every operation runs on the same pictures, in turn with its peers, on the same number of threads.
Figures are medians of processor time on all threads, which a busy machine disturbs least; with more
than one thread they are medians of the time that passed. `ratio` is our time divided by that of the
fastest peer: below 1 we are faster. Results are compared nowhere here; the golden files of
`pipeline-ops` do that.
"""

import argparse
import os
import statistics
import subprocess
import time

from common import PLACE, ROOT, build, install


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only operations whose name contains one of these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="runs in a row")
    parser.add_argument("--turns", type=int, default=3, help="how often programs take turns")
    return parser.parse_args()


class Picture:
    """A picture of one kind: gray or RGB, u8, u16 or f32."""

    def __init__(self, kind):
        import numpy
        from PIL import Image

        self.kind = kind
        self.sample = kind.split(" ")[1]
        channels = 3 if kind.startswith("RGB") else 1
        # 24 megapixels of u8, 4 of the others: a photo, enlarged, with a little noise.
        self.width, self.height = (6000, 4000) if self.sample == "u8" else (2500, 1600)
        photo = Image.open(ROOT / "examples/data/coffee.png").convert("RGB" if channels == 3 else "L")
        photo = photo.resize((self.width, self.height), Image.Resampling.BICUBIC)
        noise = numpy.random.default_rng(1).integers(-8, 9, (self.height, self.width, 1))
        samples = numpy.asarray(photo).reshape(self.height, self.width, channels) + noise
        samples = samples.clip(0, 255)
        if self.sample == "u16":
            samples = (samples * 257).astype(numpy.uint16)
        elif self.sample == "f32":
            samples = (samples / 255).astype(numpy.float32)
        else:
            samples = samples.astype(numpy.uint8)
        self.channels = channels
        self.array = numpy.ascontiguousarray(samples if channels == 3 else samples[:, :, 0])
        self.path = PLACE / (kind.replace(" ", "-") + ".raw")
        self.array.tofile(self.path)

    @property
    def white(self):
        return {"u8": 255, "u16": 65535, "f32": 1.0}[self.sample]


def operations(threads):
    """Name, kinds, our step with parameters, and what the peers do on a picture."""
    import cv2
    import numpy
    import pyvips
    import skimage.feature
    import skimage.filters
    from PIL import Image, ImageFilter, ImageOps

    cv2.setNumThreads(threads)

    def vips(picture):
        image = pyvips.Image.new_from_array(picture.array)
        return image

    def square(side):
        return numpy.ones((side, side), numpy.uint8)

    def affine(picture, angle):
        middle = ((picture.width - 1) / 2, (picture.height - 1) / 2)
        matrix = cv2.getRotationMatrix2D(middle, -angle, 1)
        size = (picture.width, picture.height)
        return lambda: cv2.warpAffine(picture.array, matrix, size, flags=cv2.INTER_LINEAR)

    def gauss(sigma):
        def peers(picture):
            yield "OpenCV", lambda: cv2.GaussianBlur(
                picture.array, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE
            )
            image = vips(picture)
            yield "libvips", lambda: image.gaussblur(sigma, min_ampl=0.01).write_to_memory()
            if picture.sample == "u8":
                pillow = Image.fromarray(picture.array)
                yield "Pillow", lambda: pillow.filter(ImageFilter.GaussianBlur(sigma))

        return peers

    def opencv(function):
        def peers(picture):
            yield "OpenCV", lambda: function(picture)

        return peers

    def gamma(picture):
        table = (numpy.arange(256) / 255) ** (1 / 2.2) * 255
        table = table.round().astype(numpy.uint8)
        yield "OpenCV", lambda: cv2.LUT(picture.array, table)
        image, pillow = vips(picture), Image.fromarray(picture.array)
        yield "libvips", lambda: image.maplut(pyvips.Image.new_from_array(table.reshape(1, 256))).write_to_memory()
        points = list(table) * picture.channels
        yield "Pillow", lambda: pillow.point(points)

    def half(picture):
        size = (picture.width // 2, picture.height // 2)
        yield "OpenCV", lambda: cv2.resize(picture.array, size, interpolation=cv2.INTER_AREA)
        image = vips(picture)
        yield "libvips", lambda: image.shrink(2, 2).write_to_memory()
        if picture.sample == "u8":
            pillow = Image.fromarray(picture.array)
            yield "Pillow", lambda: pillow.resize(size, Image.Resampling.BOX)

    def lanczos(picture):
        size = (picture.width // 2, picture.height // 2)
        image = vips(picture)
        yield "libvips", lambda: image.resize(0.5, kernel="lanczos3").write_to_memory()
        if picture.sample == "u8":
            pillow = Image.fromarray(picture.array)
            yield "Pillow", lambda: pillow.resize(size, Image.Resampling.LANCZOS)

    def canny(picture):
        yield "OpenCV", lambda: cv2.Canny(
            cv2.GaussianBlur(picture.array, (0, 0), 1.4), 100, 300, L2gradient=True
        )
        limits = {"low_threshold": 25 / 255, "high_threshold": 75 / 255}
        yield "scikit-image", lambda: skimage.feature.canny(picture.array, 1.4, **limits)

    def otsu(picture):
        binary = cv2.THRESH_BINARY | cv2.THRESH_OTSU
        yield "OpenCV", lambda: cv2.threshold(picture.array, 0, 1, binary)
        yield "scikit-image", lambda: picture.array > skimage.filters.threshold_otsu(picture.array)

    def equalize(picture):
        yield "OpenCV", lambda: cv2.equalizeHist(picture.array)
        pillow = Image.fromarray(picture.array)
        yield "Pillow", lambda: ImageOps.equalize(pillow)

    both, everything = ["gray u8", "RGB u8"], ["gray u8", "RGB u8", "gray u16", "gray f32"]
    replicate = {"borderType": cv2.BORDER_REPLICATE}
    return [
        ("gaussian σ 2", everything, "gaussian_blur", lambda p: '{"sigma": 2.0}', gauss(2.0)),
        ("gaussian σ 20", both, "gaussian_blur", lambda p: '{"sigma": 20.0}', gauss(20.0)),
        ("box 5 × 5", everything, "box_blur", lambda p: '{"radius": 2}',
         opencv(lambda p: cv2.blur(p.array, (5, 5), **replicate))),
        ("box 41 × 41", everything, "box_blur", lambda p: '{"radius": 20}',
         opencv(lambda p: cv2.blur(p.array, (41, 41), **replicate))),
        ("median 3 × 3", everything, "median", lambda p: '{"radius": 1}',
         opencv(lambda p: cv2.medianBlur(p.array, 3))),
        ("median 5 × 5", everything, "median", lambda p: '{"radius": 2}',
         opencv(lambda p: cv2.medianBlur(p.array, 5))),
        ("median 21 × 21", both, "median", lambda p: '{"radius": 10}',
         opencv(lambda p: cv2.medianBlur(p.array, 21))),
        ("erode 5 × 5", everything, "erode", lambda p: '{"radius": 2}',
         opencv(lambda p: cv2.erode(p.array, square(5)))),
        ("erode 41 × 41", everything, "erode", lambda p: '{"radius": 20}',
         opencv(lambda p: cv2.erode(p.array, square(41)))),
        ("opening 11 × 11", both, "opening", lambda p: '{"radius": 5}',
         opencv(lambda p: cv2.morphologyEx(p.array, cv2.MORPH_OPEN, square(11)))),
        ("sobel x", both, "sobel", lambda p: '{"output": "x"}',
         opencv(lambda p: cv2.Sobel(p.array, cv2.CV_32F, 1, 0))),
        ("bilateral radius 4", both, "bilateral",
         lambda p: '{"radius": 4, "sigma_space": 3.0, "sigma_range": 25.0}',
         opencv(lambda p: cv2.bilateralFilter(p.array, 9, 25.0, 3.0))),
        ("canny", ["gray u8"], "canny", lambda p: '{"sigma": 1.4, "low": 25.0, "high": 75.0}', canny),
        ("grayscale", ["RGB u8"], "grayscale", lambda p: "{}",
         opencv(lambda p: cv2.cvtColor(p.array, cv2.COLOR_RGB2GRAY))),
        ("gamma", both, "gamma", lambda p: '{"gamma": 2.2}', gamma),
        ("to_hsv", ["RGB u8"], "to_hsv", lambda p: "{}",
         opencv(lambda p: cv2.cvtColor(p.array, cv2.COLOR_RGB2HSV_FULL))),
        ("to_lab", ["RGB u8"], "to_lab", lambda p: "{}",
         opencv(lambda p: cv2.cvtColor((p.array / 255).astype(numpy.float32), cv2.COLOR_RGB2LAB))),
        ("add", both, "arithmetic", lambda p: "{}", opencv(lambda p: cv2.add(p.array, p.array))),
        ("equalize", ["gray u8"], "equalize", lambda p: "{}", equalize),
        ("clahe", ["gray u8"], "clahe", lambda p: '{"clip": 2.0}',
         opencv(lambda p: cv2.createCLAHE(2.0, (8, 8)).apply(p.array))),
        ("otsu", ["gray u8"], "otsu", lambda p: "{}", otsu),
        ("threshold", ["gray u8"], "threshold", lambda p: "{}",
         opencv(lambda p: cv2.threshold(p.array, 127, 1, cv2.THRESH_BINARY))),
        ("half size, area", everything, "resize", lambda p: f'{{"width": {p.width // 2}, "filter": "area"}}', half),
        ("half size, lanczos", both, "resize", lambda p: f'{{"width": {p.width // 2}}}', lanczos),
        ("flip", both, "flip", lambda p: '{"axis": "horizontal"}', opencv(lambda p: cv2.flip(p.array, 1))),
        ("rotate 90°", both, "rotate90", lambda p: "{}",
         opencv(lambda p: cv2.rotate(p.array, cv2.ROTATE_90_CLOCKWISE))),
        ("rotate 17°", everything, "rotate", lambda p: '{"angle": 17.0}',
         lambda p: iter([("OpenCV", affine(p, 17.0))])),
    ]


def theirs(function, threads, repeats):
    """Times in nanoseconds."""
    clock = time.process_time_ns if threads == 1 else time.perf_counter_ns
    times = []
    for _ in range(repeats):
        start = clock()
        function()
        times.append(clock() - start)
    return times


def ours(program, picture, step, params, threads, repeats):
    """Times in nanoseconds."""
    size = [picture.width, picture.height, picture.channels, picture.sample]
    command = [program, step, params, picture.path, *size, threads, repeats + 1]
    lines = subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    # The first run makes what later ones have at hand, as the peers have since their import.
    return [int(line.split()[0 if threads == 1 else 1]) for line in lines[1:]]


def main():
    install()
    options = arguments()
    os.environ["VIPS_CONCURRENCY"] = str(options.threads)
    program = build("operation")
    print("| operation | picture | ours, Mpx/s | fastest peer, Mpx/s | peer | ratio |")
    print("|---|---|---|---|---|---|")
    pictures, ratios = {}, []
    for name, kinds, step, params, peers in operations(options.threads):
        if options.names and not any(part in name for part in options.names):
            continue
        for kind in kinds:
            if kind not in pictures:
                pictures[kind] = Picture(kind)
            picture = pictures[kind]
            competitors = dict(peers(picture))
            times = {who: [] for who in ["ours", *competitors]}
            for _ in range(options.turns):
                measured = ours(program, picture, step, params(picture), options.threads, options.repeats)
                times["ours"] += measured
                for who, function in competitors.items():
                    times[who] += theirs(function, options.threads, options.repeats)
            medians = {who: statistics.median(all_of) for who, all_of in times.items()}
            own = medians.pop("ours")
            fastest = min(medians, key=medians.get)
            speed = lambda time: picture.width * picture.height * 1e3 / time
            ratio = own / medians[fastest]
            ratios.append(ratio)
            print(
                f"| {name} | {kind} | {speed(own):.0f} | {speed(medians[fastest]):.0f} | {fastest} | {ratio:.2f} |",
                flush=True,
            )
    for limit in [1.0, 1.25]:
        print(f"\n{sum(ratio <= limit for ratio in ratios)} of {len(ratios)} at most {limit} ×")


if __name__ == "__main__":
    main()
