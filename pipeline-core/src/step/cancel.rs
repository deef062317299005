//! The flag that tells a run to stop.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::error::{CancelReason, Error, Result};

/// Tells runs to stop, once and for good. Cloning shares the flag.
///
/// The first reason wins; nothing resets it.
#[derive(Clone, Default)]
pub struct CancelToken(Arc<Shared>);

#[derive(Default)]
struct Shared {
    reason: AtomicU8,
    listeners: Mutex<Vec<Weak<dyn OnCancel>>>,
}

/// Who wants to know at once.
pub(crate) trait OnCancel: Send + Sync {
    /// Called once, on the thread that set the token.
    fn cancelled(self: Arc<Self>, reason: CancelReason);
}

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
    #[expect(clippy::must_use_candidate, reason = "called for what it does")]
    pub fn cancel(&self, reason: CancelReason) -> bool {
        if !self.set(reason) {
            return false;
        }
        self.tell(reason);
        true
    }

    /// Calls whoever has not been called.
    fn tell(&self, reason: CancelReason) {
        let listeners = std::mem::take(&mut *self.0.listeners.lock());
        for listener in listeners.iter().filter_map(Weak::upgrade) {
            listener.cancelled(reason);
        }
    }

    fn set(&self, reason: CancelReason) -> bool {
        let code = (1u8..).zip(REASONS).find(|&(_, known)| known == reason).map_or(1, |(n, _)| n);
        self.0.reason.compare_exchange(0, code, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Why the run must stop, if it must.
    #[must_use]
    #[inline]
    pub fn reason(&self) -> Option<CancelReason> {
        let code = self.0.reason.load(Ordering::Acquire);
        if code == 0 { None } else { REASONS.get(usize::from(code) - 1).copied() }
    }

    /// Whether the token is set.
    #[must_use]
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.reason.load(Ordering::Acquire) != 0
    }

    /// An error if the token is set.
    ///
    /// # Errors
    /// [`Error::Cancelled`] with the reason.
    #[inline]
    pub fn check(&self) -> Result<()> {
        self.reason().map_or(Ok(()), |reason| Err(Error::Cancelled(reason)))
    }

    /// Calls a listener when the token is set, at once if it is set already.
    pub(crate) fn listen(&self, listener: &Arc<impl OnCancel + 'static>) {
        let weak = Arc::downgrade(listener);
        let weak: Weak<dyn OnCancel> = weak;
        {
            let mut listeners = self.0.listeners.lock();
            // A token that serves many runs keeps only those that are alive.
            if listeners.len() == listeners.capacity() {
                listeners.retain(|listener| listener.strong_count() > 0);
            }
            listeners.push(weak);
        }
        if let Some(reason) = self.reason() {
            self.tell(reason);
        }
    }
}

impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CancelToken").field(&self.reason()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<Vec<CancelReason>>);

    impl OnCancel for Heard {
        fn cancelled(self: Arc<Self>, reason: CancelReason) {
            self.0.lock().push(reason);
        }
    }

    #[test]
    fn the_first_reason_wins() {
        let token = CancelToken::new();
        assert!(token.check().is_ok());
        assert!(token.cancel(CancelReason::Superseded));
        assert!(!token.clone().cancel(CancelReason::User));
        assert_eq!(token.reason(), Some(CancelReason::Superseded));
    }

    #[test]
    fn a_listener_hears_once_whether_it_comes_early_or_late() {
        let token = CancelToken::new();
        let (early, late) = (Arc::new(Heard::default()), Arc::new(Heard::default()));
        token.listen(&early);
        token.cancel(CancelReason::User);
        token.cancel(CancelReason::Timeout);
        token.listen(&late);
        assert_eq!(*early.0.lock(), [CancelReason::User]);
        assert_eq!(*late.0.lock(), [CancelReason::User]);
    }
}
