//! The flag that tells a run to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{CancelReason, Error, Result};

/// Tells a run to stop, once and for good. Cloning shares the flag.
///
/// The first reason wins; nothing resets it.
#[derive(Debug, Clone, Default)]
pub struct CancelToken(Arc<AtomicU8>);

const REASONS: [CancelReason; 5] = [
    CancelReason::User,
    CancelReason::Superseded,
    CancelReason::Timeout,
    CancelReason::PeerFailed,
    CancelReason::Shutdown,
];

impl CancelToken {
    /// A token that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the token. Returns whether this call was the first to do so.
    pub fn cancel(&self, reason: CancelReason) -> bool {
        let place = REASONS.iter().position(|&known| known == reason).unwrap_or(0);
        let code = u8::try_from(place).expect("there are five reasons") + 1;
        self.0.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Why the run must stop, if it must.
    #[must_use]
    #[inline]
    pub fn reason(&self) -> Option<CancelReason> {
        let code = self.0.load(Ordering::Acquire);
        if code == 0 { None } else { REASONS.get(usize::from(code) - 1).copied() }
    }

    /// Whether the token is set.
    #[must_use]
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire) != 0
    }

    /// An error if the token is set.
    ///
    /// # Errors
    /// [`Error::Cancelled`] with the reason.
    #[inline]
    pub fn check(&self) -> Result<()> {
        self.reason().map_or(Ok(()), |reason| Err(Error::Cancelled(reason)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_wins() {
        let token = CancelToken::new();
        assert!(token.check().is_ok());
        assert!(token.cancel(CancelReason::Superseded));
        assert!(!token.clone().cancel(CancelReason::User));
        assert_eq!(token.reason(), Some(CancelReason::Superseded));
    }
}
