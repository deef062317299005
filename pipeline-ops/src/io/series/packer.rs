//! Strips of samples, compressed.

use std::cell::RefCell;
use std::io;

use flate2::{Compress, Compression, FlushCompress, Status};
use libdeflater::{CompressionLvl, Compressor};

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
#[derive(Default)]
struct Packer {
    /// For what has few edges, with the level that it is set to.
    runs: Option<(u8, Compress)>,
    /// For noise.
    noise: Option<(u8, Compressor)>,
    differences: Vec<u16>,
    packed: Vec<u8>,
}

/// Bytes that are kept of a buffer.
const KEPT: usize = 1 << 19;

thread_local! {
    static PACKER: RefCell<Packer> = RefCell::default();
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
    PACKER.with_borrow_mut(|packer| {
        let packed = packer.pack(strip, row_bytes, prediction, level);
        let result = packed.map_err(E::from).and_then(|()| f(&packer.packed));
        // One row of a very wide image may be more than a strip is otherwise.
        give_back(&mut packer.differences, KEPT / 2);
        give_back(&mut packer.packed, KEPT);
        result
    })
}

/// Keeps no more than so many numbers of a buffer; of fewer it keeps what they are.
fn give_back<T>(buffer: &mut Vec<T>, most: usize) {
    if buffer.capacity() > most {
        buffer.clear();
        buffer.shrink_to(most);
    }
}

impl Packer {
    fn pack(
        &mut self,
        strip: &[u8],
        row_bytes: usize,
        prediction: Option<Prediction>,
        level: u8,
    ) -> io::Result<()> {
        let Self { runs, noise, differences, packed } = self;
        let strip = match prediction {
            Some(prediction) => predicted(strip, row_bytes, prediction, differences),
            None => strip,
        };
        if is_noise(strip) {
            pack_noise(noise, strip, level, packed)
        } else {
            pack_runs(runs, strip, level, packed)
        }
    }
}

/// Whether a strip is taken for noise: most of its bytes are not 0. Of differences of 16 bits that
/// are small two thirds differ from 0 then, as half of them have one byte of 0. Noise is packed in
/// half the time by the one library, and cells in an eighth of it by the other.
fn is_noise(strip: &[u8]) -> bool {
    let zeros = strip.iter().filter(|&&byte| byte == 0).count();
    zeros < strip.len() / 2
}

fn pack_runs(
    kept: &mut Option<(u8, Compress)>,
    strip: &[u8],
    level: u8,
    packed: &mut Vec<u8>,
) -> io::Result<()> {
    let (_, compress) = match kept {
        Some(kept) if kept.0 == level => kept,
        _ => kept.insert((level, Compress::new(Compression::new(level.into()), true))),
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

/// The first level of this library is as effective as the second one of the other, so levels are
/// one less here, down to 1.
fn pack_noise(
    kept: &mut Option<(u8, Compressor)>,
    strip: &[u8],
    level: u8,
    packed: &mut Vec<u8>,
) -> io::Result<()> {
    let (_, compressor) = match kept {
        Some(kept) if kept.0 == level => kept,
        _ => {
            let effort = CompressionLvl::new(level.saturating_sub(1).max(1).into());
            let effort = effort.expect("it has levels up to 12");
            kept.insert((level, Compressor::new(effort)))
        }
    };
    packed.resize(compressor.zlib_compress_bound(strip.len()), 0);
    let len = compressor.zlib_compress(strip, packed).map_err(io::Error::other)?;
    packed.truncate(len);
    Ok(())
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

    fn noise(len: usize) -> Vec<u8> {
        let mut state = 1u32;
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(next).take(len).collect()
    }

    fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        ZlibDecoder::new(packed).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn strips_come_back_whatever_was_packed_before() {
        let noise = noise(200_001);
        // Half of it and a little more is 0, and the rest is as large as it was.
        let sparse: Vec<u8> = (0..100)
            .flat_map(|at| [0; 1100].into_iter().chain(noise[at..].iter().copied().take(1000)))
            .collect();
        let strips: [(&[u8], bool); 7] = [
            (&noise, true),
            (&sparse, false),
            (&[7; 1000], true),
            (&vec![0; 200_000], false),
            (&[], false),
            (&noise[..13], true),
            (&sparse[..5000], false),
        ];
        for (strip, expected) in strips {
            assert_eq!(is_noise(strip), expected);
            for level in [1, 9, 2, 9] {
                let own = |packed: &[u8]| io::Result::Ok(packed.to_vec());
                let after = packed(strip, 10, None, level, own).unwrap();
                assert_eq!(unpack(&after).unwrap(), strip);
                let fresh = || packed(strip, 10, None, level, own).unwrap();
                let fresh = std::thread::scope(|scope| scope.spawn(fresh).join().unwrap());
                assert_eq!(after, fresh, "level {level}");
            }
        }
    }

    #[test]
    fn samples_are_told_by_their_differences() {
        let of = |strip: &[u8], bits| {
            packed(strip, 4, Some(Prediction { bits, channels: 1 }), 2, unpack).unwrap()
        };
        assert_eq!(of(&[1, 3, 2, 2, 9, 9, 8, 9], 8), [1, 2, 255, 0, 9, 0, 255, 1]);
        let bytes = |numbers: &[u16; 4]| of(bytemuck::cast_slice(numbers), 16);
        let differences = [500u16, u16::MAX, 7, 300];
        assert_eq!(bytes(&[500, 499, 7, 307]), bytemuck::cast_slice::<_, u8>(&differences));
    }

    #[test]
    fn what_a_wide_row_took_is_given_back() {
        let wide = noise(4 * KEPT);
        let prediction = Prediction { bits: 8, channels: 1 };
        let own = |packed: &[u8]| io::Result::Ok(packed.len());
        assert!(packed(&wide, wide.len(), Some(prediction), 1, own).unwrap() > KEPT);
        let fail = |_: &[u8]| Err::<(), _>(io::Error::other("the disk is full"));
        for level in [1, 2] {
            packed(&wide, wide.len(), Some(prediction), level, fail).unwrap_err();
            PACKER.with_borrow(|packer| {
                assert!(packer.packed.capacity() <= KEPT);
                assert!(packer.differences.capacity() <= KEPT / 2);
            });
        }
    }
}
