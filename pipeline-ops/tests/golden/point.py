"""Operations on each sample by itself, and on the samples at one place of two images."""

import cv2
import numpy as np
import skimage


def cases(golden):
    points(golden)
    conversions(golden)
    arithmetic(golden)
    scalar(golden)
    masked(golden)
    lines(golden)
    ranges(golden)
    clahe(golden)


def points(golden):
    names = [*golden.PICTURES, *golden.ROWS, "float", "gradient_float", *golden.LAYERED]

    def pointwise(op, params, function, integer, share, absolute=0):
        """Within `integer` of integers, within `share` of floats, whatever else the image holds."""
        for name in names:
            image = golden.INPUTS[name]
            with np.errstate(invalid="ignore", over="ignore"):
                out = function(image.astype(np.float64), golden.white(image.dtype))
                out = golden.rounded(golden.kept_alpha(image, out), image.dtype)
            is_float = image.dtype == np.float32
            golden.case(op, params, [name], out, absolute if is_float else integer,
                        share=share if is_float else 0)

    pointwise("gain", {"factor": 1.7}, lambda v, w: v.astype(np.float32) * np.float32(1.7), 0, 0)
    pointwise("invert", {}, lambda v, w: w - v, 0, 0)
    pointwise("gamma", {"gamma": 2.2}, gamma, 1, 1e-5)
    pointwise("levels", {"in_black": 0.1, "in_white": 0.75, "out_black": 0.2, "out_white": 0.9},
              lambda v, w: rescaled(v / w, (0.1, 0.75), (0.2, 0.9)) * w, 1, 1e-5)
    contrast, brightness = 1.5, -0.1
    pointwise("brightness_contrast", {"contrast": contrast, "brightness": brightness},
              lambda v, w: (v / w - 0.5) * contrast * w + (0.5 + brightness) * w, 1, 1e-6,
              absolute=1e-6)
    for name in ["camera", "micro", "gradient", "row", "float"]:
        image = golden.INPUTS[name]
        offset = golden.white(image.dtype) * (0.5 - 0.5 * contrast + brightness)
        out = cv2.addWeighted(image, contrast, image, 0, offset)
        found = golden.EXPECTED[f"brightness_contrast_{name}"]
        assert np.abs(out.astype(float) - found).max() <= golden.near(image, relative=1e-6)
    for name in ["camera", "rgb", "micro"]:
        image = golden.INPUTS[name]
        golden.case("invert", {}, [name], golden.vips(image).invert().numpy(), 0, "libvips")


def gamma(values, white):
    """Samples below black stay, which scikit-image does not take."""
    shares = values / white
    inside = np.where(shares > 0, shares, 0)
    return np.where(shares > 0, skimage.exposure.adjust_gamma(inside, 1 / 2.2), shares) * white


def rescaled(values, limits, range):
    """NaN stays NaN."""
    return skimage.exposure.rescale_intensity(values, in_range=limits, out_range=range)


def conversions(golden):
    def convert(name, to, range="full_scale"):
        image = golden.INPUTS[name]
        dtype = {"u8": np.uint8, "u16": np.uint16, "f32": np.float32}[to]
        values, tag = image.astype(np.float64), f"{range}_{to}"
        with np.errstate(invalid="ignore", over="ignore"):
            out = values / golden.white(image.dtype) * golden.white(dtype)
            if range == "raw":
                # Opacity is full scale.
                out = golden.kept_alpha(out, values.copy()) if golden.has_alpha(image) else values
            if dtype != np.float32:
                out = np.nan_to_num(out.clip(-1e9, 1e9))
            out = golden.rounded(out, dtype)
        golden.case("convert", {"to": to, "range": range}, [name], out, 0, tag)

    for name in [*golden.PICTURES, "float", "gradient_float", *golden.LAYERED]:
        for to in ["u8", "u16", "f32"]:
            convert(name, to)
    for name, to in [("gradient", "u8"), ("gradient", "f32"), ("special", "u16"), ("row", "u16"),
                     ("rgba", "u16"), ("micro_alpha", "f32"), ("rgba_f32", "u8")]:
        convert(name, to, "raw")
    assert np.array_equal(skimage.util.img_as_uint(golden.INPUTS["camera"]),
                          golden.EXPECTED["convert_full_scale_u16_camera"])


def arithmetic(golden):
    functions = {
        "add": cv2.add, "subtract": cv2.subtract, "multiply": cv2.multiply, "divide": cv2.divide,
        "min": np.minimum, "max": np.maximum, "difference": cv2.absdiff,
    }

    def computed(operation, a, b, scale=1.0):
        if operation in ["multiply", "divide"]:
            # OpenCV makes 0 of products of u16 above 2^31, and has no answer for 0 / 0.
            with np.errstate(all="ignore"):
                x, y = a.astype(np.float64), b.astype(np.float64)
                out = x * y * scale if operation == "multiply" else x / y * scale
            if a.dtype != np.float32:
                return golden.rounded(np.where((b == 0) & (operation == "divide"), 0, out), a.dtype)
            return out.astype(np.float32)
        return functions[operation](a, b)

    for operation in functions:
        for name in [*golden.PICTURES, *golden.ROWS, "float"]:
            names = [f"{name}_left", f"{name}_right"]
            a, b = (golden.INPUTS[name] for name in names)
            out = computed(operation, a, b)
            if operation == "multiply" and name in ["camera", "micro", "row", "row_float", "float"]:
                assert np.array_equal(out, functions[operation](a, b))
            golden.case("arithmetic", {"operation": operation}, names, out, 0, operation)
    for operation, scale, name in [("multiply", 1 / 255, "camera"), ("divide", 128.0, "camera"),
                                   ("divide", 20000.0, "micro"), ("multiply", -0.5, "float"),
                                   ("divide", 0.75, "special")]:
        names = [f"{name}_left", f"{name}_right"]
        a, b = (golden.INPUTS[name] for name in names)
        params = {"operation": operation, "scale": scale}
        out = computed(operation, a, b, float(np.float32(scale)))
        golden.case("arithmetic", params, names, out, 0 if out.dtype == np.float32 else 1,
                    f"scaled_{operation}", share=1e-6 if out.dtype == np.float32 else 0)
    for name in golden.LAYERED:
        a, b = golden.INPUTS[name], golden.INPUTS[f"{name}_top"]
        for operation in ["add", "multiply"]:
            out = golden.kept_alpha(a, computed(operation, a, b))
            golden.case("arithmetic", {"operation": operation}, [name, f"{name}_top"], out, 0,
                        operation)


def scalar(golden):
    operations = {
        "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide,
        "min": np.minimum, "max": np.maximum, "difference": lambda a, b: np.abs(a - b),
    }
    values = {np.uint8: 37.5, np.uint16: 20000.75, np.float32: 0.3}
    for operation, function in operations.items():
        for name in [*golden.PICTURES, "gradient_float", *golden.LAYERED]:
            image = golden.INPUTS[name]
            value = values[image.dtype.type]
            with np.errstate(invalid="ignore", over="ignore"):
                out = function(image.astype(np.float32), np.float32(value))
                out = golden.rounded(golden.kept_alpha(image, out), image.dtype)
            golden.case("scalar", {"operation": operation, "value": value}, [name], out, 0,
                        operation)


def masked(golden):
    for name, fill in [("rgb", 9), ("camera", 200), ("micro", 0), ("gradient", 65535), ("row", 1),
                       ("special", -0.5)]:
        image, mask = golden.INPUTS[name], golden.INPUTS[f"{name}_mask"]
        kept = mask if image.ndim == 2 else mask[..., None]
        golden.case("apply_mask", {"fill": fill}, [name, f"{name}_mask"],
                    np.where(kept, image, image.dtype.type(fill)), 0)
    for name in golden.LAYERED:
        image = golden.INPUTS[name]
        mask = image[..., 0] > np.median(image[..., 0])
        golden.add_input(f"{name}_mask", mask)
        golden.case("apply_mask", {}, [name, f"{name}_mask"],
                    np.where(mask[..., None], image, image.dtype.type(0)), 0)


def lines(golden):
    tables = {
        "arch": [0.0, 1.0, 0.25],
        "steps": [round(x, 5) for x in np.random.default_rng(22).random(256)],
    }
    for tag, table in tables.items():
        for name in [*golden.PICTURES, "float", "gradient_float", *golden.LAYERED]:
            image = golden.INPUTS[name]
            white = golden.white(image.dtype)
            values = np.array(table, dtype=np.float32).astype(np.float64)
            if image.dtype == np.uint8 and len(table) == 256:
                levels = np.rint(values * 255).astype(np.uint8)
                out = cv2.LUT(image, levels)
                assert golden.same(golden.vips(image).maplut(golden.vips(levels[None])), out)
            else:
                steps = np.linspace(0, white, len(table))
                out = np.interp(image.astype(np.float64), steps, values * white)
                out = golden.rounded(out, image.dtype)
            tolerance = {np.uint8: 0, np.uint16: 1}.get(image.dtype.type, 1e-6)
            golden.case("lookup", {"table": table}, [name], golden.kept_alpha(image, out),
                        tolerance, tag)


def ranges(golden):
    for name in [*golden.PICTURES, "float", *golden.LAYERED]:
        image = golden.INPUTS[name]
        white = golden.white(image.dtype)
        colors = image[..., :-1] if golden.has_alpha(image) else image
        seen = colors[image[..., -1] > 0] if golden.has_alpha(image) else colors
        counted = seen[np.isfinite(seen)].astype(np.float64)
        for low, high in [(0.0, 100.0), (2.0, 97.5)]:
            limits = tuple(np.percentile(counted, [low, high]))
            out = rescaled(image.astype(np.float64), limits, (0, white))
            out = golden.rounded(golden.kept_alpha(image, out), image.dtype)
            tolerance = 1e-6 if image.dtype == np.float32 else 1
            golden.case("rescale", {"low": low, "high": high}, [name], out, tolerance,
                        f"{low:.0f}_{high:.0f}")

        out = image.astype(np.float64)
        # Whole numbers have a bin each.
        bins = counted if image.dtype == np.float32 else counted.astype(image.dtype)
        shares, middles = skimage.exposure.cumulative_distribution(bins, 256)
        if image.dtype != np.float32:
            assert np.array_equal(shares[np.searchsorted(middles, seen)],
                                  skimage.exposure.equalize_hist(seen))
        equal = np.interp(colors.astype(np.float64), middles, shares) * white
        if golden.has_alpha(image):
            out[..., :-1] = equal
        else:
            out = equal
        golden.case("equalize", {}, [name], golden.rounded(out, image.dtype),
                    1e-5 if image.dtype == np.float32 else 0)


def clahe(golden):
    for name, columns, rows, clip in [
            ("camera", 8, 8, 2.0), ("camera", 3, 5, 40.0), ("corner", 8, 8, 3.5),
            ("corner", 32, 32, 0.0), ("micro", 8, 8, 2.0), ("micro", 5, 4, 900.0),
            ("gradient", 3, 2, 40.0), ("row", 4, 2, 2.0)]:
        image = golden.INPUTS[name]
        out = cv2.createCLAHE(clip, (columns, rows)).apply(image)
        params = {"columns": columns, "rows": rows, "clip": clip}
        assert np.array_equal(equalized(golden, image, **params), out)
        golden.case("clahe", params, [name], out, 0, f"{columns}_{rows}")
    for name in ["float", "special", "gradient_float", "rgb", "micro_rgb", "gradient_rgb",
                 "row_rgb", "share_rgb", "special_rgb", *golden.LAYERED]:
        for columns, rows, clip in [(8, 8, 2.0), (3, 2, 5.5)]:
            params = {"columns": columns, "rows": rows, "clip": clip}
            with np.errstate(invalid="ignore"):
                out = equalized(golden, golden.INPUTS[name], **params)
            golden.case("clahe", params, [name], out, golden.near(out, 1, 1e-5),
                        f"{columns}_{rows}")


def equalized(golden, image, columns, rows, clip):
    """OpenCV's `createCLAHE` on the value of HSV; what is not seen stays and is not counted."""
    pixels = image.reshape(*image.shape[:2], -1)
    alphas = int(golden.has_alpha(image))
    colors = pixels[..., :pixels.shape[2] - alphas].astype(np.float64)
    is_seen = pixels[..., -1] > 0 if alphas else np.ones(pixels.shape[:2], bool)
    value, most = colors.max(axis=2), golden.white(image.dtype)
    is_counted = is_seen & np.isfinite(value)
    if image.dtype == np.float32:
        bins, low, high = 256, value[is_counted].min(), value[is_counted].max()
        places = (value - low) / ((high - low) / bins)
        numbers, places = np.floor(golden.finite(places)).clip(0, 255), places - 0.5
    else:
        bins, numbers, places = int(most) + 1, value, value
    numbers = np.where(is_counted, numbers, -1).astype(int)
    tables, sides = tile_tables(numbers, (rows, columns), clip, bins, most)
    if image.dtype != np.float32:
        tables = np.rint(tables)
    new = blended(tables, sides, places.clip(0, bins - 1))
    shares = np.ones_like(colors)
    if colors.shape[2] == 3:
        is_part = (colors < value[..., None]) & (value[..., None] > 0)
        shares[is_part] = np.maximum(colors / value[..., None], 0)[is_part]
    out = golden.rounded(new[..., None] * shares, image.dtype)
    if colors.shape[2] == 3 and image.dtype != np.float32:
        hsv = skimage.color.rgb2hsv(colors / most)
        hsv[..., 2] = new / most
        # Black has no hue, but becomes gray all the same.
        assert np.abs(skimage.color.hsv2rgb(hsv) * most - new[..., None] * shares).max() < 0.01
    out = np.where(is_seen[..., None], out, pixels[..., :colors.shape[2]])
    return np.dstack([out, pixels[..., -1]] if alphas else [out]).reshape(image.shape)


def tile_tables(numbers, tiles, clip, bins, most):
    """The table of each tile and the size of a tile; bins below 0 are not counted."""
    fits = all(side % count == 0 for side, count in zip(numbers.shape, tiles))
    sides = [side // count + (not fits) for side, count in zip(numbers.shape, tiles)]
    beyond = [(0, side * count - len) for side, count, len in zip(sides, tiles, numbers.shape)]
    numbers = np.pad(numbers, beyond, mode="reflect")
    tables = np.empty((*tiles, bins), np.float32)
    for y, x in np.ndindex(*tiles):
        tile = numbers[y * sides[0]:(y + 1) * sides[0], x * sides[1]:(x + 1) * sides[1]]
        counts = np.bincount(tile[tile >= 0], minlength=bins)
        total = counts.sum()
        if total == 0:
            tables[y, x] = np.linspace(0, most, bins)
            continue
        if clip > 0:
            limit = max(int(clip * total / bins), 1)
            cut = np.maximum(counts - limit, 0).sum()
            counts = np.minimum(counts, limit) + cut // bins
            rest = cut % bins
            counts[::max(bins // max(rest, 1), 1)][:rest] += 1
        shares = np.cumsum(counts).astype(np.float32) * (np.float32(most) / np.float32(total))
        tables[y, x] = np.minimum(shares, most)
    return tables, sides


def blended(tables, sides, places):
    """What the four tables around each pixel say for it, in 32-bit floats as OpenCV has it."""
    def between(len, side, count):
        position = np.arange(len, dtype=np.float32) * (np.float32(1) / np.float32(side))
        position -= np.float32(0.5)
        before = np.floor(position)
        return before.clip(0, None).astype(int), (before + 1).clip(0, count - 1).astype(int), \
            position - before

    (top, bottom, down), (left, right, along) = (
        between(*each) for each in zip(places.shape, sides, tables.shape))
    first = np.nan_to_num(np.floor(places)).astype(int)
    part = (places - first).astype(np.float32)

    def look_up(y, x):
        a, b = (tables[y[:, None], x, bin]
                for bin in [first, (first + 1).clip(0, tables.shape[2] - 1)])
        return a + (b - a) * part

    above, below = (look_up(y, left) * (1 - along) + look_up(y, right) * along
                    for y in [top, bottom])
    return above * (1 - down)[:, None] + below * down[:, None]

