//! Image operations as pipeline steps.
