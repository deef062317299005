//! The locks and atomics of everything that threads share, in one place.
//!
//! Under `--cfg shuttle` they are those of the shuttle model checker, which runs the same code
//! through many interleavings.

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

#[cfg(shuttle)]
mod modelled {
    //! Shuttle's locks under the names and signatures of parking_lot.

    /// A mutex that does not poison.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(shuttle::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> shuttle::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
        }
    }

    /// A condition variable.
    #[derive(Debug, Default)]
    pub(crate) struct Condvar(shuttle::sync::Condvar);

    impl Condvar {
        pub(crate) fn wait<T>(&self, guard: &mut shuttle::sync::MutexGuard<'_, T>) {
            // Shuttle takes the guard by value; the caller keeps a reference to its slot.
            replace_with(guard, |guard| {
                self.0.wait(guard).unwrap_or_else(std::sync::PoisonError::into_inner)
            });
        }
    }
}
