"""Objects drawn for people, against scikit-image."""

import numpy as np
from skimage import color, segmentation


def cases(golden):
    objects(golden)
    outlines(golden)
    colors(golden)


def objects(golden):
    """Objects in the sizes of the pictures: some touch, some are single pixels."""
    random = np.random.default_rng(41)
    for name in ["camera", "rgb", "rgba", "micro", "gradient", "row", "special"]:
        height, width = golden.INPUTS[name].shape[:2]
        coarse = random.integers(0, 9, (-(-height // 4), -(-width // 5)))
        numbers = np.kron(coarse, np.ones((4, 5), int))[:height, :width]
        numbers[random.random((height, width)) > 0.97] = 9
        numbers[random.random((height, width)) > 0.9] = 0
        numbers = segmentation.relabel_sequential(numbers)[0]
        golden.add_input(f"{name}_objects", numbers.astype(np.uint16))


def outlines(golden):
    inks = {"yellow": [1.0, 1.0, 0.0], "teal": [0.2, 0.6, 0.4]}
    rows = [("camera", "inner", "yellow"), ("rgb", "inner", "teal"), ("rgb", "outer", "yellow"),
            ("rgb", "thick", "teal"), ("rgba", "thick", "yellow"), ("micro", "outer", "teal"),
            ("gradient", "inner", "yellow"), ("row", "thick", "yellow"), ("row", "outer", "teal"),
            ("special", "outer", "teal")]
    for name, side, ink in rows:
        image, labels = golden.INPUTS[name], golden.INPUTS[f"{name}_objects"]
        marked = segmentation.find_boundaries(labels, connectivity=1, mode=side)
        share = np.array(inks[ink], np.float32)
        if image.ndim == 2:
            share = (share * np.array([0.299, 0.587, 0.114], np.float32)).sum(dtype=np.float32)
        elif image.shape[2] == 4:
            share = np.append(share, 1.0)
        out = image.copy()
        out[marked] = golden.rounded(share.astype(float) * golden.white(image.dtype), image.dtype)
        golden.case("outline_labels", {"side": side, "color": inks[ink]},
                    [name, f"{name}_objects"], out, 0, side)


def colors(golden):
    for picture in ["camera", "rgb", "micro", "gradient", "row"]:
        name = f"{picture}_objects"
        labels = golden.INPUTS[name]
        out = color.label2rgb(labels, bg_label=0, bg_color=(0, 0, 0))
        golden.case("color_labels", {}, [name], np.rint(out * 255).astype(np.uint8), 0)
        alpha = np.where(labels > 0, 255, 0)
        out = np.dstack([np.rint(out * 255), alpha]).astype(np.uint8)
        golden.case("color_labels", {"transparent": True}, [name], out, 0, "transparent")
