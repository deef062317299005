"""One picture over another, against Pillow."""

import numpy as np
from PIL import Image, ImageChops


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

    b, t = (golden.INPUTS[n].astype(float) / 255 for n in ["rgba", "rgba_top"])
    below, above = b[..., 3:], 0.6 * t[..., 3:]
    mixed = (1 - below) * t[..., :3] + below * (b[..., :3] * t[..., :3])
    whole = above + below * (1 - above)
    color = (above * mixed + (1 - above) * below * b[..., :3]) / np.where(whole > 0, whole, 1)
    out = golden.rounded(np.dstack([color, whole]) * 255, np.uint8)
    golden.case("blend", {"mode": "multiply", "opacity": 0.6}, ["rgba", "rgba_top"], out, 1, "formula")


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
    for below, above, x, y in [("camera", "corner", 80, -5), ("gradient", "micro", -10, 2),
                               ("float", "special", 3, 18), ("row", "corner", 2, 1)]:
        out, image = golden.INPUTS[below].copy(), golden.INPUTS[above]
        part = image[max(-y, 0):out.shape[0] - y, max(-x, 0):out.shape[1] - x]
        out[max(y, 0):, max(x, 0):][:part.shape[0], :part.shape[1]] = part
        golden.case("alpha_over", {"x": x, "y": y}, [below, above], out, 0)
