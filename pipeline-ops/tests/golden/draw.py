"""Colour maps, contact sheets and text, against OpenCV, scikit-image and Pillow."""

import gzip

import cv2
import numpy as np
import skimage
from PIL import Image, ImageDraw, PcfFontFile


def cases(golden):
    drawings(golden)


def drawings(golden):
    names = ["viridis", "magma", "inferno", "plasma", "turbo"]
    colors = {name: getattr(cv2, f"COLORMAP_{name.upper()}") for name in names}

    def mapped(levels, name):
        return cv2.applyColorMap(levels, colors[name])[..., ::-1]

    for name in names:
        params = {"palette": name}
        golden.case("color_map", params, ["corner"], mapped(golden.INPUTS["corner"], name), 0, name)
    for name, low, high in [("gradient", 1000.0, 50000.0), ("float", -0.5, 1.25),
                            ("micro", 600.0, 800.0), ("row", 0.0, 255.0), ("special", -0.5, 1.0),
                            ("camera_alpha", 20.0, 200.0), ("micro_alpha", 650.0, 750.0),
                            ("float_alpha", 0.0, 1.0)]:
        image = golden.INPUTS[name]
        gray = image[..., 0] if golden.has_alpha(image) else image
        share = (gray.astype(np.float32) - np.float32(low)) / np.float32(high - low)
        levels = np.floor(np.nan_to_num(share.clip(0, 1)) * 256).clip(0, 255).astype(np.uint8)
        out = mapped(levels, "turbo")
        out[np.isnan(share)] = 0
        if golden.has_alpha(image):
            alpha = image[..., 1] * (255 / golden.white(image.dtype))
            out = np.dstack([out, golden.rounded(alpha, np.uint8)])
        params = {"palette": "turbo", "low": low, "high": high}
        golden.case("color_map", params, [name], out, 0)

    rgb, top = golden.INPUTS["rgb"], golden.INPUTS["top"]
    for columns, gap in [(2, 0), (1, 3)]:
        rows = -(-3 // columns)
        out = skimage.util.montage(np.stack([rgb, top, rgb]), fill=[128] * 3, channel_axis=-1,
                                   grid_shape=(rows, columns), padding_width=gap)
        params = {"columns": columns, "gap": gap, "background": 0.5}
        golden.case("contact_sheet", params, ["rgb", "top", "rgb"], out, 0, f"columns_{columns}")
    for name in [*golden.PICTURES, "float"]:
        image = golden.INPUTS[name]
        out = skimage.util.montage(np.stack([image, image[::-1], image]), fill=0, padding_width=4,
                                   grid_shape=(2, 2))
        golden.add_input(f"{name}_turned", image[::-1])
        golden.case("contact_sheet", {}, [name, f"{name}_turned", name], out, 0)
    for name in golden.LAYERED:
        image, other = golden.INPUTS[name], golden.INPUTS[f"{name}_top"]
        out = skimage.util.montage(np.stack([image, other]), grid_shape=(1, 2),
                                   fill=[0] * (image.shape[2] - 1) + [golden.white(image.dtype)],
                                   padding_width=1, channel_axis=-1)
        golden.case("contact_sheet", {"gap": 1}, [name, f"{name}_top"], out, 0)

    with gzip.open(golden.HERE.parents[1] / "src/kernel/tables/8x13-ISO8859-1.pcf.gz") as file:
        font = PcfFontFile.PcfFontFile(file).to_imagefont()

    def text(name, words, x, y, color, tag):
        image = Image.fromarray(golden.INPUTS[name])
        draw = ImageDraw.Draw(image)
        # Bitmap fonts have no line spacing in Pillow but that of the glyphs and the default of 4.
        draw.multiline_text((x, y), words, fill=color, font=font, spacing=0)
        shares = [c / 255 for c in (color if isinstance(color, tuple) else (color,) * 3)]
        params = {"text": words, "x": x, "y": y, "color": shares}
        golden.case("text", params, [name], np.asarray(image), 0, tag)

    def drawn(name, words, x, y, color):
        """On samples that Pillow does not draw on: where it would draw is ink."""
        image = golden.INPUTS[name]
        ink = Image.new("L", (image.shape[1], image.shape[0]))
        ImageDraw.Draw(ink).multiline_text((x, y), words, fill=255, font=font, spacing=0)
        shares = np.array(color)
        if image.ndim == 2 or image.shape[2] == 2:
            shares = np.array([shares @ [0.299, 0.587, 0.114]])
        shares = np.append(shares, 1.0) if golden.has_alpha(image) else shares
        shares = shares if image.ndim == 3 else shares[0]
        ink = np.asarray(ink) > 0 if image.ndim == 2 else (np.asarray(ink) > 0)[..., None]
        out = np.where(ink, golden.rounded(shares * golden.white(image.dtype), image.dtype), image)
        params = {"text": words, "x": x, "y": y, "color": color}
        golden.case("text", params, [name], out, 0, "drawn")

    for name in ["micro", "gradient", "row", "special", *golden.LAYERED]:
        drawn(name, "g×|", -2, -5, [0.25, 1.0, 0.5])
    text("camera", "Zoë: 20 µm\n37 °C ± ½", 5, 3, 255, "lines")
    text("rgb", "Quick|", -3, 21, (255, 64, 0), "cut")
    word = Image.new("L", (12, 10))
    ImageDraw.Draw(word).text((1, -2), "gr", fill=255, font=font)
    image = Image.fromarray(golden.INPUTS["rgb"])
    word = word.resize((48, 40), Image.Resampling.NEAREST)
    image.paste((0, 255, 0), mask=word.crop((0, 0, 48, 32)))
    params = {"text": "gr", "x": 4, "y": -8, "scale": 4, "color": [0.0, 1.0, 0.0]}
    golden.case("text", params, ["rgb"], np.asarray(image), 0, "scale")
