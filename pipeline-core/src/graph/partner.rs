//! Two parts of a pass over a large graph at once.

use std::panic::resume_unwind;
use std::thread;

/// Graphs of fewer nodes are passed over in less time than a thread takes to start.
const LARGE: usize = 1 << 16;

/// Whether a graph is large, and whether a second thread works beside the one that plans it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Partner {
    is_large: bool,
    is_there: bool,
}

impl Partner {
    /// For a graph of so many nodes, of a program that allows so many threads.
    pub(crate) const fn of(nodes: usize, threads: usize) -> Self {
        let is_large = nodes >= LARGE;
        Self { is_large, is_there: is_large && threads > 1 }
    }

    /// Whether what planning looks at lies in more memory than a processor keeps at hand.
    pub(crate) const fn is_large(self) -> bool {
        self.is_large
    }

    /// Both, one after the other where there is no second thread or none can be had.
    pub(crate) fn both<A, B: Send>(
        self,
        here: impl FnOnce() -> A,
        there: impl Fn() -> B + Sync,
    ) -> (A, B) {
        if !self.is_there {
            return (here(), there());
        }
        thread::scope(|scope| {
            let other = thread::Builder::new().spawn_scoped(scope, &there);
            let here = here();
            let there = match other {
                Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => there(),
            };
            (here, there)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_thread_is_for_large_graphs_of_programs_that_allow_one() {
        let other = |nodes, threads| {
            let here = thread::current().id();
            let (a, b) = Partner::of(nodes, threads).both(|| here, || thread::current().id());
            a != b
        };
        assert!(other(LARGE, 2));
        assert!(!other(LARGE, 1));
        assert!(!other(LARGE - 1, 2));
    }
}
