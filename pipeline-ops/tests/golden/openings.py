"""Openings, closings and what they change, beyond every border, against SciPy."""

import numpy as np
from scipy import ndimage


def cases(golden):
    grays(golden)
    masks(golden)


def footprint(element, radius):
    side = np.arange(-radius, radius + 1)
    y, x = np.meshgrid(side, side, indexing="ij")
    return {"square": np.ones((2 * radius + 1,) * 2, bool),
            "disk": x * x + y * y <= radius * radius, "cross": (x == 0) | (y == 0)}[element]


def borders(golden):
    """Our border, SciPy's, and the value that lies beyond."""
    return [*((ours, theirs, None) for ours, theirs in golden.BORDERS.items()),
            ("constant", "constant", 0.0), ("constant", "constant", 1.0)]


def grays(golden):
    functions = {"opening": ndimage.grey_opening, "closing": ndimage.grey_closing}
    pictures = ["camera", "micro", "gradient", "row", "float"]
    at = 0
    for ours, theirs, value in borders(golden):
        for op, function in functions.items():
            element = ["square", "disk", "cross"][at % 3]
            radius, name = 2 + at % 2, pictures[at % len(pictures)]
            image = golden.INPUTS[name]
            beyond = 0.0 if value is None else value * 40.0
            out = function(image, footprint=footprint(element, radius), mode=theirs, cval=beyond)
            border = ours if value is None else {"constant": beyond}
            params = {"element": element, "radius": radius, "border": border}
            tag = ours if value is None else f"{ours}{value:.0f}"
            golden.case(op, params, [name], out, 0, tag)
            wide = image.astype(np.float64)
            hat = wide - out if op == "opening" else out - wide
            hat = golden.rounded(hat, image.dtype)
            named = "top_hat" if op == "opening" else "black_hat"
            golden.case(named, params, [name], hat, golden.near(image, 0, 1e-6), tag)
            at += 1


def masks(golden):
    random = np.random.default_rng(43)
    field = ndimage.gaussian_filter(random.random((30, 41)), 1.2)
    golden.add_input("patches", field > np.median(field))
    mask = golden.INPUTS["patches"].astype(np.uint8)
    functions = {"erode_mask": ndimage.grey_erosion, "dilate_mask": ndimage.grey_dilation,
                 "opening_mask": ndimage.grey_opening, "closing_mask": ndimage.grey_closing}
    for at, (ours, theirs, value) in enumerate(borders(golden)):
        element, radius = ["cross", "square", "disk"][at % 3], 1 + at % 2
        beyond = 0.0 if value is None else value
        border = ours if value is None else {"constant": value}
        params = {"element": element, "radius": radius, "border": border}
        tag = ours if value is None else f"{ours}{value:.0f}"
        shape = footprint(element, radius)
        outs = {op: function(mask, footprint=shape, mode=theirs, cval=beyond).astype(bool)
                for op, function in functions.items()}
        whole = mask.astype(bool)
        outs["top_hat_mask"] = whole & ~outs["opening_mask"]
        outs["black_hat_mask"] = outs["closing_mask"] & ~whole
        for op, out in outs.items():
            golden.case(op, params, ["patches"], out, 0, tag)
