//! What a segment holds: records one after the other, each with a check over all of it.
//!
//! A record is a mark, the length of its body, a check, and the body: what it tells, and the bytes
//! of a small value. Where one is damaged the next mark is looked for, so that no other is lost.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::packed::Packed;

/// Where every record begins.
const MARK: [u8; 8] = *b"\x89result\n";

/// Bytes in front of a body: the mark, the length, and the check.
const HEAD: usize = MARK.len() + 4 + CHECK;

/// Bytes of a check.
const CHECK: usize = 16;

/// The longest body that is read: a small value and what is told of it.
const LONGEST: usize = 1 << 20;

/// What a record tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    /// A result is there.
    Put(Entry),
    /// A result is gone.
    Gone(Gone),
    /// When results were used last, in seconds since 1970.
    Used(Vec<([u8; 32], u64)>),
}

/// Which record of a result does not count any more: what was written of it since stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Gone {
    pub(super) key: [u8; 32],
    /// The name of the segment that the record is in, and where in that the value would be.
    pub(super) segment: String,
    pub(super) at: u64,
}

/// What is known of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) key: [u8; 32],
    /// The digest of the encoded value as it is stored, and how many bytes that has.
    pub(super) digest: [u8; 32],
    pub(super) len: u64,
    /// The name of the type, and the version of its codec.
    pub(super) kind: String,
    pub(super) version: u32,
    /// The step that made it, and how long that took.
    pub(super) step: String,
    pub(super) nanos: u64,
    /// When it was written, in seconds since 1970, by the clock of that time.
    pub(super) written: u64,
    /// What it goes by in the keys of those below it, if its content may decide that.
    pub(super) identity: Option<[u8; 32]>,
    /// How it was packed, if it was.
    pub(super) packed: Option<Packed>,
}

/// A record as bytes, with those of a small value behind it.
pub(super) fn frame(record: &Record, payload: &[u8]) -> Option<Vec<u8>> {
    let mut frame = vec![0; HEAD];
    frame = postcard::to_extend(record, frame).ok()?;
    frame.extend_from_slice(payload);
    let len = u32::try_from(frame.len() - HEAD).ok().filter(|&len| len as usize <= LONGEST)?;
    let check = check(&frame[HEAD..]);
    frame[..MARK.len()].copy_from_slice(&MARK);
    frame[MARK.len()..][..4].copy_from_slice(&len.to_le_bytes());
    frame[HEAD - CHECK..HEAD].copy_from_slice(&check);
    Some(frame)
}

fn check(body: &[u8]) -> [u8; CHECK] {
    let mut check = [0; CHECK];
    check.copy_from_slice(&blake3::hash(body).as_bytes()[..CHECK]);
    check
}

/// What was found in a part of a segment.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The records, and where the bytes behind each are.
    pub(super) records: Vec<(Record, Range<usize>)>,
    /// How far they reach. What is left may become one, while somebody writes.
    pub(super) len: usize,
    /// How many places had something that is no record.
    pub(super) damaged: usize,
}

/// Reads all records.
pub(super) fn scan(bytes: &[u8]) -> Found {
    let mut found = Found::default();
    let mut at = 0;
    while let Some((start, record, payload)) = next(bytes, at) {
        found.damaged += usize::from(start != at);
        at = payload.end;
        found.records.push((record, payload));
        found.len = at;
    }
    found
}

/// The first whole record from `at` on, and where it begins.
fn next(bytes: &[u8], mut at: usize) -> Option<(usize, Record, Range<usize>)> {
    loop {
        at += bytes[at..].windows(MARK.len()).position(|window| window == MARK)?;
        if let Some((record, payload)) = read(&bytes[at..]) {
            return Some((at, record, at + payload.start..at + payload.end));
        }
        at += 1;
    }
}

/// The record that the bytes begin with.
fn read(bytes: &[u8]) -> Option<(Record, Range<usize>)> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let len = head[MARK.len()..].first_chunk().map(|&len| u32::from_le_bytes(len))? as usize;
    let body = rest.get(..len).filter(|_| len <= LONGEST)?;
    if check(body) != head[HEAD - CHECK..] {
        return None;
    }
    let (record, payload) = postcard::take_from_bytes(body).ok()?;
    Some((record, HEAD + len - payload.len()..HEAD + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_what_they_were() {
        // Whoever changes these bytes raises the number of the layout.
        let digest =
            |record: &Record| blake3::hash(&frame(record, b"payload").unwrap()).to_string();
        let gone = Gone { key: [7; 32], segment: "segment".to_owned(), at: 9 };
        assert_eq!(digest(&entry(3))[..16], *"d9ff9ecf02491750");
        assert_eq!(digest(&Record::Gone(gone))[..16], *"7f144ff432482a6a");
        let used = Record::Used(vec![([5; 32], 1_800_000_000)]);
        assert_eq!(digest(&used)[..16], *"1df4e893d656aab8");
    }

    fn entry(number: u8) -> Record {
        let (kind, step) = ("image".to_owned(), "gain".to_owned());
        let (key, digest) = ([number; 32], [number ^ 1; 32]);
        let (len, nanos, written) = (5, 7_000_000_000, 1_800_000_000);
        Record::Put(Entry {
            key,
            digest,
            len,
            kind,
            version: 2,
            step,
            nanos,
            written,
            identity: Some([number ^ 2; 32]),
            packed: None,
        })
    }

    fn gone() -> Record {
        Record::Gone(Gone { key: [9; 32], segment: "1-2.records".to_owned(), at: 7 })
    }

    fn three() -> (Vec<u8>, [usize; 3]) {
        let first = frame(&entry(1), b"small").unwrap();
        let second = frame(&gone(), b"").unwrap();
        let third = frame(&entry(3), b"").unwrap();
        let lens = [first.len(), second.len(), third.len()];
        ([first, second, third].concat(), lens)
    }

    fn told(found: &Found) -> Vec<&Record> {
        found.records.iter().map(|(record, _)| record).collect()
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let (bytes, _) = three();
        let found = scan(&bytes);
        assert_eq!(told(&found), [&entry(1), &gone(), &entry(3)]);
        assert_eq!(&bytes[found.records[0].1.clone()], b"small");
        assert_eq!((found.len, found.damaged), (bytes.len(), 0));
    }

    #[test]
    fn a_cut_record_is_left_for_later() {
        let (bytes, [first, second, _]) = three();
        for len in 0..bytes.len() {
            let found = scan(&bytes[..len]);
            let whole = usize::from(len >= first) + usize::from(len >= first + second);
            assert_eq!((found.records.len(), found.damaged), (whole, 0), "{len} bytes");
            assert_eq!(found.len, [0, first, first + second][whole]);
        }
    }

    #[test]
    fn a_changed_bit_costs_one_record_and_no_other() {
        let (bytes, lens) = three();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let found = scan(&changed);
            assert_eq!(found.records.len(), 2, "bit {bit}");
            // What is damaged at the end may be one that is not written yet.
            assert_eq!(found.damaged, usize::from(bit / 8 < lens[0] + lens[1]), "bit {bit}");
        }
    }

    #[test]
    fn anything_is_read_without_harm() {
        let mut odd = MARK.to_vec();
        odd.extend(u32::MAX.to_le_bytes());
        odd.extend([0xff; 64]);
        for bytes in [&b""[..], &MARK, &odd, &[0; 100], &MARK.repeat(50)] {
            assert_eq!(scan(bytes).records.len(), 0);
        }
        assert!(frame(&entry(1), &vec![0; LONGEST]).is_none());
    }
}
