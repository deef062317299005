"""Copies and derives the picture files beside it, and writes what the good ones hold.

    venv/bin/pip install numpy==2.4.6 opencv-python-headless==5.0.0.93 Pillow==13.0.0 \
        tifffile==2026.3.3
    venv/bin/python prepare.py [IMAGES]

IMAGES is a folder with the collections named in README.md; without it only `expected.json` and what
is derived from the files that are there are written anew. `expected.json` lists width, height,
channels, the sample type and the checksum of all samples of each good file, as Pillow (tifffile for
TIFF, OpenCV for 16-bit colour) reads it. The checksum is FNV-1a of 64 bits over the bytes of the
samples in order, little-endian.
"""

import json
import pathlib
import shutil
import sys

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent

GOOD = {
    "pngsuite": """basn0g01 basn0g02 basn0g04 basn0g08 basn0g16 basn2c08 basn2c16 basn3p01 basn3p02
        basn3p04 basn4a08 basn6a08 basi0g01 basi0g16 basi2c08 basi3p04 basi4a08 basi6a08 bgan6a08
        cdhn2c08 cs3n2c16 f03n0g08 oi2n2c16 oi4n0g16 s01n3p01 s07i3p02 s33n3p04 z09n2c08""",
    "formats-image-rs": """2-color.webp simple-gray.webp simple-rgb.webp Info_1_Bit.bmp
        Info_4_Bit_Top_Down.bmp Info_8_Bit.bmp Info_R8_G8_B8.bmp Info_X1_R5_G5_B5.bmp
        V3_R5_G6_B5.bmp interlaced.gif alpha_gif_a.gif""",
    "tiff": "issue_69_packbits.tiff tiled-gray-i1.tif int8.tif",
}
BAD = {
    "pngsuite": """xc1n0g08 xc9n2c08 xcrn0g04 xcsn0g01 xd0n2c08 xd3n2c08 xd9n2c08 xdtn0g01 xhdn0g08
        xlfn0g04 xs1n0g01 xs2n0g01 xs4n0g01 xs7n0g01""",
    "formats-image-rs": """badplanes.bmp rle_overflow.bmp imagemagick_invalid_run_length_issue_2321.bmp
        oob.gif issue_1455_oversized.gif issue_1455_undersized.gif V5_A8_R8_G8_B8_Rgb_BadMask.bmp""",
    "corrupt-image-rs": """Bad_badbitcount.bmp Bad_clrsUsed.bmp Bad_height.bmp Bad_shortfile.bmp
        Bad_unusual_extend_buffer_usage.bmp Bad_width.bmp TODO_hpredict_cmyk.tiff
        oss-fuzz-36829.jpeg panic.webp zero-loop-count.gif""",
    "corrupt-tiff": """colormap-shl-overflow.tiff graydepth-invert-overflow-5a0aad5024cc4ff3.tiff
        sample-format-empty-vec.bin id-000000_sig-06_src-000000_op-havoc_rep-2
        id-000007_sig-06_src-000083-000275_op-splice_rep-8
        id-000021_sig-06_src-000004_op-havoc_rep-4 id-000034_sig-06_src-000040_op-havoc_rep-2
        id-000060_sig-06_src-000363_op-havoc_rep-2 id-000068_sig-06_src-000127_op-havoc_rep-8""",
}


def copy(images, collections, folder):
    (HERE / folder).mkdir()
    for collection, names in collections.items():
        for name in names.split():
            name += ".png" if collection == "pngsuite" else ""
            shutil.copyfile(images / collection / name, HERE / folder / name)


def turned(images):
    """The nine photographs with a note on their orientation, 64 px wide when upright."""
    (HERE / "exif").mkdir()
    for number in range(1, 9):
        picture = Image.open(images / "exif-orientation" / f"Landscape_{number}.jpg")
        size = (64, 43) if picture.width > picture.height else (43, 64)
        exif = Image.Exif()
        exif[0x0112] = picture.getexif()[0x0112]
        assert exif[0x0112] == number
        small = picture.resize(size, Image.Resampling.LANCZOS)
        small.save(HERE / "exif" / f"{number}.jpg", quality=92, subsampling=0, exif=exif)
    upright = ImageOps.exif_transpose(Image.open(HERE / "exif" / "6.jpg"))
    assert upright.size == (64, 43)


def noted():
    """A photograph with a note on its orientation in formats without loss."""
    with Image.open(HERE / "exif" / "6.jpg") as picture:
        exif = picture.getexif()
        assert exif[0x0112] == 6
        picture.save(HERE / "exif" / "6.png", exif=exif)
        picture.save(HERE / "exif" / "6.webp", exif=exif, lossless=True)
        picture.save(HERE / "exif" / "6.tif", exif=exif)


def made():
    """What no collection has small enough."""
    folder = HERE / "good"
    row = np.arange(12, dtype=np.float32).reshape(3, 4) - 4.25
    tifffile.imwrite(folder / "made-gray-f32.tif", row, photometric="minisblack")
    tifffile.imwrite(folder / "made-gray-i16.tif", (row * 1000).astype(np.int16),
                     photometric="minisblack")
    tifffile.imwrite(folder / "made-gray-u32.tif", (row + 5).astype(np.uint32) * 100000,
                     photometric="minisblack")
    tifffile.imwrite(folder / "made-pages-u16.tif",
                     np.stack([(row + 5) * 1000, row * 0]).astype(np.uint16),
                     photometric="minisblack")
    samples = ((row + 5) * 20).astype(np.uint8)
    Image.fromarray(samples).save(folder / "made-gray.pgm")
    Image.fromarray(np.dstack([samples, samples // 2, samples // 3])).save(folder / "made-rgb.ppm")


def compressed():
    """A photograph in the kinds of JPEG that are read row by row."""
    with Image.open(HERE / "exif" / "1.jpg") as picture:
        photo = picture.convert("RGB").crop((0, 0, 61, 41))
    kinds = {
        "444": {"subsampling": "4:4:4"},
        "422": {"subsampling": "4:2:2"},
        "420": {"subsampling": "4:2:0"},
        "restarts": {"restart_marker_rows": 1},
        "tables": {"optimize": True},
    }
    for name, options in kinds.items():
        photo.save(HERE / "good" / f"made-{name}.jpg", quality=80, **options)
    photo.convert("L").save(HERE / "good" / "made-gray.jpg", quality=80)


def samples(path):
    """The samples as this project opens them: palettes as RGB, at least 8 bits."""
    if path.suffix in (".tif", ".tiff"):
        array = np.asarray(tifffile.imread(path, key=0))
        return array.astype(np.uint8) * 255 if array.dtype == bool else array
    picture = Image.open(path)
    deep = path.suffix == ".png" and path.name[6:8] == "16"
    if deep and picture.mode != "I;16":
        array = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        return cv2.cvtColor(array, cv2.COLOR_BGR2RGB) if array.ndim == 3 else array
    if picture.mode == "I;16":
        return np.asarray(picture)
    if picture.mode == "1":
        return np.asarray(picture.convert("L"))
    if path.suffix == ".gif":
        return np.asarray(picture.convert("RGBA"))
    if picture.mode == "P":
        mode = "RGBA" if "transparency" in picture.info else "RGB"
        return np.asarray(picture.convert(mode))
    return np.asarray(picture)


def opened(array):
    """The samples in the type that this project opens them in."""
    if array.dtype in (np.uint8, np.uint16):
        return array
    return array.astype(np.float32)


def checksum(array):
    digest = 0xCBF29CE484222325
    for byte in array.astype(array.dtype.newbyteorder("<")).tobytes():
        digest = (digest ^ byte) * 0x100000001B3 % 2**64
    return f"{digest:016x}"


def main():
    if len(sys.argv) > 1:
        for folder in ["good", "bad", "exif"]:
            shutil.rmtree(HERE / folder, ignore_errors=True)
        images = pathlib.Path(sys.argv[1])
        copy(images, GOOD, "good")
        copy(images, BAD, "bad")
        made()
        turned(images)
    noted()
    compressed()
    expected = {}
    for path in sorted((HERE / "good").iterdir()):
        array = opened(samples(path))
        channels = 1 if array.ndim == 2 else array.shape[2]
        sample = {"uint8": "u8", "uint16": "u16", "float32": "f32"}[array.dtype.name]
        expected[path.name] = [array.shape[1], array.shape[0], channels, sample, checksum(array)]
    rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in expected.items())
    (HERE / "expected.json").write_text("{\n" + rows + "\n}\n")


main()
