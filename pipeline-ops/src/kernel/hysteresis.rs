//! Weak pixels that are connected to strong ones: what a pixel may be. The lowest
//! bit says whether it is either, as in a mask.

/// What a pixel is that is not kept.
pub(crate) const NOTHING: u8 = 0;

/// A pixel that is kept if it is connected to a strong one.
pub(crate) const WEAK: u8 = 1;

/// A pixel that is kept.
pub(crate) const STRONG: u8 = 3;
