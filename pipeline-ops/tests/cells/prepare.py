"""Cuts the files beside it from the data set, and makes small ones in other containers.

    python -m venv venv
    venv/bin/pip install numpy==2.4.6 tifffile==2026.3.3
    venv/bin/python prepare.py DATA

DATA is the folder that holds `microscopy`. README.md says where what comes from.
"""

import hashlib
import json
import pathlib
import sys

import numpy as np
import tifffile

HERE = pathlib.Path(__file__).parent
DATA = pathlib.Path(sys.argv[1]) / "microscopy"
FRAMES = 8
SETS = {
    "synth-a-seed/fov_000": ("synth-a/synth-a.ome.tiff", 0),
    "synth-a-seed/fov_001": ("synth-a/synth-a.ome.tiff", 1),
    "synth-b-seed/fov_000": ("synth-b/synth-b.ome.tiff", 0),
    "real-nuclei": ("real/cancer_cell_migration_crop.tif", 0),
    "real-c2c12": ("real/c2c12_phase_10x234x234.npz", 0),
    "real-drosophila1-green": ("real/drosophila_seq1", 0),
}


def digest(frames):
    return hashlib.sha256(np.ascontiguousarray(frames).tobytes()).hexdigest()


def masks(folder):
    with np.load(folder / "seg.npz") as file:
        shape = tuple(file["shape"])
        return np.unpackbits(file["bits"])[:np.prod(shape)].reshape(shape).astype(np.uint8)


def labels(folder):
    with np.load(folder / "labels.npz") as file:
        return file[file.files[0]].astype(np.uint16)


def series():
    with tifffile.TiffFile(DATA / "synth-b" / "synth-b.ome.tiff") as file:
        frames = file.series[0].asarray()[:FRAMES]
    metadata = {"axes": "TCYX", "Channel": {"Name": ["PC", "FL1", "FL2"]}, "TimeIncrement": 600.0,
                "TimeIncrementUnit": "s"}
    tifffile.imwrite(HERE / "synth-b.ome.tif", frames, ome=True, photometric="minisblack",
                     compression="deflate", predictor=True, metadata=metadata)


def made():
    """Planes whose samples tell where they are: 1000 f + 100 t + 10 c + y + x / 4."""
    y, x = np.mgrid[:5, :8]

    def plane(field, t, c):
        return (1000 * field + 100 * t + 10 * c + y + x // 4).astype(np.uint16)

    def stack(field, frames, channels):
        return np.stack([np.stack([plane(field, t, c) for c in range(channels)])
                         for t in range(frames)])

    with tifffile.TiffWriter(HERE / "fields.ome.tif", ome=True) as writer:
        for field in range(2):
            writer.write(stack(field, 3, 2), photometric="minisblack", compression="deflate",
                         predictor=True, metadata={"axes": "TCYX", "Name": f"well {field}"})
    tifffile.imwrite(HERE / "big-endian.ome.tif", stack(0, 3, 2), ome=True, byteorder=">",
                     bigtiff=True, photometric="minisblack", metadata={"axes": "TCYX"})
    tifffile.imwrite(HERE / "imagej.tif", stack(0, 3, 2), imagej=True,
                     metadata={"axes": "TCYX", "finterval": 2.5})
    tifffile.imwrite(HERE / "plain.tif", stack(0, 3, 1)[:, 0], photometric="minisblack",
                     metadata=None, contiguous=False)
    np.save(HERE / "array.npy", stack(0, 3, 1)[:, 0])
    np.save(HERE / "array-f4.npy", stack(0, 3, 1)[:, 0].astype(">f4"))


def backgrounds():
    """Rows 233 to 280 and columns 0 to 95 of the background of frames 0, 16 and 31."""
    for field in range(2):
        with np.load(DATA / "golden" / "synth-a-seed" / f"fov_{field:03}" / "bg_ch1.npz") as file:
            assert list(file["frames"]) == [0, 16, 31] and file["crop_y0"] == 233
            np.save(HERE / f"background-{field}.npy", file["crop"])


def traces():
    """The rows of the shipped frames, before any are left out."""
    folder = DATA / "golden" / "synth-b-main" / "fov_000"
    for channel in [1, 2]:
        lines = (folder / f"raw_traces_ch{channel}.csv").read_text().splitlines()
        kept = [line for line in lines[1:] if int(line.split(",")[1]) < FRAMES]
        text = "\n".join([lines[0], *kept]) + "\n"
        (HERE / f"traces-{channel}.csv").write_text(text)


def truth():
    """The true objects of the movies, and whose child each track is."""
    for movie, field in [("synth-a", 0), ("synth-a", 1), ("synth-b", 0)]:
        folder = DATA / movie / "truth"
        with np.load(folder / f"fov_{field:03}_labels.npz") as file:
            tifffile.imwrite(HERE / f"truth-{movie}-{field}.tif", file[file.files[0]],
                             photometric="minisblack", compression="deflate", metadata=None)
        text = (folder / f"fov_{field:03}_tracks.csv").read_text()
        (HERE / f"truth-{movie}-{field}.csv").write_text(text)


def expected():
    table = {}
    for name, (path, field) in SETS.items():
        folder = DATA / "golden" / name
        steps = json.loads((folder / "steps.json").read_text())
        mask, label = masks(folder), labels(folder)
        assert digest(mask) == steps["mask_sha256"] and digest(label) == steps["labels_sha256"]
        table[name] = {
            "path": f"microscopy/{path}", "field": field, "frames": len(mask),
            "masks": digest(mask), "labels": digest(label),
            "pixels": [int(frame["mask_pixels"]) for frame in steps["frames"]],
            "objects": [int(frame["regions_4conn"]) for frame in steps["frames"]],
        }
    folder = DATA / "golden" / "synth-b-seed" / "fov_000"
    table["shipped"] = dict(table["synth-b-seed/fov_000"], path="synth-b.ome.tif", frames=FRAMES,
                            masks=digest(masks(folder)[:FRAMES]),
                            labels=digest(labels(folder)[:FRAMES]))
    for key in ["pixels", "objects"]:
        table["shipped"][key] = table["shipped"][key][:FRAMES]
    (HERE / "expected.json").write_text(json.dumps(table, indent=1) + "\n")


series()
made()
backgrounds()
traces()
truth()
expected()
