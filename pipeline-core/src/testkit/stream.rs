//! The contracts of [`Source`] and [`Sink`].

use super::dice::Dice;
use super::guard::no_panic;
use crate::data::{Image, Layout, SampleType};
use crate::error::{CancelReason, Error, Result};
use crate::step::{Context, Host, ImageRows, Progress, Rows, Sink, Source, gather};

/// Puts a source through its contract; returns the image that it gives.
///
/// What is checked:
///
/// - it can be opened as often as one likes, and the rows be left unread,
/// - each time layout and profile are the same, and the rows too, however many are read at a time
///   and whatever else is open,
/// - behind the last row there is an error,
/// - after a cancel rows come as before, or the error of the cancel.
///
/// # Panics
/// If the source does not keep the contract.
///
/// ```
/// use pipeline_core::step::{ImageRows, Rows, Source};
/// use pipeline_core::testkit::{image_of, stream};
/// use pipeline_core::{Context, Image, Result};
///
/// /// Gives an image that is there.
/// struct Shelf(Image);
///
/// impl Source for Shelf {
///     fn open<'a>(&'a self, _: &Context<'a>) -> Result<Box<dyn Rows + 'a>> {
///         Ok(Box::new(ImageRows::new(&self.0)))
///     }
/// }
///
/// let image = image_of::<u8>(&[&[0, 50], &[100, 150]]);
/// assert_eq!(stream::check_source(&Shelf(image.clone()), &Context::default()), image);
/// ```
#[must_use]
pub fn check_source(source: &dyn Source, ctx: &Context<'_>) -> Image {
    let open = || {
        no_panic("the source is opened", || source.open(ctx))
            .unwrap_or_else(|error| panic!("the source is opened: {error}"))
    };
    let (first, unread) = (open(), open());
    let (layout, icc) = (first.layout(), first.icc());
    let _ = no_panic("the bytes beside the rows", || first.aside());
    let image = no_panic("all rows are read", || gather(first))
        .unwrap_or_else(|error| panic!("all rows are read: {error}"));
    drop(unread);

    let mut dice = Dice::new(u64::from(layout.height));
    let mut random = || 1 + dice.below(layout.height);
    let mut counts: [&mut dyn FnMut() -> u32; 3] = [&mut || 1, &mut || 3, &mut random];
    for count in &mut counts {
        let (mut rows, mut beside) = (open(), open());
        let same = rows.layout() == layout && rows.icc() == icc;
        assert!(same, "the layout or profile differs from that of the first time");
        let mut at = 0;
        while at < layout.height {
            let some = count().min(layout.height - at);
            let there = part(&image, at, some);
            for rows in [&mut rows, &mut beside] {
                let found = read(&mut **rows, some).unwrap_or_else(|error| {
                    panic!("{some} rows are read from row {at}: {error}");
                });
                assert!(found == there, "{some} rows from row {at} differ from those of all");
            }
            at += some;
        }
        assert!(read(&mut *rows, 1).is_err(), "there is a row behind the last one");
    }

    let cancelled = Context { host: &Stopped, ..*ctx };
    match no_panic("after a cancel", || source.open(&cancelled).and_then(gather)) {
        Ok(found) => assert!(found == image, "after a cancel the image is another one"),
        Err(error) => assert!(is_cancel(&error), "after a cancel: {error}"),
    }
    image
}

/// Puts a sink through its contract, with an image that it takes some ten times.
///
/// What is checked:
///
/// - all rows are read, and none behind the last,
/// - the error of rows that do not come is passed on, whichever they are, and no rows are asked for
///   after it,
/// - after a cancel there is the error of the cancel, or the image was taken as a whole,
/// - the bytes beside the rows are told for images of any layout, and those of other channels and
///   samples are refused with an error, or their rows are read.
///
/// # Panics
/// If the sink does not keep the contract.
///
/// ```
/// use pipeline_core::step::{Rows, Sink};
/// use pipeline_core::testkit::{image_of, stream};
/// use pipeline_core::{Context, Layout, Result};
///
/// /// Reads all and keeps nothing.
/// struct Drain;
///
/// impl Sink for Drain {
///     fn write(&self, rows: &mut dyn Rows, _: &Context<'_>) -> Result<()> {
///         let layout = rows.layout();
///         let mut row = vec![0; layout.row_len() * layout.sample.size()];
///         (0..layout.height).try_for_each(|_| rows.read(&mut row))
///     }
///
///     fn aside(&self, layout: Layout) -> u64 {
///         (layout.row_len() * layout.sample.size()) as u64
///     }
/// }
///
/// stream::check_sink(&Drain, &image_of::<u8>(&[&[0, 50], &[100, 150]]), &Context::default());
/// ```
pub fn check_sink(sink: &dyn Sink, image: &Image, ctx: &Context<'_>) {
    let write = |rows: &mut CutRows<'_>, ctx: &Context<'_>| {
        no_panic("rows are taken", || sink.write(rows, ctx))
    };
    let height = image.layout().height;
    let mut rows = CutRows::new(image, height);
    write(&mut rows, ctx).unwrap_or_else(|error| panic!("rows are taken: {error}"));
    assert!(rows.at == height, "{} of {height} rows were read", rows.at);

    for missing in [0, 1, height / 2, height - 1] {
        let mut rows = CutRows::new(image, missing.min(height - 1));
        let written = write(&mut rows, ctx);
        let Err(error) = written else { panic!("taken, though row {missing} did not come") };
        let passed_on = error.to_string() == LOST || error.causes().iter().any(|e| e == LOST);
        assert!(passed_on, "row {missing} did not come, but the error is: {error}");
    }

    let cancelled = Context { host: &Stopped, ..*ctx };
    let mut rows = CutRows::new(image, height);
    match write(&mut rows, &cancelled) {
        Ok(()) => assert!(rows.at == height, "taken after a cancel, but not all rows were read"),
        Err(error) => assert!(is_cancel(&error), "after a cancel: {error}"),
    }

    let (right, aside) = (image.layout(), |layout| {
        no_panic(format_args!("the bytes beside the rows of {layout}"), || sink.aside(layout));
    });
    for (width, height) in [(1, 1), (right.width, 1), (u32::MAX, 2), (u32::MAX, u32::MAX)] {
        aside(Layout { width, height, ..right });
    }
    let samples = [SampleType::U8, SampleType::U16, SampleType::F32];
    let samples = samples.map(|sample| Layout { sample, ..right });
    let channels = [1, 2, 3, 4, 5, 300].map(|channels| Layout { channels, ..right });
    for layout in samples.into_iter().chain(channels) {
        aside(layout);
        let during = format_args!("an image of {layout}");
        let taken = no_panic(during, || sink.write(&mut Nothing(layout), ctx));
        assert!(taken.is_err(), "{during} was taken, though no row of it came");
    }
}

/// Whoever asks was cancelled.
struct Stopped;

impl Host for Stopped {
    fn interrupted(&self, _: u32) -> Option<CancelReason> {
        Some(CancelReason::User)
    }

    fn progress(&self, _: u32, _: Progress) {}
}

/// The error of rows that do not come.
const LOST: &str = "this row was lost on the way";

/// The rows of an image before one that does not come.
struct CutRows<'a> {
    image: &'a Image,
    rows: ImageRows<'a>,
    /// The next row.
    at: u32,
    /// The first row that does not come.
    end: u32,
    has_failed: bool,
}

impl<'a> CutRows<'a> {
    fn new(image: &'a Image, end: u32) -> Self {
        Self { image, rows: ImageRows::new(image), at: 0, end, has_failed: false }
    }
}

impl Rows for CutRows<'_> {
    fn layout(&self) -> Layout {
        self.image.layout()
    }

    fn icc(&self) -> Option<std::sync::Arc<[u8]>> {
        self.rows.icc()
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        assert!(!self.has_failed, "rows are asked for after others did not come");
        let count = count_of(rows, self.layout());
        assert!(
            self.at + count <= self.image.layout().height,
            "{count} rows from row {} are asked for, but there are {}",
            self.at,
            self.image.layout().height
        );
        if self.at + count > self.end {
            self.has_failed = true;
            return Err(Error::failed(LOST));
        }
        self.at += count;
        self.rows.read(rows)
    }
}

/// Rows of an image that is not there.
struct Nothing(Layout);

impl Rows for Nothing {
    fn layout(&self) -> Layout {
        self.0
    }

    fn read(&mut self, rows: &mut [u8]) -> Result<()> {
        count_of(rows, self.0);
        Err(Error::failed(LOST))
    }
}

/// How many rows fit, which must be whole ones and lie right for their samples.
fn count_of(rows: &[u8], layout: Layout) -> u32 {
    let row = layout.row_len() * layout.sample.size();
    let is_aligned = rows.as_ptr().addr().is_multiple_of(layout.sample.size());
    assert!(
        rows.len().is_multiple_of(row) && is_aligned,
        "{} bytes at {:p} are asked for, expected whole rows of {row} bytes, aligned for {}",
        rows.len(),
        rows.as_ptr(),
        layout.sample
    );
    u32::try_from(rows.len() / row).unwrap_or(u32::MAX)
}

/// The next rows, as bytes.
fn read(rows: &mut dyn Rows, count: u32) -> Result<Vec<u8>> {
    let layout = rows.layout();
    let len = layout.row_len() * count as usize;
    crate::dispatch!(layout.sample, T => {
        let mut samples = vec![T::default(); len];
        no_panic(format_args!("{count} rows are read"), || {
            rows.read(bytemuck::cast_slice_mut(&mut samples))
        })?;
        Ok(bytemuck::cast_slice(&samples).to_vec())
    })
}

/// The bytes of some rows.
fn part(image: &Image, first: u32, count: u32) -> &[u8] {
    let row = image.layout().row_len() * image.layout().sample.size();
    &image.bytes()[first as usize * row..][..count as usize * row]
}

fn is_cancel(error: &Error) -> bool {
    matches!(error, Error::Cancelled(_))
}
