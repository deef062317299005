//! Structuring elements.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The pixels that a flat structuring element of radius r sees, as offsets from its middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// `|x| ≤ r` and `|y| ≤ r`.
    #[default]
    Square,
    /// `x² + y² ≤ r²`.
    Disk,
    /// `|x| ≤ r` and `y = 0`, or `x = 0` and `|y| ≤ r`.
    Cross,
}
