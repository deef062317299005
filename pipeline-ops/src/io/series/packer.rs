//! Strips of samples, compressed.

use std::cell::RefCell;
use std::io;

use flate2::{Compress, Compression, FlushCompress, Status};

/// How the samples of a strip are told: each by its difference from the one before it in its row
/// and channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prediction {
    /// Of a sample: 8 or 16.
    pub(super) bits: u16,
    pub(super) channels: usize,
}

/// What compression needs besides a strip. It is kept for the next one: a third of a megabyte that
/// comes and goes with each frame leaves holes that small things settle in, and the program grows.
struct Packer {
    compress: Compress,
    level: u8,
    differences: Vec<u16>,
    packed: Vec<u8>,
}

/// Bytes that are kept of a buffer.
const KEPT: usize = 1 << 19;

thread_local! {
    static PACKER: RefCell<Option<Packer>> = const { RefCell::new(None) };
}

/// Calls `f` with a strip as a stream of zlib.
///
/// # Errors
/// Those of `f`, and if the strip cannot be compressed.
pub(super) fn packed<R, E: From<io::Error>>(
    strip: &[u8],
    row_bytes: usize,
    prediction: Option<Prediction>,
    level: u8,
    f: impl FnOnce(&[u8]) -> Result<R, E>,
) -> Result<R, E> {
    PACKER.with_borrow_mut(|kept| {
        let packer = match kept {
            Some(packer) if packer.level == level => packer,
            _ => kept.insert(Packer {
                compress: Compress::new(Compression::new(level.into()), true),
                level,
                differences: Vec::new(),
                packed: Vec::new(),
            }),
        };
        packer.pack(strip, row_bytes, prediction)?;
        let result = f(&packer.packed);
        // One row of a very wide image may be more than a strip is otherwise.
        packer.differences.shrink_to(KEPT / 2);
        packer.packed.shrink_to(KEPT);
        result
    })
}

impl Packer {
    fn pack(
        &mut self,
        strip: &[u8],
        row_bytes: usize,
        prediction: Option<Prediction>,
    ) -> io::Result<()> {
        let Self { compress, differences, packed, .. } = self;
        let strip = match prediction {
            Some(prediction) => predicted(strip, row_bytes, prediction, differences),
            None => strip,
        };
        compress.reset();
        packed.clear();
        loop {
            // What is compressed may be larger than what was not.
            packed.reserve(strip.len() / 2 + 64);
            let seen = usize::try_from(compress.total_in()).unwrap_or(usize::MAX);
            let rest = strip.get(seen..).unwrap_or_default();
            match compress.compress_vec(rest, packed, FlushCompress::Finish)? {
                Status::StreamEnd => return Ok(()),
                Status::Ok | Status::BufError => {}
            }
        }
    }
}

/// The differences of a strip. Their memory is that of 16 bits, whatever the samples are, so that
/// they lie as they must.
fn predicted<'a>(
    strip: &[u8],
    row_bytes: usize,
    Prediction { bits, channels }: Prediction,
    memory: &'a mut Vec<u16>,
) -> &'a [u8] {
    memory.resize(strip.len().div_ceil(2), 0);
    let out = &mut bytemuck::cast_slice_mut::<u16, u8>(memory)[..strip.len()];
    out.copy_from_slice(strip);
    let rows = strip.chunks(row_bytes).zip(out.chunks_mut(row_bytes));
    rows.for_each(|(row, out)| match bits {
        8 => differ(row, out, channels, |a: u8, b| a.wrapping_sub(b)),
        _ => {
            let (row, out) = (bytemuck::cast_slice(row), bytemuck::cast_slice_mut(out));
            differ(row, out, channels, |a: u16, b| a.wrapping_sub(b));
        }
    });
    out
}

fn differ<T: Copy>(row: &[T], out: &mut [T], channels: usize, minus: impl Fn(T, T) -> T) {
    let later = row.iter().zip(row.iter().skip(channels));
    for (out, (&before, &sample)) in out.iter_mut().skip(channels).zip(later) {
        *out = minus(sample, before);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::ZlibDecoder;

    use super::*;

    #[test]
    fn strips_come_back_whatever_was_packed_before() {
        let mut state = 1u32;
        let noise = std::iter::repeat_with(move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        let noise: Vec<u8> = noise.take(200_001).collect();
        let unpack = |packed: &[u8]| {
            let mut bytes = Vec::new();
            ZlibDecoder::new(packed).read_to_end(&mut bytes)?;
            io::Result::Ok(bytes)
        };
        for strip in [&noise[..], &[7; 1000], &[], &noise[..13]] {
            for level in [1, 9, 9] {
                let own = |packed: &[u8]| io::Result::Ok(packed.to_vec());
                let after = packed(strip, 10, None, level, own).unwrap();
                assert_eq!(unpack(&after).unwrap(), strip);
                let fresh = || packed(strip, 10, None, level, own).unwrap();
                let fresh = std::thread::scope(|scope| scope.spawn(fresh).join().unwrap());
                assert_eq!(after, fresh, "level {level}");
            }
        }
        let of = |strip: &[u8], bits| {
            packed(strip, 4, Some(Prediction { bits, channels: 1 }), 2, unpack).unwrap()
        };
        assert_eq!(of(&[1, 3, 2, 2, 9, 9, 8, 9], 8), [1, 2, 255, 0, 9, 0, 255, 1]);
        let bytes = |numbers: &[u16; 4]| of(bytemuck::cast_slice(numbers), 16);
        let differences = [500u16, u16::MAX, 7, 300];
        assert_eq!(bytes(&[500, 499, 7, 307]), bytemuck::cast_slice::<_, u8>(&differences));
    }
}
