//! The contracts of the testkit: what keeps them passes, and each can fail.

mod caches;
mod observers;
mod steps;
mod streams;
mod tiles;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Asserts that a check panics with a message that has `text` in it.
#[track_caller]
fn refuses(text: &str, check: impl FnOnce()) {
    let payload = match catch_unwind(AssertUnwindSafe(check)) {
        Ok(()) => panic!("passed, expected a refusal with `{text}`"),
        Err(payload) => payload,
    };
    let message = payload.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default();
    assert!(message.contains(text), "refused with `{message}`, expected `{text}`");
}
