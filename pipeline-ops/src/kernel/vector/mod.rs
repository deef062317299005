//! The choice of the widest vectors of the machine that runs.
//!
//! Kernels are plain loops that the compiler turns into vector code. A program is compiled for the
//! oldest machine that it may meet, whose vectors are a quarter as wide as those of a new one. So
//! the same loops are compiled once for each width, and the one that fits is taken at run time. The
//! loops are the same, operation by operation, and so are the results: nothing here allows a
//! product and a sum to be rounded as one. `PIPELINE_VECTOR_BITS` limits the width, so that the
//! widths of one machine can be compared.

#![expect(
    unsafe_code,
    reason = "code for a wider instruction set may only be called where there is one"
)]

#[cfg(target_arch = "x86_64")]
use std::sync::LazyLock;

mod gathered;
mod halves;
mod masked;
mod permuted;

pub(crate) use halves::{Halves, SHIFT, nearest_bytes};
pub(crate) use masked::keep_permuted;
pub(crate) use permuted::Permuted;

/// Runs `work` as it was compiled for the widest vectors that the machine has.
///
/// What is to be compiled anew must be inlined: the closure and the functions that it calls are
/// marked `#[inline(always)]`, small ones excepted.
#[inline(always)]
pub(crate) fn widest<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if has_avx512() {
            // SAFETY: the machine has all that the function is compiled for.
            return unsafe { with_avx512(work) };
        }
        if bits() >= 256 {
            // SAFETY: the machine has what the function is compiled for.
            return unsafe { with_avx2(work) };
        }
    }
    work()
}

#[cfg(not(target_arch = "x86_64"))]
fn has_avx512() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    bits() >= 512
}

/// The environment variable that limits the width of vectors: how many bits they have at the most.
#[cfg(target_arch = "x86_64")]
const LIMIT: &str = "PIPELINE_VECTOR_BITS";

/// How wide the vectors are that code may be called for: 128, 256 or 512 bits, never more than the
/// machine has. It is asked once.
#[cfg(target_arch = "x86_64")]
#[inline]
fn bits() -> u32 {
    static BITS: LazyLock<u32> = LazyLock::new(|| {
        let has_avx2 = std::is_x86_feature_detected!("avx2");
        let has_avx512 = std::is_x86_feature_detected!("avx512f")
            && std::is_x86_feature_detected!("avx512bw")
            && std::is_x86_feature_detected!("avx512dq")
            && std::is_x86_feature_detected!("avx512vl");
        let most = match (has_avx2, has_avx512) {
            (true, true) => 512,
            (true, false) => 256,
            (false, _) => 128,
        };
        let limit = std::env::var(LIMIT).ok().and_then(|bits| bits.parse().ok());
        limit.map_or(most, |limit: u32| most.min(limit))
    });
    *BITS
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn with_avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Runs `work` for every width that the machine has, the oldest first: that one is the oracle of
/// the others.
#[cfg(test)]
pub(crate) fn every_width<R>(work: impl Fn() -> R) -> Vec<R> {
    let mut results = vec![work()];
    #[cfg(target_arch = "x86_64")]
    {
        if bits() >= 256 {
            // SAFETY: the machine has what the function is compiled for.
            results.push(unsafe { with_avx2(&work) });
        }
        if has_avx512() {
            // SAFETY: the machine has all that the function is compiled for.
            results.push(unsafe { with_avx512(&work) });
        }
    }
    results
}
