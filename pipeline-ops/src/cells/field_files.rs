//! Where the files of a field of view are.

use std::path::{Path, PathBuf};

/// The files that are made of a field of view, under the names that `pyama` gives them: in a folder
/// for each field, `fov_000/movie_fov_000_seg_ch_0.tif`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFiles {
    /// The folder, and how all names in it begin.
    folder: PathBuf,
    stem: String,
    stack_extension: &'static str,
}

impl FieldFiles {
    /// The files of field `fov` of a movie, below the folder `output`.
    pub(super) fn new(movie: &str, output: &Path, fov: u32, stack_extension: &'static str) -> Self {
        let name = item_name(fov);
        let stem = format!("{movie}_{name}");
        Self { folder: output.join(name), stem, stack_extension }
    }

    fn of(&self, what: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{}_{what}.{extension}", self.stem))
    }

    /// A copy of the channel that cells are found in.
    #[must_use]
    pub fn phase(&self, channel: u32) -> PathBuf {
        self.of(&format!("pc_ch_{channel}"), self.stack_extension)
    }

    /// A copy of a channel that is measured.
    #[must_use]
    pub fn signal(&self, channel: u32) -> PathBuf {
        self.of(&format!("fl_ch_{channel}"), self.stack_extension)
    }

    /// Where there are cells, frame by frame.
    #[must_use]
    pub fn masks(&self, channel: u32) -> PathBuf {
        self.of(&format!("seg_ch_{channel}"), self.stack_extension)
    }

    /// The cells of each frame, numbered in each.
    #[must_use]
    pub fn labels(&self, channel: u32) -> PathBuf {
        self.of(&format!("labels_ch_{channel}"), "tif")
    }

    /// The cells of each frame under the numbers of their tracks.
    #[must_use]
    pub fn tracked(&self, channel: u32) -> PathBuf {
        self.of(&format!("seg_labeled_ch_{channel}"), self.stack_extension)
    }

    /// A channel without its background.
    #[must_use]
    pub fn corrected(&self, channel: u32) -> PathBuf {
        self.of(&format!("fl_corrected_ch_{channel}"), self.stack_extension)
    }

    /// What is behind the cells of a channel.
    #[must_use]
    pub fn background(&self, channel: u32) -> PathBuf {
        self.of(&format!("fl_background_ch_{channel}"), self.stack_extension)
    }

    /// Which object of which frame belongs to which track.
    #[must_use]
    pub fn tracks(&self) -> PathBuf {
        self.of("tracks", "csv")
    }

    /// The traces of all channels.
    #[must_use]
    pub fn traces(&self) -> PathBuf {
        self.of("traces", "csv")
    }

    /// The traces of one channel.
    #[must_use]
    pub fn traces_of(&self, channel: u32) -> PathBuf {
        self.of(&format!("traces_ch_{channel}"), "csv")
    }

    /// The traces of one channel as a plot.
    #[must_use]
    pub fn plot(&self, channel: u32) -> PathBuf {
        self.of(&format!("traces_ch_{channel}"), "svg")
    }

    /// A frame with the outlines and numbers of its cells.
    #[must_use]
    pub fn overlay(&self, frame: u32) -> PathBuf {
        self.of(&format!("overlay_t_{frame:03}"), "png")
    }
}

/// What a field of view is called.
pub(super) fn item_name(fov: u32) -> String {
    format!("fov_{fov:03}")
}
