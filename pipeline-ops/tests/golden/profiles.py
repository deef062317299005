"""Colour profiles: conversions by Little CMS, by way of Pillow, and by the formula in NumPy."""

import io
import struct

import numpy as np
import pyvips
from PIL import Image, ImageCms

SRGB = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045]
LINEAR = [1.0]

# As ICC.1 has them: X, Y and Z of red, green and blue, seen under D50.
SRGB_COLORANTS = np.array([(28576, 14581, 912), (25239, 46983, 6361), (9375, 3972, 46788)]) / 65536
ADOBE_COLORANTS = (
    np.array([(39960, 20389, 1276), (13453, 41004, 3989), (9777, 4143, 48796)]) / 65536)
P3_COLORANTS = np.array([(33759, 15807, -69), (19135, 45367, 2745), (10296, 4362, 51385)]) / 65536
D50 = (0.9642, 1.0, 0.8249)


def fixed(*numbers):
    return b"".join(struct.pack(">i", round(n * 65536)) for n in numbers)


def xyz(color):
    return b"XYZ \0\0\0\0" + fixed(*color)


def parametric(numbers):
    kind = {1: 0, 3: 1, 4: 2, 5: 3, 7: 4}[len(numbers)]
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*numbers)


def text(words):
    words = words.encode() + b"\0"
    return (b"desc\0\0\0\0" + struct.pack(">I", len(words)) + words
            + struct.pack(">IIHB", 0, 0, 0, 0) + bytes(67))


def profile(version, kind, space, pcs, tags):
    """A profile of these tags."""
    tags = {b"desc": text("made for a test"), b"cprt": b"text\0\0\0\0made for a test\0",
            b"wtpt": xyz(D50), **tags}
    table, body = struct.pack(">I", len(tags)), b""
    start = 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s6H4s", start + len(body), b"\0\0\0\0", version << 24, kind,
                       space, pcs, 2026, 1, 1, 0, 0, 0, b"acsp")
    head += bytes(28) + fixed(*D50)
    return head + bytes(128 - len(head)) + table + body


def table(values):
    return b"curv\0\0\0\0" + struct.pack(">I", len(values)) + np.array(values, ">u2").tobytes()


def colors(colorants, curve):
    tags = dict(zip([b"rXYZ", b"gXYZ", b"bXYZ"], map(xyz, colorants)))
    tags |= dict.fromkeys([b"rTRC", b"gTRC", b"bTRC"], curve)
    return profile(4, b"mntr", b"RGB ", b"XYZ ", tags)


def gray(curve):
    return profile(4, b"mntr", b"GRAY", b"XYZ ", {b"kTRC": curve})


def tables(side, function):
    """Tables of 16 bits from RGB to Lab, as version 2 has them."""
    places = np.stack(np.meshgrid(*[np.linspace(0, 1, side)] * 3, indexing="ij"), -1)
    lab = function(places.reshape(-1, 3))
    entries = np.stack([lab[:, 0] * 652.8, (lab[:, 1] + 128) * 256, (lab[:, 2] + 128) * 256], -1)
    straight = np.array([0, 65535] * 3, dtype=">u2").tobytes()
    head = b"mft2\0\0\0\0" + bytes([3, 3, side, 0]) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    entries = np.rint(entries).clip(0, 65535).astype(">u2").tobytes()
    return head + struct.pack(">HH", 2, 2) + straight + entries + straight


def lab_of(shares, gamma, strength):
    """Colours of Display P3 with another curve, less strong."""
    light = shares ** gamma
    place = light @ P3_COLORANTS / np.array(D50)
    f = np.where(place > 216 / 24389, np.cbrt(place), (24389 / 27 * place + 16) / 116)
    lightness = 116 * f[:, 1] - 16
    return np.stack([lightness, strength * 500 * (f[:, 0] - f[:, 1]),
                     strength * 200 * (f[:, 1] - f[:, 2])], -1)


def light_of(shares, numbers):
    """The light of samples; below black that of the opposite ones, turned around."""
    g, a, b, c, d = [*numbers, 1, 0, 0, 0][:5] if len(numbers) == 1 else numbers
    size = np.abs(shares)
    return np.sign(shares) * np.where(size < d, c * size, (a * size + b) ** g)


def shares_of(light, numbers):
    g, a, b, c, d = [*numbers, 1, 0, 0, 0][:5] if len(numbers) == 1 else numbers
    size = np.abs(light)
    below = size / c if c else size
    return np.sign(light) * np.where(size < c * d, below, (size ** (1 / g) - b) / a)


def cases(golden):
    rocket = Image.open(golden.DATA / "images" / "photos-skimage" / "rocket.jpg")
    picture = np.asarray(rocket)[150:182, 290:338]
    golden.add_input("rocket", picture)
    golden.add_input("rocket_gray", picture[..., 1])
    golden.add_input("rocket_rgba", np.dstack([picture[:16, :24], golden.INPUTS["rgba"][..., 3]]))

    adobe = colors(ADOBE_COLORANTS, table([563]))  # 2.2, in parts of 256
    known = {
        "adobe": adobe,
        # DisplayP3Compat-v4.icc of saucecontrol/Compact-ICC-Profiles, which libvips carries.
        "p3": bytes(pyvips.Operation.call("profile_load", "p3")),
        "steep": gray(table(np.rint(65535 * np.linspace(0, 1, 64) ** 1.7))),
        "tables": profile(2, b"scnr", b"RGB ", b"Lab ", {
            b"A2B0": tables(17, lambda shares: lab_of(shares, 1.9, 0.8)),
            b"A2B1": tables(17, lambda shares: lab_of(shares, 1.9, 1.0))}),
    }
    for name, icc in known.items():
        golden.add_profile(name, icc)
    made = {
        "srgb": colors(SRGB_COLORANTS, parametric(SRGB)),
        "display_p3": colors(P3_COLORANTS, parametric(SRGB)),
        "adobe_rgb": adobe,
        "linear_srgb": colors(SRGB_COLORANTS, parametric(LINEAR)),
        "gray": gray(parametric(SRGB)),
    }

    def little_cms(name, icc, to, intent="perceptual", tolerance=1):
        image = golden.INPUTS[name]
        kept = Image.fromarray(image[..., :3] if image.ndim == 3 else image)
        source = known[icc] if icc else made["srgb"]
        number = ["perceptual", "relative_colorimetric", "saturation"].index(intent)
        out = ImageCms.profileToProfile(kept, io.BytesIO(source), io.BytesIO(made[to]), number,
                                        "L" if to == "gray" else "RGB")
        out = np.asarray(out)
        if golden.has_alpha(image):
            out = np.dstack([out, image[..., 3]])
        golden.case("convert_profile", {"to": to, "intent": intent}, [name], out, tolerance,
                    f"{icc or 'none'}_{to}_{intent}", icc)

    for to in made:
        little_cms("rocket", "adobe", to)
        little_cms("rocket", "p3", to, "relative_colorimetric")
        little_cms("rocket", None, to)
        little_cms("rocket_gray", "steep", to)
    for name in ["row_rgb", "rgb"]:
        little_cms(name, "p3", "srgb")
    little_cms("camera", "steep", "gray")
    little_cms("rocket_rgba", "adobe", "srgb")
    little_cms("rocket_rgba", "adobe", "gray")
    for intent in ["perceptual", "relative_colorimetric", "saturation"]:
        for to in ["srgb", "display_p3", "gray"]:
            little_cms("rocket", "tables", to, intent, 3)

    def formula(name, to, colorants, curve):
        """From Display P3, for sample types that Pillow does not convert."""
        image = golden.INPUTS[name]
        white = golden.white(image.dtype)
        at = [known["p3"].index(name) for name in [b"rXYZ", b"gXYZ", b"bXYZ"]]
        at = [struct.unpack(">I", known["p3"][place + 4:place + 8])[0] for place in at]
        source = np.array([struct.unpack(">3i", known["p3"][i + 8:i + 20]) for i in at]) / 65536
        matrix = source @ np.linalg.inv(colorants)
        with np.errstate(invalid="ignore"):
            light = light_of(image[..., :3] / white, SRGB)
            light[np.isnan(light).any(axis=-1)] = np.nan
            out = shares_of(light @ matrix, curve) * white
        out = np.dstack([out, image[..., 3]]) if golden.has_alpha(image) else out
        golden.case("convert_profile", {"to": to}, [name], golden.rounded(out, image.dtype),
                    1 if image.dtype == np.uint16 else 1e-4, f"p3_{to}", "p3")

    for name in ["micro_rgb", "gradient_rgb", "float_rgb", "special_rgb", "rgba_u16", "rgba_f32"]:
        formula(name, "srgb", SRGB_COLORANTS, SRGB)
        formula(name, "linear_srgb", SRGB_COLORANTS, LINEAR)
