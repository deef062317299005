//! Large values of integers, stored in fewer bytes where that pays.
//!
//! Of blocks of 256 KiB the first bytes of all numbers, then the second ones, and so on, are
//! compressed by themselves, by Zstandard at its first level, and stored as their length and what
//! they became; those that become no shorter are stored as they are. What the first part of a value
//! becomes decides whether it is packed at all: floats, and pictures with noise in every bit, are
//! faster read where they lie.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;

use pipeline_core::data::{Samples, zeros};
use serde::{Deserialize, Serialize};
use zstd::bulk::{Compressor, Decompressor};

/// Bytes of a block before it is packed.
const BLOCK: usize = 256 << 10;

/// Bytes at the start of a value that are tried.
const TRIED: usize = 64 << 10;

/// How many times shorter they have to become.
const WORTH: usize = 3;
const OF: usize = 2;

/// How hard it is tried.
const LEVEL: i32 = 1;

/// Set in the length of what is as it was, because it became no shorter.
const PLAIN: u32 = 1 << 31;

/// How a value was packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Packed {
    /// Bytes of the value.
    len: u64,
    /// Bytes of a number.
    width: u8,
}

/// Packs what is written through it, if that pays.
pub(super) struct Packer<W> {
    out: W,
    /// None if the value stays as it is.
    packing: Option<Packing>,
}

struct Packing {
    /// Bytes of a number.
    width: u8,
    /// Bytes of all.
    len: u64,
    /// What is to become a block.
    block: Vec<u8>,
    compressor: Compressor<'static>,
    is_decided: bool,
}

impl<W: Write> Packer<W> {
    /// For a value of numbers of so many bytes; without a width it stays as it is.
    pub(super) fn new(out: W, width: Option<u8>) -> io::Result<Self> {
        let packing = match width {
            Some(width) => Some(Packing {
                width,
                len: 0,
                block: Vec::new(),
                compressor: Compressor::new(LEVEL)?,
                is_decided: false,
            }),
            None => None,
        };
        Ok(Self { out, packing })
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> io::Result<(W, Option<Packed>)> {
        self.end_block()?;
        let packed = self.packing.map(|packing| Packed { len: packing.len, width: packing.width });
        Ok((self.out, packed))
    }

    /// Writes a block, as it is if packing it would not pay: then so is all that follows.
    fn end_block(&mut self) -> io::Result<()> {
        let Some(packing) = self.packing.as_mut().filter(|packing| !packing.block.is_empty())
        else {
            return Ok(());
        };
        if packing.pays()? {
            self.out.write_all(&pack(&packing.block, packing.width, &mut packing.compressor)?)?;
            packing.block.clear();
        } else {
            self.out.write_all(&packing.block)?;
            self.packing = None;
        }
        Ok(())
    }
}

impl Packing {
    /// Whether it pays, as the start of the first block says.
    fn pays(&mut self) -> io::Result<bool> {
        if self.is_decided {
            return Ok(true);
        }
        self.is_decided = true;
        let tried = &self.block[..self.block.len().min(TRIED)];
        let packed = pack(tried, self.width, &mut self.compressor)?;
        Ok(packed.len() * WORTH <= tried.len() * OF)
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(packing) = &mut self.packing else { return self.out.write(bytes) };
        let taken = bytes.len().min(BLOCK - packing.block.len());
        packing.block.extend_from_slice(&bytes[..taken]);
        packing.len += taken as u64;
        if packing.block.len() == BLOCK {
            self.end_block()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        // A block is written once it is whole.
        self.out.flush()
    }
}

impl Packed {
    /// How many bytes the value has.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// The bytes of the value.
    ///
    /// # Errors
    /// `InvalidData` if these are no packed ones, `OutOfMemory`.
    pub(super) fn unpack(&self, mut packed: &[u8]) -> io::Result<Samples<u8>> {
        let harmed = || io::Error::new(ErrorKind::InvalidData, "it was packed in another way");
        let len = usize::try_from(self.len).map_err(|_| harmed())?;
        // Each part has a length in front, so that no few bytes stand for a memory full of them.
        if len.div_ceil(BLOCK) > packed.len() / 4 || self.width == 0 {
            return Err(harmed());
        }
        let words = zeros(len.div_ceil(size_of::<u64>()), || format!("{len} bytes"));
        let words = words.map_err(|_| ErrorKind::OutOfMemory)?;
        let mut unpacked = Unpacked { words, len };
        let (mut shuffled, mut decompressor) = (vec![0; BLOCK.min(len)], Decompressor::new()?);
        for block in unpacked.bytes_mut().chunks_mut(BLOCK) {
            let shuffled = &mut shuffled[..block.len()];
            for part in parts_mut(shuffled, self.width.into()) {
                packed = unpack(packed, part, &mut decompressor).ok_or_else(harmed)?;
            }
            unshuffle(shuffled, self.width.into(), block);
        }
        if packed.is_empty() { Ok(Samples::foreign(Arc::new(unpacked))) } else { Err(harmed()) }
    }
}

/// Bytes that lie as numbers have to.
struct Unpacked {
    words: Vec<u64>,
    len: usize,
}

impl Unpacked {
    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut bytemuck::cast_slice_mut(&mut self.words)[..self.len]
    }
}

impl AsRef<[u8]> for Unpacked {
    fn as_ref(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }
}

/// The parts of a block, each with what it became.
fn pack(block: &[u8], width: u8, compressor: &mut Compressor<'_>) -> io::Result<Vec<u8>> {
    let width = usize::from(width);
    let mut out = Vec::with_capacity(block.len() + 4 * width);
    for part in parts_mut(&mut shuffled(block, width), width) {
        let packed = compressor.compress(part)?;
        let is_shorter = packed.len() < part.len();
        let bytes = if is_shorter { &packed } else { &*part };
        let len = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        out.extend_from_slice(&(if is_shorter { len } else { len | PLAIN }).to_le_bytes());
        out.extend_from_slice(bytes);
    }
    Ok(out)
}

/// Fills a part from the first of the bytes; gives those behind.
fn unpack<'a>(
    bytes: &'a [u8],
    part: &mut [u8],
    decompressor: &mut Decompressor<'_>,
) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_first_chunk()?;
    let head = u32::from_le_bytes(*head);
    let (bytes, rest) = rest.split_at_checked((head & !PLAIN) as usize)?;
    if head & PLAIN == 0 {
        let len = decompressor.decompress_to_buffer(bytes, part).ok()?;
        return (len == part.len()).then_some(rest);
    }
    if bytes.len() != part.len() {
        return None;
    }
    part.copy_from_slice(bytes);
    Some(rest)
}

/// The first bytes of all numbers, the second ones and so on, of a block in that order. What is no
/// whole number belongs to the last of them.
fn parts_mut(mut shuffled: &mut [u8], width: usize) -> impl Iterator<Item = &mut [u8]> {
    let len = shuffled.len() / width;
    (1..=width).map(move |at| {
        let end = if at == width { shuffled.len() } else { len };
        shuffled.split_off_mut(..end).unwrap_or_default()
    })
}

/// The first bytes of all numbers, then the second ones, and what is no whole number as it is.
fn shuffled(bytes: &[u8], width: usize) -> Vec<u8> {
    let mut out = vec![0; bytes.len()];
    match width {
        2 => shuffle::<2>(bytes, &mut out),
        4 => shuffle::<4>(bytes, &mut out),
        _ => out.copy_from_slice(bytes),
    }
    out
}

fn shuffle<const WIDTH: usize>(bytes: &[u8], out: &mut [u8]) {
    let (numbers, rest) = bytes.as_chunks::<WIDTH>();
    let (planes, end) = out.split_at_mut(numbers.len() * WIDTH);
    for (at, plane) in planes.chunks_exact_mut(numbers.len().max(1)).enumerate() {
        plane.iter_mut().zip(numbers).for_each(|(byte, number)| *byte = number[at]);
    }
    end.copy_from_slice(rest);
}

fn unshuffle(bytes: &[u8], width: usize, out: &mut [u8]) {
    match width {
        2 => {
            let ([first, second], rest) = planes(bytes);
            let (numbers, end) = out.as_chunks_mut();
            let planes = first.iter().zip(second);
            numbers.iter_mut().zip(planes).for_each(|(number, (&a, &b))| *number = [a, b]);
            end.copy_from_slice(rest);
        }
        4 => {
            let ([first, second, third, fourth], rest) = planes(bytes);
            let (numbers, end) = out.as_chunks_mut();
            let planes = first.iter().zip(second).zip(third).zip(fourth);
            for (number, (((&a, &b), &c), &d)) in numbers.iter_mut().zip(planes) {
                *number = [a, b, c, d];
            }
            end.copy_from_slice(rest);
        }
        _ => out.copy_from_slice(bytes),
    }
}

/// The first bytes of all numbers, the second ones and so on, and what is no whole number.
fn planes<const WIDTH: usize>(bytes: &[u8]) -> ([&[u8]; WIDTH], &[u8]) {
    let len = bytes.len() / WIDTH;
    let (planes, rest) = bytes.split_at(len * WIDTH);
    (std::array::from_fn(|at| &planes[at * len..][..len]), rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(bytes: &[u8], width: Option<u8>) -> (Vec<u8>, Option<Packed>) {
        let mut packer = Packer::new(Vec::new(), width).unwrap();
        // In parts, as encoders write.
        bytes.chunks(100_003).for_each(|part| packer.write_all(part).unwrap());
        packer.finish().unwrap()
    }

    /// Numbers of so many bytes with little in their last one.
    fn quiet(len: usize, width: usize) -> Vec<u8> {
        let mut state = 1u32;
        let byte = |at: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [.., low] = (state >> 24).to_be_bytes();
            if at.is_multiple_of(width) { low & 0x1F } else { 0 }
        };
        (0..len).map(byte).collect()
    }

    #[test]
    fn what_is_packed_is_what_it_was() {
        for width in [1, 2, 4] {
            for len in [64 << 10, BLOCK, BLOCK + 1, 3 * BLOCK - 3, 700_001] {
                let bytes = quiet(len, width.into());
                let (stored, how) = packed(&bytes, Some(width));
                assert!(stored.len() * WORTH <= len * OF, "{width} {len}: {}", stored.len());
                assert_eq!(how.unwrap().unpack(&stored).unwrap()[..], bytes, "{width} {len}");
            }
        }
    }

    #[test]
    fn what_does_not_become_shorter_stays_as_it_is() {
        let noise: Vec<u8> = (0..BLOCK as u64 / 4)
            .flat_map(|at| *blake3::hash(&at.to_le_bytes()).as_bytes())
            .collect();
        assert_eq!(packed(&noise, Some(2)), (noise.clone(), None));
        let zeros = vec![0; 100_000];
        assert_eq!(packed(&zeros, None), (zeros.clone(), None));
        // One block of noise behind one that is worth it.
        let both = [&vec![7; BLOCK], &noise[..BLOCK]].concat();
        let (stored, how) = packed(&both, Some(1));
        assert!(stored.len() > BLOCK && stored.len() < BLOCK + 1000);
        assert_eq!(how.unwrap().unpack(&stored).unwrap()[..], both);
    }

    #[test]
    fn what_was_packed_in_another_way_is_an_error() {
        let bytes = quiet(2 * BLOCK, 2);
        let (stored, how) = packed(&bytes, Some(2));
        let how = how.unwrap();
        for len in (0..stored.len()).step_by(997) {
            assert!(how.unpack(&stored[..len]).is_err(), "cut off at {len}");
        }
        assert!(how.unpack(&[&stored[..], &[0]].concat()).is_err());
        for wrong in
            [Packed { len: u64::MAX, ..how }, Packed { len: 5, ..how }, Packed { width: 0, ..how }]
        {
            assert!(wrong.unpack(&stored).is_err(), "{wrong:?}");
        }
        for at in (0..stored.len()).step_by(101) {
            let mut other = stored.clone();
            other[at] ^= 0x55;
            let _ = how.unpack(&other);
        }
    }
}
