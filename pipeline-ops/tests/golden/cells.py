"""What is behind cells, by NumPy and SciPy."""

import numpy as np
from scipy import interpolate, ndimage


def cases(golden):
    backgrounds(golden)
    features(golden)
    sums(golden)
    overlaps(golden)


def overlaps(golden):
    for first, second in [("camera_labels", "camera_objects"), ("micro_labels", "micro_objects"),
                          ("gradient_objects", "gradient_labels"), ("row_objects", "row_labels"),
                          ("special_labels", "special_objects")]:
        pairs = np.stack([golden.INPUTS[name].astype(int).ravel() for name in [first, second]], 1)
        found, counts = np.unique(pairs[pairs.any(axis=1)], axis=0, return_counts=True)
        golden.case("label_overlaps", {}, [first, second],
                    np.column_stack([found, counts]).astype(np.float64), 0)


def features(golden):
    for labels in ["camera_labels", "camera_objects", "micro_labels", "gradient_objects",
                   "row_objects", "special_objects"]:
        numbers = golden.INPUTS[labels].astype(int)
        rows = []
        for number in np.unique(numbers[numbers > 0]):
            y, x = np.nonzero(numbers == number)
            height, width = numbers.shape
            edge = min(x.min(), y.min(), width - x.max(), height - y.max())
            rows.append([number, len(x), x.min(), y.min(), x.max(), y.max(), x.mean(), y.mean(),
                         edge])
        golden.case("cell_features", {}, [labels], np.array(rows, dtype=np.float64), 0, share=1e-12)


def sums(golden):
    for labels, name in [("camera_objects", "camera"), ("micro_labels", "micro"),
                         ("gradient_objects", "gradient"), ("row_objects", "row"),
                         ("special_objects", "special"), ("camera_labels", "camera")]:
        numbers = golden.INPUTS[labels].astype(int)
        rows = []
        for number in np.unique(numbers[numbers > 0]):
            with np.errstate(invalid="ignore", over="ignore"):
                samples = golden.INPUTS[name][numbers == number].astype(np.float32)
                rows.append([number, float(samples.sum())])
        golden.case("cell_sums", {}, [labels, name], np.array(rows, dtype=np.float64), 0,
                    share=1e-12)


def overlapping(length, tile):
    """Where tiles begin and end that lie half over each other, and their middles."""
    count = max(-(-length // tile) + 1, 2)
    edges = np.round(np.linspace(0, length, 2 * count - 1)).astype(int)
    tiles = list(zip(edges[:-2], edges[2:]))
    return tiles, np.array([sum(tile) / 2 for tile in tiles])


def apart(length, tile):
    count = min(max((length + tile // 2) // tile, 1), 16, length)
    edges = [length * at // count for at in range(count + 1)]
    tiles = list(zip(edges[:-1], edges[1:]))
    return tiles, np.array([(sum(tile) - 1) / 2 for tile in tiles])


def levels(image, keep, down, across, level):
    found = np.full((len(down), len(across)), np.nan)
    counts = np.zeros(found.shape)
    for i, (top, bottom) in enumerate(down):
        for j, (left, right) in enumerate(across):
            samples = image[top:bottom, left:right][keep[top:bottom, left:right]]
            counts[i, j] = len(samples)
            if len(samples):
                found[i, j] = level(samples)
    return found, counts


def clipped(samples):
    samples = samples.astype(np.float64)
    center = median = np.median(samples)
    far = 2.5 * 1.4826 * np.median(np.abs(samples - median))
    for _ in range(2):
        center = samples[np.abs(samples - center) <= far].mean()
    return center


def spline(image, keep, tile):
    (down, y), (across, x) = (overlapping(length, tile) for length in image.shape)
    found, _ = levels(image, keep, down, across, lambda samples: np.median(samples))
    found[np.isnan(found)] = np.median(image[keep])
    for axis, (places, length) in enumerate([(y, image.shape[0]), (x, image.shape[1])]):
        at = np.clip(np.arange(length), places[0], places[-1])
        if len(places) == 1:
            found = np.repeat(found, length, axis)
        else:
            degree = min(3, len(places) - 1)
            found = interpolate.make_interp_spline(places, found, degree, axis=axis)(at)
    return found


def smooth(image, keep, tile, stiffness):
    (down, y), (across, x) = (apart(length, tile) for length in image.shape)
    found, counts = levels(image, keep, down, across, clipped)
    if (counts >= 16).any():
        counts[counts < 16] = 0
    weights = (counts / counts.max()).ravel()
    height, width = found.shape

    def penalty(count):
        differences = np.diff(np.eye(count), min(3, count - 1), axis=0)
        return differences.T @ differences if count > 1 else np.zeros((1, 1))

    matrix = np.diag(weights + 1e-9) + stiffness * (
        np.kron(penalty(height), np.eye(width)) + np.kron(np.eye(height), penalty(width)))
    given = np.where(weights > 0, np.nan_to_num(found).ravel(), 0)
    found = np.linalg.solve(matrix, weights * given).reshape(height, width)
    for axis, (places, length) in enumerate([(y, image.shape[0]), (x, image.shape[1])]):
        at = np.arange(length)
        if len(places) == 1:
            found = np.repeat(found, length, axis)
            continue
        curve = interpolate.CubicSpline(places, found, axis, "natural")
        inside = np.clip(at, places[0], places[-1])
        beyond = (at - inside)
        beyond = beyond[:, None] if axis == 0 else beyond
        found = curve(inside) + beyond * curve(inside, 1)
    return found


def backgrounds(golden):
    surfaces = {
        "spline": lambda image, keep, tile: spline(image, keep, tile),
        "smooth": lambda image, keep, tile: smooth(image, keep, tile, 10.0),
    }
    for surface, function in surfaces.items():
        for name, mask, tile, grow in [("camera", "camera_mask", 16, 2), ("camera", None, 64, 0),
                                       ("micro", "micro_mask", 24, 0),
                                       ("gradient", "gradient_mask", 8, 0), ("row", None, 8, 0),
                                       ("row_float", None, 8, 0), ("float", None, 8, 0),
                                       ("special", None, 8, 0)]:
            image = golden.INPUTS[name].astype(np.float64)
            keep = np.isfinite(image)
            inputs = [name]
            if mask is not None:
                square = np.ones((2 * grow + 1, 2 * grow + 1))
                keep &= ~ndimage.binary_dilation(golden.INPUTS[mask] > 0, square)
                inputs.append(mask)
            assert keep.any(), (name, mask)
            found = function(np.where(np.isfinite(image), image, 0), keep, tile)
            spread = np.abs(found).max()
            for output in ["background", "corrected"]:
                with np.errstate(invalid="ignore"):
                    out = found if output == "background" else image - found
                params = {"surface": surface, "tile": tile, "grow": grow, "output": output}
                golden.case("background", params, inputs, out.astype(np.float32),
                            max(1e-4, 1e-6 * spread), f"{surface}_{tile}_{output}")
