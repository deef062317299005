//! Where the pages of a TIFF file begin.

use std::collections::HashSet;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

/// The most pages that a file may have.
const MOST: usize = 1 << 24;

/// Where each page begins, in the order in which the file names them.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) starts: Vec<u64>,
    /// Whether the file ends before its last page does.
    pub(super) is_cut_off: bool,
    is_big_endian: bool,
    is_big_tiff: bool,
}

impl Pages {
    /// Goes from page to page, and reads no more than that takes. Of a file that is cut off there
    /// are those pages that it still has the tags of.
    pub(super) fn of(file: &mut (impl Read + Seek)) -> io::Result<Self> {
        file.seek(SeekFrom::Start(0))?;
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let is_big_endian = match &head[..2] {
            b"II" => false,
            b"MM" => true,
            _ => return Err(damaged("it does not begin as a TIFF file")),
        };
        let mut pages =
            Self { starts: Vec::new(), is_cut_off: false, is_big_endian, is_big_tiff: false };
        pages.is_big_tiff = match pages.number(&head[2..4]) {
            42 => false,
            43 => true,
            _ => return Err(damaged("it does not begin as a TIFF file")),
        };
        let mut next =
            if pages.is_big_tiff { pages.read(file, 8)? } else { pages.number(&head[4..8]) };
        let mut seen = HashSet::new();
        while next != 0 {
            if !seen.insert(next) || pages.starts.len() >= MOST {
                return Err(damaged("its pages go on for ever"));
            }
            next = match pages.after(next, file) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof && seen.len() > 1 => {
                    pages.is_cut_off = true;
                    0
                }
                after => after?,
            };
        }
        if pages.starts.is_empty() {
            return Err(damaged("it has no page"));
        }
        Ok(pages)
    }

    /// Takes note of a page, and says where the next one begins; 0 after the last.
    fn after(&mut self, start: u64, file: &mut (impl Read + Seek)) -> io::Result<u64> {
        file.seek(SeekFrom::Start(start))?;
        let (count, entry) =
            if self.is_big_tiff { (self.read(file, 8)?, 20) } else { (self.read(file, 2)?, 12) };
        let tags = count.checked_mul(entry).and_then(|bytes| i64::try_from(bytes).ok());
        let tags = tags.ok_or_else(|| damaged("a page has more tags than a file holds"))?;
        file.seek(SeekFrom::Current(tags))?;
        let next = self.read(file, if self.is_big_tiff { 8 } else { 4 })?;
        // A page whose tags are cut off cannot be read.
        self.starts.push(start);
        Ok(next)
    }

    /// The first bytes of the file as if it began with another page.
    pub(super) fn head(&self, page: usize) -> Vec<u8> {
        let (order, version): (_, u16) = (
            if self.is_big_endian { b"MM" } else { b"II" },
            if self.is_big_tiff { 43 } else { 42 },
        );
        let mut head = order.to_vec();
        let start = self.starts[page];
        self.put(u64::from(version), 2, &mut head);
        if self.is_big_tiff {
            self.put(8, 2, &mut head);
            self.put(0, 2, &mut head);
        }
        self.put(start, if self.is_big_tiff { 8 } else { 4 }, &mut head);
        head
    }

    fn put(&self, number: u64, len: usize, bytes: &mut Vec<u8>) {
        if self.is_big_endian {
            bytes.extend(&number.to_be_bytes()[8 - len..]);
        } else {
            bytes.extend(&number.to_le_bytes()[..len]);
        }
    }

    fn read(&self, file: &mut impl Read, len: usize) -> io::Result<u64> {
        let mut bytes = [0; 8];
        file.read_exact(&mut bytes[..len])?;
        Ok(self.number(&bytes[..len]))
    }

    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |number: u64, &byte: &u8| number << 8 | u64::from(byte);
        if self.is_big_endian { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
    }
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn pages_are_found_in_both_orders_and_sizes() {
        let little = [&b"II\x2a\0\x08\0\0\0"[..], b"\0\0\x0e\0\0\0", b"\0\0\0\0\0\0"].concat();
        let pages = Pages::of(&mut Cursor::new(&little)).unwrap();
        assert_eq!(pages.starts, [8, 14]);
        assert_eq!(pages.head(1), b"II\x2a\0\x0e\0\0\0");
        let entry = [0; 20];
        let start = [&b"MM\0\x2b\0\x08\0\0"[..], &16u64.to_be_bytes()].concat();
        let big = [&start[..], &1u64.to_be_bytes(), &entry, &0u64.to_be_bytes()].concat();
        let pages = Pages::of(&mut Cursor::new(&big)).unwrap();
        assert_eq!((&pages.starts[..], pages.head(0)), (&[16][..], start));
    }

    #[test]
    fn what_is_cut_off_or_goes_in_a_circle_is_an_error() {
        let circle = [&b"II\x2a\0\x08\0\0\0"[..], b"\0\0\x08\0\0\0"].concat();
        assert!(Pages::of(&mut Cursor::new(&circle)).is_err());
        for len in 0..circle.len() {
            assert!(Pages::of(&mut Cursor::new(&circle[..len])).is_err(), "{len} bytes");
        }
        // A second page that is not there costs only itself.
        let short = [&b"II\x2a\0\x08\0\0\0"[..], b"\0\0\x0e\0\0\0"].concat();
        let pages = Pages::of(&mut Cursor::new(&short)).unwrap();
        assert_eq!((&pages.starts[..], pages.is_cut_off), (&[8][..], true));
        let tags = [&short[..], b"\x01\0\0\0"].concat();
        let pages = Pages::of(&mut Cursor::new(&tags)).unwrap();
        assert_eq!((&pages.starts[..], pages.is_cut_off), (&[8][..], true));
        let none = [&b"II\x2a\0\0\0\0\0"[..], &short].concat();
        assert!(Pages::of(&mut Cursor::new(&none)).is_err());
        let far = [&b"MM\0\x2b\0\x08\0\0"[..], &16u64.to_be_bytes(), &[0xFF; 8]].concat();
        assert!(Pages::of(&mut Cursor::new(&far)).is_err());
    }
}
