"""Writes the tables beside it.

    venv/bin/pip install numpy==2.4.6 Pillow==13.0.0 matplotlib==3.11.2
    venv/bin/python prepare.py

`palettes.rgb`: 256 colours of three bytes for each palette, from dark to bright, rounded from the
published tables. `8x13.bin`: 13 bytes for each glyph, a row per byte, leftmost pixel in the highest
bit; glyphs of U+0020 to U+007E, of U+00A0 to U+00FF, and the one for all others.
"""

import gzip
import pathlib

import numpy as np
from matplotlib import colormaps
from PIL import PcfFontFile

HERE = pathlib.Path(__file__).parent
PALETTES = ["viridis", "magma", "inferno", "plasma", "turbo"]
GLYPHS = [*range(0x20, 0x7F), *range(0xA0, 0x100), 0]


def main():
    colors = [np.rint(np.array(colormaps[name].colors) * 255) for name in PALETTES]
    (HERE / "palettes.rgb").write_bytes(np.concatenate(colors).astype(np.uint8).tobytes())

    with gzip.open(HERE / "8x13-ISO8859-1.pcf.gz") as file:
        font = PcfFontFile.PcfFontFile(file)
    rows = bytearray()
    for code in GLYPHS:
        _, place, _, image = font.glyph[code]
        assert place == (0, -11, 8, 2) and image.size == (8, 13), code
        rows += np.packbits(np.asarray(image), axis=1).tobytes()
    (HERE / "8x13.bin").write_bytes(rows)


if __name__ == "__main__":
    main()
