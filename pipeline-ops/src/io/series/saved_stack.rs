//! The frames of a file that was saved.

use pipeline_core::step::CutOff;
use pipeline_core::{Context, In, Result, Spec, Stack, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::save_frame::FrameFile;
use crate::measure::Table;

/// Opens a file once all its frames are saved.
///
/// So what needs a result of all frames and then each frame again, such as a picture of tracks,
/// reads the frames back instead of keeping them in memory meanwhile. That result may be wired to
/// `after`: otherwise frames are read, and fill the memory that there is, while it is made.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | frame file | – | – | the file after its last frame | – |
/// | `after` | table, may be left out | – | f64 | any: only waited for | – |
/// | `out` | stack | T Y X C | as saved | as saved | as saved |
///
/// **Border**: nothing lies beyond the edge of a file. **NaN** and infinity stay.
/// **Cost**: as `open_stack`; of memory eight bytes per frame. There are no tiles.
/// **Errors**: a file that lacks frames; one that cannot be read.
///
/// **Source**: as `open_stack`.
///
/// ```
/// use pipeline_core::{Context, Image, In, Step};
/// use pipeline_ops::io::{SaveFrame, SavedStack};
///
/// let path = std::env::temp_dir().join(format!("saved-stack-{}.tif", std::process::id()));
/// let image = Image::from_samples(3, 1, 1, vec![
///     0u16, 100, 255,
/// ])?;
/// let ctx = Context::default();
/// let file = SaveFrame::path(&path).run((In::new(image.clone()), None), &ctx)?;
/// let out = SavedStack {}.run((In::new(file), None), &ctx)?;
/// assert_eq!((out.frames(), out.frame(0)?.bytes()), (1, image.bytes()));
/// # std::fs::remove_file(path).ok();
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SavedStack {}

impl Step for SavedStack {
    const NAME: &'static str = "saved_stack";
    const INPUTS: &'static [&'static str] = &["in", "after"];
    type Input = (In<FrameFile>, Option<In<Table>>);
    type Output = Stack;

    fn run(&self, (file, _): Self::Input, _: &Context<'_>) -> Result<Stack> {
        file.open()?.stack(0, 0, 0)
    }

    fn spec(&self) -> Spec {
        Spec::default().cut_off(CutOff::Never).blocking()
    }
}
