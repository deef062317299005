//! Tables of numbers: what measurements are given as.

use std::io::Write;

use pipeline_core::data::Codec;
use pipeline_core::{Data, Error, Result};

/// Named columns of numbers, all of one length: a row for each thing that was measured.
///
/// Counts are numbers as well; up to 2⁵³ they are exact.
///
/// ```
/// use pipeline_ops::measure::Table;
///
/// let table = Table::new(vec![("label", vec![1.0, 2.0]), ("area", vec![30.0, 7.0])])?;
/// assert_eq!(table.column("area"), Some(&[30.0, 7.0][..]));
/// assert_eq!(table.rows(), 2);
/// assert_eq!(table.to_csv(), "label,area\n1,30\n2,7\n");
/// # Ok::<(), pipeline_core::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Table {
    columns: Vec<(String, Vec<f64>)>,
}

impl Table {
    /// A table of these columns.
    ///
    /// # Errors
    /// [`Error::Input`] if two columns have one name or not all have the same length.
    pub fn new<N: Into<String>>(columns: Vec<(N, Vec<f64>)>) -> Result<Self> {
        let columns: Vec<(String, Vec<f64>)> =
            columns.into_iter().map(|(name, numbers)| (name.into(), numbers)).collect();
        let rows = columns.first().map_or(0, |(_, numbers)| numbers.len());
        for (at, (name, numbers)) in columns.iter().enumerate() {
            if numbers.len() != rows {
                let what = format!("column `{name}`");
                return Err(Error::input(what, numbers.len(), format!("{rows} numbers")));
            }
            if columns[..at].iter().any(|(other, _)| other == name) {
                let found = format_args!("`{name}`, which is taken");
                return Err(Error::input("the column name", found, "a name of its own"));
            }
        }
        Ok(Self { columns })
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, numbers)| numbers.len())
    }

    /// Each column with its name, in order.
    #[must_use]
    pub fn columns(&self) -> impl ExactSizeIterator<Item = (&str, &[f64])> {
        self.columns.iter().map(|(name, numbers)| (name.as_str(), numbers.as_slice()))
    }

    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&[f64]> {
        self.columns().find(|&(own, _)| own == name).map(|(_, numbers)| numbers)
    }

    /// The column of this name, which `what` must have: "the columns of …".
    pub(crate) fn named(&self, name: &str, what: impl FnOnce() -> String) -> Result<&[f64]> {
        self.column(name).ok_or_else(|| {
            let names: Vec<&str> = self.columns().map(|(name, _)| name).collect();
            Error::input(what(), names.join(", "), format!("`{name}` among them"))
        })
    }

    /// The table as lines of numbers with commas between them, below a line of names. Numbers have
    /// as many digits as tell them apart; those that are none are `NaN`, `inf` and `-inf`.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let names: Vec<&str> = self.columns().map(|(name, _)| name).collect();
        let mut text = names.join(",") + "\n";
        for row in 0..self.rows() {
            for (at, (_, numbers)) in self.columns.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                text += &format!("{comma}{}", numbers[row]);
            }
            text.push('\n');
        }
        text
    }
}

impl PartialEq for Table {
    /// Equal names, equal bits of every number.
    fn eq(&self, other: &Self) -> bool {
        let bits = |numbers: &[f64]| numbers.iter().map(|n| n.to_bits()).collect::<Vec<_>>();
        self.columns.len() == other.columns.len()
            && self.columns().zip(other.columns()).all(|((name, own), (other_name, other))| {
                name == other_name && bits(own) == bits(other)
            })
    }
}

impl Data for Table {
    const NAME: &'static str = "table";

    fn size_bytes(&self) -> usize {
        let columns = self.columns.iter();
        size_of::<Self>()
            + columns.map(|(name, numbers)| name.len() + size_of_val(&numbers[..])).sum::<usize>()
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(1, encode, |bytes| decode(bytes)))
    }
}

fn encode(table: &Table, out: &mut dyn Write) -> std::io::Result<()> {
    out.write_all(&(table.columns.len() as u64).to_le_bytes())?;
    out.write_all(&(table.rows() as u64).to_le_bytes())?;
    for (name, numbers) in &table.columns {
        out.write_all(&(name.len() as u64).to_le_bytes())?;
        out.write_all(name.as_bytes())?;
        numbers.iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))?;
    }
    Ok(())
}

fn decode(mut bytes: &[u8]) -> Result<Table> {
    let (columns, rows) = (length(&mut bytes)?, length(&mut bytes)?);
    let mut decoded = Vec::new();
    for _ in 0..columns {
        let name = length(&mut bytes)?;
        let name = String::from_utf8(take(&mut bytes, name)?.to_vec())
            .map_err(|error| Error::caused("a column name cannot be read", error))?;
        let numbers = take(&mut bytes, rows.saturating_mul(size_of::<f64>()))?;
        let numbers = numbers.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes));
        decoded.push((name, numbers.collect()));
    }
    Table::new(decoded)
}

fn length(bytes: &mut &[u8]) -> Result<usize> {
    let taken = take(bytes, size_of::<u64>())?.iter();
    let length = taken.rev().fold(0u64, |length, &byte| length << 8 | u64::from(byte));
    usize::try_from(length)
        .map_err(|_| Error::input("an encoded length", length, "one that fits in memory"))
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8]> {
    let Some((head, rest)) = bytes.split_at_checked(len) else {
        let expected = format!("{len} bytes more");
        return Err(Error::input("the rest of the encoded table", bytes.len(), expected));
    };
    *bytes = rest;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_survives_its_codec_and_refuses_truncation() {
        let numbers = vec![1.5, f64::INFINITY, -0.0];
        let table = Table::new(vec![("a", numbers.clone()), ("µ", numbers)]).unwrap();
        let codec = Table::codec().unwrap();
        let mut bytes = Vec::new();
        (codec.encode)(&table, &mut bytes).unwrap();
        assert_eq!((codec.decode)(&bytes.clone().into()).unwrap(), table);
        for len in 0..bytes.len() {
            assert!((codec.decode)(&bytes[..len].to_vec().into()).is_err(), "{len} bytes");
        }
        // A length that no memory holds.
        bytes[8..16].fill(0xff);
        assert!((codec.decode)(&bytes.into()).is_err());
        assert!((codec.decode)(&vec![0xff; 64].into()).is_err());
    }

    #[test]
    fn columns_are_alike_in_length_and_not_in_name() {
        let error = Table::new(vec![("a", vec![1.0]), ("b", vec![])]).unwrap_err();
        assert_eq!(error.to_string(), "column `b` is 0, expected 1 numbers");
        let error = Table::new(vec![("a", vec![1.0]), ("a", vec![2.0])]).unwrap_err();
        let text = "the column name is `a`, which is taken, expected a name of its own";
        assert_eq!(error.to_string(), text);
        assert_eq!(Table::new(Vec::<(&str, _)>::new()).unwrap().to_csv(), "\n");
    }
}
