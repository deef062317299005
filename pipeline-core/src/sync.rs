//! The locks and atomics of what the model checker runs: the bus, the pump, the row loop and the
//! lock-free parts of the executor.
//!
//! Under `--cfg shuttle` they are those of the shuttle model checker, which runs the same code
//! through many interleavings. What no model runs takes its locks from `parking_lot` directly. Time
//! does not pass there: a wait with a time limit is a plain wait.

#[cfg(not(shuttle))]
pub(crate) use parking_lot::{Condvar, Mutex};

#[cfg(shuttle)]
pub(crate) use modelled::{Condvar, Mutex};

/// Atomics, real or modelled.
pub(crate) mod atomic {
    #[cfg(not(shuttle))]
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };

    #[cfg(shuttle)]
    pub(crate) use shuttle::sync::atomic::{
        AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
    };
}

/// Threads, real or modelled.
pub(crate) mod thread {
    #[cfg(not(shuttle))]
    use std::thread::Builder;

    #[cfg(shuttle)]
    use shuttle::thread::Builder;

    /// Starts a thread that nobody waits for.
    pub(crate) fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        Builder::new().name(name.to_owned()).spawn(body).map(drop)
    }
}

#[cfg(shuttle)]
mod modelled {
    //! Shuttle's locks under the names and signatures of `parking_lot`.

    use std::ops::{Deref, DerefMut};
    use std::sync::PoisonError;
    use std::time::Duration;

    /// A mutex that does not poison.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard(Some(self.0.lock().unwrap_or_else(PoisonError::into_inner)))
        }
    }

    /// A guard that a [`Condvar`] can take out for the time of the wait: shuttle's condition
    /// variable wants it by value, the callers only lend it.
    #[derive(Debug)]
    pub(crate) struct MutexGuard<'a, T>(Option<shuttle::sync::MutexGuard<'a, T>>);

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.0.as_deref().expect("empty only inside a wait")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_deref_mut().expect("empty only inside a wait")
        }
    }

    /// Whether a wait ended because its time was up; here it never does.
    #[derive(Debug)]
    pub(crate) struct WaitTimeoutResult;

    impl WaitTimeoutResult {
        #[expect(clippy::unused_self, reason = "the signature of parking_lot")]
        pub(crate) fn timed_out(&self) -> bool {
            false
        }
    }

    /// A condition variable.
    #[derive(Debug, Default)]
    pub(crate) struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Self {
            Self::default()
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let inner = guard.0.take().expect("empty only inside a wait");
            guard.0 = Some(self.0.wait(inner).unwrap_or_else(PoisonError::into_inner));
        }

        pub(crate) fn wait_for<T>(
            &self,
            guard: &mut MutexGuard<'_, T>,
            _timeout: Duration,
        ) -> WaitTimeoutResult {
            self.wait(guard);
            WaitTimeoutResult
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}
