//! What the pages of a TIFF file are of: fields of view, channels, slices and times.

use pipeline_core::{Error, Result};
use roxmltree::{Document, Node, ParsingOptions};

use super::pages::Pages;

/// The most planes that fields of view may have, beyond so many for each page that there is.
const MOST: usize = 1 << 20;
const MOST_PER_PAGE: usize = 16;

/// A field of view, and which page each of its planes is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) channels: Vec<String>,
    pub(super) slices: usize,
    pub(super) frames: usize,
    /// Seconds from a frame to the next, if the file says so.
    pub(super) interval: Option<f64>,
    /// Micrometres from a pixel to the next.
    pub(super) pixel: Option<f64>,
    /// By frame, slice and channel, of which the last one changes first; none of planes that the
    /// file does not have.
    pub(super) pages: Vec<Option<usize>>,
}

impl Field {
    /// The first frame of which not all can be there in a file of these pages: no plane of it is,
    /// or one is said to be on a page that the file does not have.
    pub(super) fn missing(&self, pages: &Pages) -> Option<usize> {
        let is_there = |page: &Option<usize>| page.is_some_and(|page| page < pages.starts.len());
        let mut frames = self.pages.chunks(self.slices * self.channels.len());
        frames.position(|planes| {
            let is_beyond = planes.iter().any(|page| page.is_some() && !is_there(page));
            is_beyond || !planes.iter().any(is_there)
        })
    }

    pub(super) fn page(&self, channel: usize, slice: usize, frame: usize) -> Option<usize> {
        self.pages[(frame * self.slices + slice) * self.channels.len() + channel]
    }
}

/// The fields of view of a file of these pages with this description, if it has one. Where the file
/// is cut off, only a description can say what there was.
pub(super) fn fields(description: Option<&str>, name: &str, pages: &Pages) -> Result<Vec<Field>> {
    let text = description.unwrap_or_default();
    if text.contains("<OME") && text.contains("</OME>") {
        return ome(text, name, pages);
    }
    let most = most_planes(pages);
    let (pages, is_cut_off) = (pages.starts.len(), pages.is_cut_off);
    let mut sizes = None;
    let mut interval = None;
    if text.starts_with("ImageJ=") {
        let number = |key: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            value.map(str::trim)
        };
        let count = |key| number(key).and_then(|n| n.parse().ok()).filter(|&n| n >= 1).unwrap_or(1);
        let told = [count("channels"), count("slices"), count("frames")];
        // Only if it is all of the file; a stack of slices alone is one over time.
        let planes = told.iter().try_fold(1usize, |product, &n| product.checked_mul(n));
        if pages == 1 && planes != Some(1) && !is_cut_off {
            // ImageJ writes stacks of 4 GB and more behind one page.
            let expected = "a page for each; save it as OME-TIFF";
            return Err(Error::input("the frames", format!("{told:?} on one page"), expected));
        }
        if planes.is_some_and(|n| n == pages || is_cut_off && (pages..=most).contains(&n)) {
            sizes = Some(if told[2] == 1 && told[1] > 1 { [told[0], 1, told[1]] } else { told });
        }
        interval = number("finterval").and_then(|n| n.parse().ok()).filter(|&n: &f64| n > 0.0);
    }
    if is_cut_off && sizes.is_none() {
        let found = format!("those of {pages} pages, and it is cut off");
        return Err(Error::input("the frames", found, "a file that is whole"));
    }
    let [channels, slices, frames] = sizes.unwrap_or([1, 1, pages]);
    Ok(vec![Field {
        name: "field_000".to_owned(),
        channels: (0..channels).map(|channel| format!("channel_{channel}")).collect(),
        slices,
        frames,
        interval,
        pixel: None,
        pages: (0..channels * slices * frames).map(Some).collect(),
    }])
}

/// What OME-XML says: <https://docs.openmicroscopy.org/ome-model/>.
fn ome(text: &str, file: &str, pages: &Pages) -> Result<Vec<Field>> {
    let fail = |what: String| Error::input("the OME description", what, "valid OME-XML");
    let options = ParsingOptions { nodes_limit: 1 << 24, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| fail(e.to_string()))?;
    let mut left = most_planes(pages);
    let images = document.descendants().filter(|node| node.has_tag_name_of("Image"));
    let fields: Vec<Field> = images
        .enumerate()
        .filter_map(|(at, image)| Some((at, image, image.child("Pixels")?)))
        .map(|(at, image, pixels)| field((at, image), pixels, file, &mut left))
        .collect::<Result<_>>()?;
    if fields.is_empty() {
        return Err(fail("no image".to_owned()));
    }
    Ok(fields)
}

/// What a description may say that there is, in memory that a small file may ask for.
fn most_planes(pages: &Pages) -> usize {
    pages.starts.len().saturating_mul(MOST_PER_PAGE).saturating_add(MOST)
}

/// A field of view, of which there are `left` planes at the most.
fn field(
    (at, image): (usize, Node<'_, '_>),
    pixels: Node<'_, '_>,
    file: &str,
    left: &mut usize,
) -> Result<Field> {
    let size = |name: &str| -> Result<u64> {
        let text = pixels.attribute(name).unwrap_or("1");
        let size = text.parse().ok().filter(|&size| size >= 1);
        size.ok_or_else(|| Error::input(format!("{name} of OME"), text, "1 and more"))
    };
    let named: Vec<Node<'_, '_>> =
        pixels.children().filter(|node| node.has_tag_name_of("Channel")).collect();
    let samples = named.first().and_then(|node| node.attribute("SamplesPerPixel")?.parse().ok());
    let channels = size("SizeC")? / samples.unwrap_or(1u64).max(1);
    let (channels, slices, frames) = (channels.max(1), size("SizeZ")?, size("SizeT")?);
    let planes = channels.checked_mul(slices).and_then(|planes| planes.checked_mul(frames));
    let rest = planes.and_then(|planes| left.checked_sub(usize::try_from(planes).ok()?));
    *left = rest.ok_or_else(|| {
        let found = format!("{frames} × {slices} × {channels}");
        Error::input("the planes of OME", found, format!("at most {left}, for this file"))
    })?;
    let planes = planes.unwrap_or_default();
    let [channels, slices, frames, planes] =
        [channels, slices, frames, planes].map(|n| usize::try_from(n).unwrap_or(usize::MAX));
    let mut field = Field {
        name: image.attribute("Name").map_or_else(|| format!("field_{at:03}"), str::to_owned),
        channels: (0..channels)
            .map(|at| named.get(at).and_then(|node| node.attribute("Name")))
            .zip(0..)
            .map(|(name, at)| name.map_or_else(|| format!("channel_{at}"), str::to_owned))
            .collect(),
        slices,
        frames,
        interval: quantity(pixels, "TimeIncrement", &TIMES),
        pixel: quantity(pixels, "PhysicalSizeX", &LENGTHS),
        pages: vec![None; planes],
    };
    let order = pixels.attribute("DimensionOrder").unwrap_or("XYCZT");
    let is_order = order.len() == 5 && "XYCZT".chars().all(|axis| order.contains(axis));
    if !is_order {
        return Err(Error::input("the order of OME", order, "X, Y, C, Z and T, each once"));
    }
    // Elements may name the same planes again and again.
    let mut turns = planes.saturating_mul(MOST_PER_PAGE);
    for data in pixels.children().filter(|node| node.has_tag_name_of("TiffData")) {
        place(&mut field, order, data, file, &mut turns)?;
    }
    Ok(field)
}

/// Puts the pages that an element names into their places.
fn place(
    field: &mut Field,
    order: &str,
    data: Node<'_, '_>,
    file: &str,
    turns: &mut usize,
) -> Result<()> {
    let elsewhere = data.child("UUID").and_then(|node| node.attribute("FileName"));
    if let Some(other) = elsewhere.filter(|&other| other != file) {
        return Err(Error::input("a plane of OME", format!("in the file {other}"), "in this file"));
    }
    let number = |name: &str| data.attribute(name).and_then(|text| text.parse::<usize>().ok());
    let sizes = |axis| match axis {
        'C' => field.channels.len(),
        'Z' => field.slices,
        'T' => field.frames,
        _ => 1,
    };
    // The axes from the one that changes first, with where the first plane stands.
    let axes: Vec<(char, usize, usize)> = order
        .chars()
        .filter(|axis| "CZT".contains(*axis))
        .map(|axis| (axis, sizes(axis), number(&format!("First{axis}")).unwrap_or(0)))
        .collect();
    let mut first = 0usize;
    for &(_, size, at) in axes.iter().rev() {
        if at >= size {
            return Err(Error::input("the first plane of OME", at, format!("0 to {}", size - 1)));
        }
        first = first * size + at;
    }
    let ifd = number("IFD");
    let rest = field.pages.len() - first;
    let count = number("PlaneCount").unwrap_or(if ifd.is_some() { 1 } else { rest });
    let count = count.min(rest);
    *turns = turns.checked_sub(count).ok_or_else(|| {
        let expected = format!("each plane once, or {MOST_PER_PAGE} times at the most");
        Error::input("the planes of OME", "the same ones again and again", expected)
    })?;
    for step in 0..count {
        let (mut left, mut place) = (first + step, [0; 3]);
        for &(axis, size, _) in &axes {
            let at = "TZC".find(axis).unwrap_or(0);
            (place[at], left) = (left % size, left / size);
        }
        let [frame, slice, channel] = place;
        let place = (frame * field.slices + slice) * field.channels.len() + channel;
        if let Some(page) = field.pages.get_mut(place) {
            *page = ifd.unwrap_or(0).checked_add(step);
        }
    }
    Ok(())
}

/// Units, and how many of ours one of them is.
type Units = [(&'static str, f64)];

const TIMES: [(&str, f64); 6] =
    [("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("min", 60.0), ("h", 3600.0), ("d", 86_400.0)];

const LENGTHS: [(&str, f64); 5] = [("µm", 1.0), ("um", 1.0), ("nm", 1e-3), ("mm", 1e3), ("m", 1e6)];

/// A number with its unit, of which the first is meant where none is given.
fn quantity(pixels: Node<'_, '_>, name: &str, units: &Units) -> Option<f64> {
    let number = pixels.attribute(name)?.parse::<f64>().ok()?;
    let unit = pixels.attribute(&*format!("{name}Unit"));
    let factor = match unit {
        Some(unit) => units.iter().find(|(name, _)| *name == unit)?.1,
        None => units[0].1,
    };
    Some(number * factor).filter(|number| number.is_finite() && *number > 0.0)
}

/// Elements by their local names: versions of OME differ in their name spaces.
trait Named: Sized {
    fn has_tag_name_of(&self, name: &str) -> bool;
    fn child(&self, name: &str) -> Option<Self>;
}

impl Named for Node<'_, '_> {
    fn has_tag_name_of(&self, name: &str) -> bool {
        self.tag_name().name() == name
    }

    fn child(&self, name: &str) -> Option<Self> {
        self.children().find(|node| node.has_tag_name_of(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(count: u64, is_cut_off: bool) -> Pages {
        let mut pages = Pages::default();
        (pages.starts, pages.is_cut_off) = ((0..count).collect(), is_cut_off);
        pages
    }

    fn pixels(inside: &str) -> Result<Vec<Field>> {
        let text = format!("<OME><Image Name=\"well\"><Pixels {inside}</Pixels></Image></OME>");
        fields(Some(&text), "here.ome.tif", &pages(12, false))
    }

    #[test]
    fn planes_stand_in_the_order_that_is_told() {
        let sizes = r#"SizeC="2" SizeZ="2" SizeT="3" TimeIncrement="2" TimeIncrementUnit="min""#;
        let [field] =
            &pixels(&format!(r#"DimensionOrder="XYZCT" {sizes}><TiffData/>"#)).unwrap()[..]
        else {
            panic!("one field")
        };
        assert_eq!((&*field.name, field.interval, field.pixel), ("well", Some(120.0), None));
        assert_eq!(field.channels, ["channel_0", "channel_1"]);
        // Slices first, then channels, then times.
        assert_eq!(
            [(0, 1, 0), (1, 0, 0), (0, 0, 1)].map(|(c, z, t)| field.page(c, z, t)),
            [Some(1), Some(2), Some(4)]
        );
        let data = r#"<TiffData IFD="7" FirstC="1" FirstT="2" PlaneCount="2"/>"#;
        let field = &pixels(&format!(r#"DimensionOrder="XYCZT" {sizes}>{data}"#)).unwrap()[0];
        assert_eq!((field.page(1, 0, 2), field.page(0, 1, 2)), (Some(7), Some(8)));
        assert_eq!(field.pages.iter().flatten().count(), 2);
    }

    #[test]
    fn what_is_not_as_it_should_be_is_an_error() {
        for (inside, expected) in [
            (r#"SizeT="0">"#, "SizeT"),
            (r#"SizeC="1"><TiffData FirstC="1"/>"#, "first plane"),
            (r#"SizeT="99999999999">"#, "at most"),
            (r#"><TiffData><UUID FileName="there.tif"/></TiffData>"#, "there.tif"),
            ("><Broken>", "valid OME-XML"),
            (r#"DimensionOrder="XYZZT" SizeZ="10"><TiffData FirstZ="9"/>"#, "each once"),
            (&*format!(r#"SizeT="3">{}"#, "<TiffData/>".repeat(20)), "again and again"),
        ] {
            let error = pixels(inside).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn stacks_without_a_description_are_one_channel_over_time() {
        let plain = &fields(None, "a.tif", &pages(5, false)).unwrap()[0];
        assert_eq!((plain.frames, plain.channels.len(), plain.page(0, 0, 4)), (5, 1, Some(4)));
        let text = "ImageJ=1.53\nimages=6\nchannels=2\nframes=3\nfinterval=0.5\n";
        let hyper = &fields(Some(text), "a.tif", &pages(6, false)).unwrap()[0];
        assert_eq!((hyper.frames, hyper.interval, hyper.page(1, 0, 2)), (3, Some(0.5), Some(5)));
        let text = "ImageJ=1.53\nslices=6\n";
        let slices = &fields(Some(text), "a.tif", &pages(6, false)).unwrap()[0];
        assert_eq!((slices.frames, slices.slices), (6, 1));
        // Of what is cut off the description says how much there was.
        let slices = &fields(Some(text), "a.tif", &pages(4, true)).unwrap()[0];
        assert_eq!((slices.frames, slices.page(0, 0, 5)), (6, Some(5)));
        assert_eq!(slices.missing(&pages(4, true)), Some(4));
        // Many frames behind one page, and one frame.
        assert!(fields(Some(text), "a.tif", &pages(1, false)).is_err());
        assert_eq!(fields(Some("ImageJ=1.53\n"), "a.tif", &pages(1, false)).unwrap()[0].frames, 1);
        let much = "ImageJ=1.53\nchannels=16777216\n";
        assert!(fields(Some(much), "a.tif", &pages(4, true)).is_err());
        let error = fields(None, "a.tif", &pages(4, true)).unwrap_err().to_string();
        assert!(error.contains("it is cut off"), "{error}");
    }
}
