//! Lines of numbers with commas between them.

use std::borrow::Cow;
use std::io::{self, Write};

/// How the numbers of a column are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// With as many digits as tell them apart; whole numbers without decimals.
    Shortest,
    /// With this many decimals.
    Decimals(usize),
    /// `False` for 0 and `True` for all others, as Python writes them.
    Truth,
}

/// A column of a file.
#[derive(Debug)]
pub(super) struct Column<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) numbers: Cow<'a, [f64]>,
    pub(super) form: Form,
}

/// Writes a line of names, and below it these rows of the columns. What is no number is `nan`.
pub(super) fn write_csv(
    out: &mut dyn Write,
    columns: &[Column<'_>],
    rows: impl Iterator<Item = usize>,
    nan: &str,
) -> io::Result<()> {
    for (at, column) in columns.iter().enumerate() {
        let comma = if at > 0 { "," } else { "" };
        write!(out, "{comma}{}", quoted(&column.name))?;
    }
    writeln!(out)?;
    for row in rows {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.write_all(b",")?;
            }
            let number = column.numbers[row];
            match column.form {
                _ if number.is_nan() => write!(out, "{nan}"),
                Form::Shortest => write!(out, "{number}"),
                Form::Decimals(decimals) => write!(out, "{number:.decimals$}"),
                Form::Truth => write!(out, "{}", if number == 0.0 { "False" } else { "True" }),
            }?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// A name as a field: in quotes where it would be more than one (RFC 4180).
fn quoted(name: &str) -> Cow<'_, str> {
    if name.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", name.replace('"', "\"\"")).into();
    }
    name.into()
}
