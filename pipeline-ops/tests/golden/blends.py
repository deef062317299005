"""One picture over another, against Pillow."""

import numpy as np
from PIL import Image, ImageChops


MODES = {
    "normal": lambda b, t: t,
    "multiply": lambda b, t: b * t,
    "screen": lambda b, t: b + t - b * t,
    "overlay": lambda b, t: np.where(b <= 0.5, 2 * b * t, 1 - 2 * (1 - b) * (1 - t)),
    # A NaN on top keeps the bottom, one below stays.
    "darken": lambda b, t: np.where(t < b, t, b),
    "lighten": lambda b, t: np.where(t > b, t, b),
    "difference": lambda b, t: np.abs(b - t),
    "add": lambda b, t: b + t,
    "subtract": lambda b, t: b - t,
}
SOME_MODES = ["normal", "multiply", "overlay", "subtract"]


def cases(golden):
    blend(golden)
    over(golden)


def blend(golden):
    bottom, top = (Image.fromarray(golden.INPUTS[n]) for n in ["rgb", "top"])
    for mode, chop in [("multiply", ImageChops.multiply), ("screen", ImageChops.screen),
                       ("add", ImageChops.add), ("difference", ImageChops.difference),
                       ("darken", ImageChops.darker), ("lighten", ImageChops.lighter),
                       ("subtract", ImageChops.subtract), ("overlay", ImageChops.overlay)]:
        golden.case("blend", {"mode": mode}, ["rgb", "top"], np.asarray(chop(bottom, top)), 1, mode)
    golden.case("blend", {"opacity": 0.3}, ["rgb", "top"],
                np.asarray(Image.blend(bottom, top, 0.3)), 1, "opacity")

    over = Image.alpha_composite(*(Image.fromarray(golden.INPUTS[n]) for n in ["rgba", "rgba_top"]))
    over = np.asarray(over).copy()
    over[over[..., 3] == 0] = 0  # Pillow keeps the bottom's colour where nothing is seen.
    golden.case("blend", {}, ["rgba", "rgba_top"], over, 1)
    layers = [golden.vips(golden.INPUTS[name]).copy(interpretation="srgb")
              for name in ["rgba", "rgba_top"]]
    found = layers[0].composite2(layers[1], "over").numpy()
    assert np.abs(found.astype(int) - over).max() <= 1

    pairs = [[f"{name}_left", f"{name}_right"] for name in [*golden.PICTURES, "float"]]
    for names in [*pairs, *([name, f"{name}_top"] for name in golden.LAYERED)]:
        bottom, top = (golden.INPUTS[name] for name in names)
        modes = [mode for mode in MODES if not golden.has_alpha(bottom) or mode in SOME_MODES]
        modes = [*((mode, 1.0) for mode in modes), ("normal", 0.25), ("screen", 0.625)]
        for mode, opacity in modes:
            out = mixed(golden, bottom, top, mode, opacity)
            golden.case("blend", {"mode": mode, "opacity": opacity}, names, out,
                        golden.near(bottom, relative=1e-6), f"{mode}_{opacity}")


def mixed(golden, bottom, top, mode, opacity):
    """The formula of W3C: a colour that is not seen enters nothing."""
    white = golden.white(bottom.dtype)
    b, t = bottom / white, top / white
    with np.errstate(all="ignore"):
        if not golden.has_alpha(bottom):
            out = MODES[mode](b, t)
            out = out if opacity == 1 else b + opacity * (out - b)
            return golden.rounded(out * white, bottom.dtype)
        below, above = b[..., -1:], opacity * t[..., -1:]
        b, t = b[..., :-1], t[..., :-1]
        mix = (1 - below) * t + below * MODES[mode](b, t)
        whole = above + below * (1 - above)
        color = (above * mix + (1 - above) * below * b) / np.where(whole > 0, whole, 1)
    return golden.rounded(np.dstack([color, whole]) * white, bottom.dtype)


def over(golden):
    bottom, top = (golden.INPUTS[name] for name in ["rgba", "rgba_top"])
    for x, y in [(5, 7), (-3, -2), (0, 0)]:
        out = Image.fromarray(bottom)
        out.alpha_composite(Image.fromarray(top), (max(x, 0), max(y, 0)), (max(-x, 0), max(-y, 0)))
        out = np.asarray(out).copy()
        # Pillow keeps the bottom's colour where nothing is seen, and so do we where no top lies.
        seen = out[max(y, 0):16 + min(y, 0), max(x, 0):24 + min(x, 0)]
        seen[seen[..., 3] == 0] = 0
        golden.case("alpha_over", {"x": x, "y": y}, ["rgba", "rgba_top"], out, 1, f"{x}_{y}")
    opaque = Image.fromarray(golden.INPUTS["rgb"]).convert("RGBA")
    opaque.alpha_composite(Image.fromarray(top), (20, 10))
    golden.case("alpha_over", {"x": 20, "y": 10}, ["rgb", "rgba_top"],
                np.asarray(opaque)[..., :3], 1)
    for name in golden.LAYERED:
        bottom, top = golden.INPUTS[name], golden.INPUTS[f"{name}_top"]
        out, height, width = bottom.copy(), bottom.shape[0] - 2, bottom.shape[1] - 3
        out[2:, 3:] = mixed(golden, bottom[2:, 3:], top[:height, :width], "normal", 0.75)
        golden.case("alpha_over", {"x": 3, "y": 2, "opacity": 0.75}, [name, f"{name}_top"], out,
                    golden.near(bottom, relative=1e-6), "formula")
    for below, above, x, y in [("camera", "corner", 80, -5), ("gradient", "micro", -10, 2),
                               ("float", "special", 3, 18), ("row", "corner", 2, 1),
                               ("special", "float", -7, 4)]:
        out, image = golden.INPUTS[below].copy(), golden.INPUTS[above]
        part = image[max(-y, 0):out.shape[0] - y, max(-x, 0):out.shape[1] - x]
        out[max(y, 0):, max(x, 0):][:part.shape[0], :part.shape[1]] = part
        golden.case("alpha_over", {"x": x, "y": y}, [below, above], out, 0)
