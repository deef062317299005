//! Tracks on a frame of a movie.

use std::ops::RangeInclusive;

use pipeline_core::data::{Raster, leftovers};
use pipeline_core::{
    ColorSpace, Context, Error, Image, In, Labels, Layout, Result, SampleType, Step,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kernel::{HEIGHT, Region, WIDTH, add_row, hue_of, inked, is_near_another};
use crate::measure::Table;
use crate::{check, passes};

/// Numbers of frames.
const FRAMES: RangeInclusive<u32> = 0..=16_777_215;

/// How wide outlines may be.
const LINE: RangeInclusive<u32> = 1..=16;

/// How many times the font is enlarged.
const SCALE: RangeInclusive<u32> = 1..=64;

/// The outlines of objects that have no track.
const NO_TRACK: [u8; 3] = [190; 3];

/// Draws the outlines of the objects of a frame in the colours of their tracks, with their numbers.
///
/// A pixel of an object is drawn if one of the pixels up to `line` away from it, in its row or its
/// column, has another label. A track has the same colour in every frame, of eight that come in
/// turn, and in `save_plot`. Objects without a track have outlines of one gray pixel. Numbers are
/// white with black around them, in the font of `text`, in the middle of the pixels of the object,
/// or as near to it as the image allows.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | image | Y X C | u8 | any | 1 or 3 |
/// | `labels` | labels | Y X | u32 | any, in the size of `in` | – |
/// | `tracks` | table | – | f64 | the tracks that `link` made: `frame`, `label`, `track` | – |
/// | `out` | image | Y X C | u8 | those of `in`, and the colours; sRGB | 3 |
///
/// Of other samples a `rescale` step with percentiles makes a good range, and `convert` bytes.
/// Tracks of other frames are not looked at.
///
/// **Border**: the edge of the image is no outline. **NaN**: neither bytes nor labels have any.
/// **Cost**: a copy of the image, `4 line + 2` look-ups for each pixel of an object, and one pass
/// over the table; the memory of the result and of the sums of each object. There are no tiles.
/// **Errors**: other samples or channels; labels of another size; a table without the columns that
/// are needed, or with an object that the labels do not have; a parameter outside its range.
///
/// **Source**: the outlines are those of `outline_labels` on the inner side if `line` is 1.
///
/// ```
/// use pipeline_core::{Context, Image, In, Labels, Step};
/// use pipeline_ops::draw::DrawTracks;
/// use pipeline_ops::measure::Table;
///
/// let image = Image::from_samples(4, 3, 1, vec![9u8; 12])?;
/// let labels = Labels::new(4, 3, vec![
///     1, 1, 0, 0,
///     1, 1, 0, 0,
///     1, 1, 0, 0,
/// ])?;
/// let tracks = Table::new(vec![
///     ("frame", vec![5.0]), ("label", vec![1.0]), ("track", vec![2.0]),
/// ])?;
/// let step = DrawTracks { frame: 5, line: 1, numbers: false, ..DrawTracks::default() };
/// let inputs = (In::new(image), In::new(labels), In::new(tracks));
/// let out = step.run(inputs, &Context::default())?;
/// // The second column is orange.
/// assert_eq!(out.samples::<u8>().map(|samples| &samples[..12]), Some(&[
///     9, 9, 9,   255, 154, 46,   9, 9, 9,   9, 9, 9,
/// ][..]));
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DrawTracks {
    /// Which frame of the movie it is, from 0 on. 0 to 16777215, a number without a unit, default
    /// 0.
    #[schemars(range(min = *FRAMES.start(), max = *FRAMES.end()))]
    pub frame: u32,
    /// How wide outlines are. 1 to 16 px, default 2.
    #[schemars(range(min = *LINE.start(), max = *LINE.end()), extend("x-unit" = "px"))]
    pub line: u32,
    /// Whether the numbers of tracks are written; default true.
    pub numbers: bool,
    /// Pixels of the image, along each axis, for a pixel of the font. 1 to 64 px, default 1.
    #[schemars(range(min = *SCALE.start(), max = *SCALE.end()), extend("x-unit" = "px"))]
    pub scale: u32,
}

impl Default for DrawTracks {
    fn default() -> Self {
        Self { frame: 0, line: 2, numbers: true, scale: 1 }
    }
}

impl DrawTracks {
    fn allow(&self, image: Layout, labels: &Labels) -> Result<()> {
        check::within("frame", self.frame, &FRAMES, "")?;
        check::within("line", self.line, &LINE, "px")?;
        check::within("scale", self.scale, &SCALE, "px")?;
        if image.sample != SampleType::U8 || !matches!(image.channels, 1 | 3) {
            let expected = "gray or RGB of u8; put `rescale` and `convert` steps before";
            return Err(Error::input("the image", image, expected));
        }
        check::rgb(image)?;
        let [of_labels, of_image] =
            [(labels.width(), labels.height()), (image.width, image.height)];
        check::same_size(("`labels`", of_labels), ("`in`", of_image))
    }

    /// The tracks of the labels from 0 on.
    fn tracks(&self, labels: &Labels, table: &Table) -> Result<Vec<Option<f64>>> {
        let column = |name: &str| table.named(name, || "the columns of the tracks".to_owned());
        let (frames, of_labels, of_tracks) = (column("frame")?, column("label")?, column("track")?);
        let mut tracks = vec![None; labels.count() as usize + 1];
        for ((&frame, &label), &track) in frames.iter().zip(of_labels).zip(of_tracks) {
            if frame != f64::from(self.frame) {
                continue;
            }
            if !(1.0..=f64::from(labels.count())).contains(&label) || label.fract() != 0.0 {
                let what = format!("track {track} of frame {frame}");
                let expected =
                    format!("an object of the labels, which are 1 to {}", labels.count());
                return Err(Error::input(what, format_args!("label {label}"), expected));
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it is a number of the labels"
            )]
            let place = label as usize;
            tracks[place] = Some(track);
        }
        Ok(tracks)
    }

    /// The numbers of the tracks and where they begin.
    #[expect(clippy::cast_possible_truncation, reason = "a place in an image")]
    fn names(
        &self,
        labels: &Labels,
        tracks: &[Option<f64>],
        ctx: &Context<'_>,
    ) -> Result<Vec<Name>> {
        let mut regions = vec![Region::default(); tracks.len()];
        for (y, row) in (0u32..).zip(labels.labels().chunks_exact(labels.width() as usize)) {
            ctx.check()?;
            add_row(row, y, &mut regions);
        }
        let scale = i64::from(self.scale);
        let name = |(region, track): (&Region, &Option<f64>)| {
            let text = track.filter(|_| region.area > 0)?.to_string();
            let (x, y) = region.centroid();
            let size = (text.chars().count() as i64 * WIDTH * scale, HEIGHT as i64 * scale);
            let first = |middle: f64, size: i64, side: u32| {
                ((middle + 0.5).round() as i64 - size / 2).min(i64::from(side) - size).max(0)
            };
            let (left, top) = (first(x, size.0, labels.width()), first(y, size.1, labels.height()));
            Some(Name { text, left, top })
        };
        Ok(regions.iter().zip(tracks).filter_map(name).collect())
    }
}

/// A number and where it begins.
#[derive(Debug)]
struct Name {
    text: String,
    left: i64,
    top: i64,
}

impl Name {
    /// Writes what row `y` of the image has of it: first the black around it.
    fn write(&self, y: usize, scale: u32, out: &mut [[u8; 3]]) {
        let row = (y as i64 - self.top).div_euclid(i64::from(scale));
        let place = (self.left, out.len());
        let runs = |row: i64| {
            let row = usize::try_from(row).ok().filter(|&row| row < HEIGHT);
            row.into_iter().flat_map(|row| inked(&self.text, row, scale, place))
        };
        let around = scale as usize;
        for run in (row - 1..=row + 1).flat_map(runs) {
            let end = out.len().min(run.end + around);
            out[run.start.saturating_sub(around)..end].fill([0; 3]);
        }
        runs(row).for_each(|run| out[run].fill([255; 3]));
    }
}

impl Step for DrawTracks {
    const NAME: &'static str = "draw_tracks";
    const INPUTS: &'static [&'static str] = &["in", "labels", "tracks"];
    type Input = (In<Image>, In<Labels>, In<Table>);
    type Output = Image;

    fn run(&self, (image, labels, table): Self::Input, ctx: &Context<'_>) -> Result<Image> {
        self.allow(image.layout(), &labels)?;
        let tracks = self.tracks(&labels, &table)?;
        let names = if self.numbers { self.names(&labels, &tracks, ctx)? } else { Vec::new() };

        let color = if image.channels() == 3 { image.layout().color } else { ColorSpace::Srgb };
        let layout = Layout { channels: 3, color, ..image.layout() };
        let width = layout.width as usize;
        let mut samples =
            leftovers::<u8>(layout.sample_count()?, || format!("an image of {layout}"))?;
        let input = image.view().typed::<u8>()?;
        let rows: Vec<&[u32]> = labels.labels().chunks_exact(width).collect();
        ctx.fill_rows(&mut samples, width * 3, passes::grain(layout.width), |first, out| {
            for (y, out) in (first..).zip(out.chunks_exact_mut(width * 3)) {
                let (out, _) = out.as_chunks_mut::<3>();
                copy(input.row(u32::try_from(y).unwrap_or(u32::MAX)), out);
                for (x, (out, &label)) in out.iter_mut().zip(rows[y]).enumerate() {
                    if label == 0 {
                        continue;
                    }
                    let (color, len) = match tracks[label as usize] {
                        Some(track) => (hue_of(track).light, self.line as usize),
                        None => (NO_TRACK, 1),
                    };
                    if is_near_another(&rows, y, x, len) {
                        *out = color;
                    }
                }
                names.iter().for_each(|name| name.write(y, self.scale, out));
            }
            Ok(())
        })?;
        let profile = image.icc().filter(|_| image.channels() == 3).cloned();
        Ok(Image::from_buffer(layout, samples.into())?.with_icc(profile))
    }
}

/// Copies a row of gray or RGB pixels.
fn copy(row: &[u8], out: &mut [[u8; 3]]) {
    if row.len() == out.len() {
        out.iter_mut().zip(row).for_each(|(out, &gray)| *out = [gray; 3]);
    } else {
        out.copy_from_slice(row.as_chunks().0);
    }
}
