//! Which pixels are neighbours.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which pixels touch each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Connectivity {
    /// Those that share a side.
    #[default]
    Four,
    /// Those that share a side or a corner.
    Eight,
}
