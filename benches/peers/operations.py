"""Compares single operations with OpenCV, libvips, Pillow and scikit-image, and prints one table.

    python3 benches/peers/operations.py [--threads 1] [--repeats 5] [--turns 3] [NAME ...]

The peers are installed into `target/peers` on the first run, in the versions of requirements.txt.
Every operation runs on the same pictures, in turn with its peers, on the same number of threads.
Figures are medians of processor time on all threads, which a busy machine disturbs least; with more
than one thread they are medians of the time that passed. `ratio` is our time divided by that of the
fastest peer: below 1 we are faster. Where a peer's result must be ours, it is compared, and what
differs is told below the table; for the others there are the golden files of `pipeline-ops`.
"""

import argparse
import json
import os
import statistics
import subprocess
import time

from common import PLACE, ROOT, build, install

RESULT = PLACE / "result.raw"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="only operations whose name contains one of these")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=5, help="runs in a row")
    parser.add_argument("--turns", type=int, default=3, help="how often programs take turns")
    return parser.parse_args()


class Picture:
    """A photo, enlarged, with a little noise: gray or RGB, u8, u16 or f32, or a mask made of it.

    `mask` is what is brighter than 127 once the noise is smoothed away, `noisy mask` as it is;
    `RGB and mask` are for steps that take both; `objects` are gray u8 and the objects of its mask.
    """

    def __init__(self, kind):
        import cv2
        import numpy
        import skimage.measure
        from PIL import Image

        self.kind = kind
        self.sample = next((sample for sample in ["u16", "f32"] if sample in kind), "u8")
        self.channels = 3 if kind.startswith("RGB") else 1
        # 24 megapixels of u8 and of masks, 4 of what takes longer.
        is_large = self.sample == "u8" and kind != "objects"
        self.width, self.height = (6000, 4000) if is_large else (2500, 1600)
        photo = Image.open(ROOT / "examples/data/coffee.png")
        photo = photo.convert("RGB" if self.channels == 3 else "L")
        photo = photo.resize((self.width, self.height), Image.Resampling.BICUBIC)
        noise = numpy.random.default_rng(1).integers(-8, 9, (self.height, self.width, 1))
        samples = numpy.asarray(photo).reshape(self.height, self.width, self.channels) + noise
        samples = samples.clip(0, 255)
        if self.sample == "u16":
            samples = (samples * 257).astype(numpy.uint16)
        elif self.sample == "f32":
            samples = (samples / 255).astype(numpy.float32)
        else:
            samples = samples.astype(numpy.uint8)
        self.array = numpy.ascontiguousarray(samples if self.channels == 3 else samples[:, :, 0])

        gray = cv2.cvtColor(self.array, cv2.COLOR_RGB2GRAY) if self.channels == 3 else self.array
        smooth = gray if kind == "noisy mask" else cv2.GaussianBlur(gray, (0, 0), 2.0)
        self.mask = (smooth > 127).astype(numpy.uint8)
        # What our program reads: a type and a file for each value.
        self.inputs = []
        if not kind.endswith("mask") or kind.startswith("RGB"):
            self.give(self.sample, self.array)
        if kind.endswith("mask"):
            self.give("mask", self.mask)
        if kind == "objects":
            self.labels = skimage.measure.label(self.mask, connectivity=2).astype(numpy.int32)
            self.give("labels", self.labels)

    def give(self, sort, array):
        path = PLACE / f"{self.kind.replace(' ', '-')}-{sort}.raw"
        array.tofile(path)
        self.inputs += [sort, path]

    @property
    def white(self):
        return {"u8": 255, "u16": 65535, "f32": 1.0}[self.sample]


def operations(threads):
    """Name, kinds, our step with parameters, and what the peers do on a picture.

    A peer has a name and a function. If its result must be ours, a third thing makes it the array
    of samples, or the columns of numbers, that ours is, and a fourth is how far samples may differ.
    """
    import cv2
    import numpy
    import pyvips
    import scipy.ndimage
    import skimage.exposure
    import skimage.feature
    import skimage.filters
    import skimage.measure
    import skimage.morphology
    import skimage.segmentation
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

    def opencv(function, *same):
        def peers(picture):
            yield "OpenCV", lambda: function(picture), *same

        return peers

    def equal(result):
        return result

    def as_mask(result):
        return result.astype(numpy.uint8)

    def as_labels(result):
        return result.astype(numpy.uint32)

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
        yield "OpenCV", lambda: cv2.threshold(picture.array, 0, 1, binary)[1], equal
        level = skimage.filters.threshold_otsu
        yield "scikit-image", lambda: picture.array > level(picture.array), as_mask

    def equalize(picture):
        yield "OpenCV", lambda: cv2.equalizeHist(picture.array)
        pillow = Image.fromarray(picture.array)
        yield "Pillow", lambda: ImageOps.equalize(pillow)
        yield "scikit-image", lambda: skimage.exposure.equalize_hist(picture.array), (
            lambda result: (result * 255).round().astype(numpy.uint8)
        )

    def label(picture):
        def algorithm(name):
            return lambda: cv2.connectedComponentsWithAlgorithm(picture.mask, 8, cv2.CV_32S, name)

        # The others number objects by blocks of pixels.
        yield "OpenCV, SAUF", algorithm(cv2.CCL_SAUF), lambda result: as_labels(result[1])
        yield "OpenCV, Spaghetti", algorithm(cv2.CCL_SPAGHETTI)
        yield "OpenCV, BBDT", algorithm(cv2.CCL_GRANA)
        yield "scikit-image", lambda: skimage.measure.label(picture.mask, connectivity=2), as_labels

    def properties(picture):
        # Ours always measures all of it.
        theirs = ["label", "area", "bbox", "centroid", "moments_central", "axis_major_length"]
        theirs += ["axis_minor_length", "eccentricity", "orientation", "perimeter"]
        theirs += ["equivalent_diameter_area"]
        theirs += ["intensity_min", "intensity_max", "intensity_mean", "intensity_std"]

        def measure():
            return skimage.measure.regionprops_table(picture.labels, picture.array, properties=theirs)

        names = {"label": "label", "area": "area", "bbox-1": "x", "bbox-0": "y"}
        names |= {"centroid-1": "centroid_x", "axis_major_length": "major_axis"}
        names |= {"perimeter": "perimeter", "intensity_mean": "mean", "intensity_std": "std"}
        yield "scikit-image", measure, lambda table: {ours: table[name] for name, ours in names.items()}

    def watershed(picture):
        flood = skimage.segmentation.watershed
        yield "scikit-image", lambda: flood(picture.array, picture.labels), as_labels
        # By differences of colours, and with lines between the objects.
        color = numpy.dstack([picture.array] * 3)
        yield "OpenCV", lambda: cv2.watershed(color, picture.labels.copy())

    def distance(picture):
        precise = cv2.DIST_MASK_PRECISE
        yield "OpenCV", lambda: cv2.distanceTransform(picture.mask, cv2.DIST_L2, precise), equal
        edt = scipy.ndimage.distance_transform_edt
        yield "SciPy", lambda: edt(picture.mask), lambda result: result.astype(numpy.float32)

    def fill_holes(picture):
        def flood():
            # The background that reaches the edge, by way of a frame around the picture.
            framed = cv2.copyMakeBorder(picture.mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
            cv2.floodFill(framed, None, (0, 0), 2)
            return (framed[1:-1, 1:-1] != 2).view(numpy.uint8)

        yield "OpenCV", flood, equal
        yield "SciPy", lambda: scipy.ndimage.binary_fill_holes(picture.mask), as_mask

    def remove_small(picture):
        def by_area():
            _, labels, stats, _ = cv2.connectedComponentsWithStats(picture.mask, connectivity=8)
            is_large = (stats[:, cv2.CC_STAT_AREA] > 64).astype(numpy.uint8)
            is_large[0] = 0
            return is_large[labels]

        yield "OpenCV", by_area, equal
        mask, remove = picture.mask.astype(bool), skimage.morphology.remove_small_objects
        yield "scikit-image", lambda: remove(mask, max_size=64, connectivity=2), as_mask

    def skeleton(picture):
        yield "scikit-image", lambda: skimage.morphology.skeletonize(picture.mask), as_mask

    def expand(picture):
        grow = skimage.segmentation.expand_labels
        yield "scikit-image", lambda: grow(picture.labels, 10), as_labels

    def erode_mask(picture):
        yield "OpenCV", lambda: cv2.erode(picture.mask, square(5)), equal

    def chain(picture):
        """Eight operations on pixels and two on neighbourhoods."""
        ramp = numpy.arange(256) / 255
        table = lambda curve: (curve * 255).round().astype(numpy.uint8)
        gamma, curve = table(ramp ** (1 / 1.2)), table(numpy.interp(ramp, [0, 1 / 3, 2 / 3, 1], [0, 0.3, 0.7, 1]))
        # Factor and summand of each that is linear.
        gain, dark, scalar = (1.1, 0.0), (0.9, 0.0), (1.0, 3.0)
        levels = (1 / (0.95 - 0.02), -0.02 * 255 / (0.95 - 0.02))
        contrast = (1.1, (0.5 + 0.05 - 0.5 * 1.1) * 255)
        # Two images in turn, so that none is allocated.
        first, second = numpy.empty_like(picture.array), numpy.empty_like(picture.array)

        def opencv():
            def line(source, target, by):
                return cv2.addWeighted(source, by[0], source, 0.0, by[1], dst=target)

            line(picture.array, first, gain)
            cv2.LUT(first, gamma, dst=second)
            line(second, first, levels)
            cv2.GaussianBlur(first, (0, 0), 1.0, dst=second, borderType=cv2.BORDER_REPLICATE)
            line(second, first, contrast)
            line(first, second, scalar)
            cv2.blur(second, (5, 5), dst=first, borderType=cv2.BORDER_REPLICATE)
            cv2.LUT(first, curve, dst=second)
            line(second, first, dark)
            return cv2.bitwise_not(first, dst=second)

        yield "OpenCV", opencv, equal, 2
        image = vips(picture)
        square_of_ones = pyvips.Image.new_from_array([[1] * 5] * 5, scale=25)
        tables = [pyvips.Image.new_from_array(one.reshape(1, 256)) for one in [gamma, curve]]

        def libvips():
            out = image.linear(*gain, uchar=True).maplut(tables[0]).linear(*levels, uchar=True)
            out = out.gaussblur(1.0, min_ampl=0.01).linear(*contrast, uchar=True)
            out = out.linear(*scalar, uchar=True).conv(square_of_ones, precision="integer")
            return out.maplut(tables[1]).linear(*dark, uchar=True).invert().write_to_memory()

        # It cuts off where others round.
        as_samples = lambda result: numpy.frombuffer(result, numpy.uint8).reshape(picture.array.shape)
        yield "libvips", libvips, as_samples, 4

    chained = [
        ["gain", {"factor": 1.1}],
        ["gamma", {"gamma": 1.2}],
        ["levels", {"in_black": 0.02, "in_white": 0.95}],
        ["gaussian_blur", {"sigma": 1.0}],
        ["brightness_contrast", {"brightness": 0.05, "contrast": 1.1}],
        ["scalar", {"value": 3.0}],
        ["box_blur", {"radius": 2}],
        ["lookup", {"table": [0.0, 0.3, 0.7, 1.0]}],
        ["gain", {"factor": 0.9}],
        ["invert", {}],
    ]
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
         opencv(lambda p: cv2.medianBlur(p.array, 3), equal)),
        ("median 5 × 5", everything, "median", lambda p: '{"radius": 2}',
         opencv(lambda p: cv2.medianBlur(p.array, 5), equal)),
        ("median 21 × 21", both, "median", lambda p: '{"radius": 10}',
         opencv(lambda p: cv2.medianBlur(p.array, 21), equal)),
        ("erode 5 × 5", everything, "erode", lambda p: '{"radius": 2}',
         opencv(lambda p: cv2.erode(p.array, square(5)), equal)),
        ("erode 41 × 41", everything, "erode", lambda p: '{"radius": 20}',
         opencv(lambda p: cv2.erode(p.array, square(41)), equal)),
        ("opening 11 × 11", both, "opening", lambda p: '{"radius": 5}',
         opencv(lambda p: cv2.morphologyEx(p.array, cv2.MORPH_OPEN, square(11)), equal)),
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
        ("add", both, "arithmetic", lambda p: "{}", opencv(lambda p: cv2.add(p.array, p.array), equal)),
        ("equalize", ["gray u8"], "equalize", lambda p: "{}", equalize),
        ("clahe", ["gray u8"], "clahe", lambda p: '{"clip": 2.0}',
         opencv(lambda p: cv2.createCLAHE(2.0, (8, 8)).apply(p.array), equal)),
        ("otsu", ["gray u8"], "otsu", lambda p: "{}", otsu),
        ("threshold", ["gray u8"], "threshold", lambda p: "{}",
         opencv(lambda p: cv2.threshold(p.array, 127, 1, cv2.THRESH_BINARY)[1], equal)),
        ("half size, area", everything, "resize", lambda p: f'{{"width": {p.width // 2}, "filter": "area"}}', half),
        ("half size, lanczos", both, "resize", lambda p: f'{{"width": {p.width // 2}}}', lanczos),
        ("flip", both, "flip", lambda p: '{"axis": "horizontal"}', opencv(lambda p: cv2.flip(p.array, 1), equal)),
        ("rotate 90°", both, "rotate90", lambda p: "{}",
         opencv(lambda p: cv2.rotate(p.array, cv2.ROTATE_90_CLOCKWISE), equal)),
        ("rotate 17°", everything, "rotate", lambda p: '{"angle": 17.0}',
         lambda p: iter([("OpenCV", affine(p, 17.0))])),
        ("apply mask", ["RGB and mask"], "apply_mask", lambda p: "{}",
         opencv(lambda p: cv2.copyTo(p.array, p.mask), equal)),
        ("erode mask 5 × 5", ["mask"], "erode_mask", lambda p: '{"radius": 2}', erode_mask),
        ("fill holes", ["mask", "noisy mask"], "fill_holes", lambda p: "{}", fill_holes),
        ("remove small objects", ["mask", "noisy mask"], "remove_small_objects", lambda p: "{}",
         remove_small),
        ("label", ["mask", "noisy mask"], "connected_components", lambda p: "{}", label),
        ("distance", ["mask"], "distance_transform", lambda p: "{}", distance),
        ("skeleton", ["mask"], "skeleton", lambda p: "{}", skeleton),
        ("region properties", ["objects"], "region_properties", lambda p: "{}", properties),
        ("watershed", ["objects"], "watershed", lambda p: "{}", watershed),
        ("expand labels", ["objects"], "expand_labels", lambda p: '{"distance": 10.0}', expand),
        ("chain of 10", ["RGB u8"], chained, None, chain),
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


def ours(program, picture, steps, threads, repeats):
    """Times in nanoseconds; what came out is in the file `RESULT`."""
    command = [program, json.dumps(steps), picture.width, picture.height, threads, repeats + 1]
    command += [RESULT, *picture.inputs]
    lines = subprocess.run(
        [str(part) for part in command], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    # The first run makes what later ones have at hand, as the peers have since their import.
    return [int(line.split()[0 if threads == 1 else 1]) for line in lines[1:]]


def difference(expected, by=0):
    """How the result of our last run differs from a peer's by more: what to tell, or nothing."""
    import numpy

    if isinstance(expected, dict):
        table = numpy.genfromtxt(RESULT, delimiter=",", names=True)
        far = [name for name in expected if not numpy.allclose(table[name], expected[name], 1e-6, 1e-6)]
        return f"in {', '.join(far)}" if far else ""
    result = numpy.fromfile(RESULT, expected.dtype)
    if result.size != expected.size:
        return f"{result.size} samples, not {expected.size}"
    result = result.reshape(expected.shape)
    # Floats may be rounded another way.
    is_float = expected.dtype.kind == "f"
    far = ~numpy.isclose(result, expected, 1e-6 * is_float, by)
    return f"{far.sum()} samples of {far.size}" if far.any() else ""


def main():
    install()
    options = arguments()
    os.environ["VIPS_CONCURRENCY"] = str(options.threads)
    program = build("operation")
    print("| operation | picture | ours, Mpx/s | fastest peer, Mpx/s | peer | ratio |")
    print("|---|---|---|---|---|---|")
    pictures, ratios, differences = {}, [], []
    for name, kinds, step, params, peers in operations(options.threads):
        if options.names and not any(part in name for part in options.names):
            continue
        for kind in kinds:
            if kind not in pictures:
                pictures[kind] = Picture(kind)
            picture = pictures[kind]
            steps = [[step, json.loads(params(picture))]] if params else step
            competitors = {who: rest for who, *rest in peers(picture)}
            times = {who: [] for who in ["ours", *competitors]}
            for turn in range(options.turns):
                times["ours"] += ours(program, picture, steps, options.threads, options.repeats)
                for who, (function, *check) in competitors.items():
                    if turn == 0 and check:
                        as_ours, *by = check
                        told = difference(as_ours(function()), *by)
                        differences += [f"{name}, {kind}, {who}: {told}"] if told else []
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
    for told in differences:
        print(f"\nDiffers: {told}")


if __name__ == "__main__":
    main()
