//! What the crate promises, from the outside.

mod run;
mod toy;
