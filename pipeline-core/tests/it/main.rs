//! The crate from outside: one module per subject.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod toy;

mod file;
mod file_limits;
mod file_random;
