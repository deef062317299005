//! What the crate promises, from the outside.

mod patience;
mod run;
mod toy;
