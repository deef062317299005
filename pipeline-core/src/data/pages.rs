//! Memory in large pages, where the system has them.
//!
//! A processor looks up where each page of memory lies, and remembers a few thousand of them: with
//! pages of 4 KiB that is less than one picture. Systems give memory in pages of 2 MiB to those who
//! ask.

#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "advice about memory is given by its address")
)]

/// Bytes of a buffer for which it is asked: of smaller ones, too much lies outside of large pages.
const SMALLEST: usize = 8 << 20;

/// Asks for large pages for memory that has not been written to yet. It is a wish: nothing else
/// depends on it.
#[cfg(target_os = "linux")]
pub(super) fn prefer_large<T>(memory: &mut [T]) {
    use rustix::mm::{Advice, madvise};
    use rustix::param::page_size;

    let bytes = size_of_val(memory);
    if bytes < SMALLEST {
        return;
    }
    let start = memory.as_mut_ptr().cast::<u8>();
    let skip = start.align_offset(page_size());
    let len = bytes.saturating_sub(skip) / page_size() * page_size();
    if len > 0 {
        // SAFETY: the pages lie within `memory`, and this advice changes nothing that is in them.
        let _ = unsafe { madvise(start.wrapping_add(skip).cast(), len, Advice::LinuxHugepage) };
    }
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
pub(super) fn prefer_large<T>(_: &mut [T]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_memory_stays() {
        for odd in [0, 1, 4095] {
            let mut memory = vec![7u8; SMALLEST + 5000];
            prefer_large(&mut memory[odd..]);
            assert!(memory.iter().all(|&byte| byte == 7));
        }
    }
}
