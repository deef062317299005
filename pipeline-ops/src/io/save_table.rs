//! A table into a file.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use pipeline_core::{Context, In, Result, Spec, Step};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::csv::{Column, Form, write_csv};
use super::text_file::write_text;
use crate::check;
use crate::measure::Table;

/// How many decimals are taken.
const DECIMALS: RangeInclusive<u32> = 0..=17;

/// Saves the table as a text file: lines of numbers with commas between them (CSV), below a line
/// of the names of the columns.
///
/// | port | data | axes | samples | values | channels |
/// |---|---|---|---|---|---|
/// | `in` | table | – | f64 | any | – |
///
/// Numbers have as many digits as tell them apart, or as many `decimals` as are asked for; then
/// columns that hold nothing but whole numbers have none. Names with commas, quotes or line feeds
/// stand in quotes. Lines end with a line feed.
///
/// The folder is made if it is missing. The file is there whole or as before, as that of `save`.
///
/// **Border**: tables have none. **NaN** is `NaN`, and infinity `inf` or `-inf`.
/// **Cost**: one pass over the numbers, two with `decimals`; memory for some kilobytes of text. The
/// step waits for the disk on a thread for that; a cancel is seen whenever bytes are written.
/// **Errors**: decimals outside their range; a file or folder that cannot be written.
///
/// **Source**: RFC 4180 with line feeds; of tables without NaN what `pandas.DataFrame.to_csv` 2.3
/// writes with `float_format="%.6f"`, if `decimals` is 6 and columns of whole numbers are integers.
///
/// ```
/// use pipeline_core::{Context, In, Step};
/// use pipeline_ops::io::SaveTable;
/// use pipeline_ops::measure::Table;
///
/// # let folder = std::env::temp_dir().join(format!("save_table-{}", std::process::id()));
/// let path = folder.join("areas.csv");
/// let table = Table::new(vec![("label", vec![1.0, 2.0]), ("mean", vec![0.5, 3.0])])?;
/// let step = SaveTable { decimals: Some(3), ..SaveTable::path(&path) };
/// step.run(In::new(table), &Context::default())?;
/// assert_eq!(std::fs::read_to_string(&path)?, "label,mean\n1,0.500\n2,3.000\n");
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(extend("required" = ["path"]))]
pub struct SaveTable {
    /// The file; it must be given.
    #[schemars(length(min = 1), extend("x-widget" = "save_file"))]
    pub path: PathBuf,
    /// Digits behind the point; as many as tell numbers apart if left out. 0 to 17, a count without
    /// a unit.
    #[schemars(range(min = *DECIMALS.start(), max = *DECIMALS.end()))]
    pub decimals: Option<u32>,
    /// Whether the step waits until the file is on the disk, as that of `save`; default true.
    pub durable: bool,
}

impl Default for SaveTable {
    fn default() -> Self {
        Self { path: PathBuf::new(), decimals: None, durable: true }
    }
}

impl SaveTable {
    /// Saves to this file.
    #[must_use]
    pub fn path(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    fn form(&self, numbers: &[f64]) -> Form {
        let is_whole = |number: &f64| number.fract() == 0.0;
        match self.decimals {
            Some(decimals) if !numbers.iter().all(is_whole) => Form::Decimals(decimals as usize),
            _ => Form::Shortest,
        }
    }
}

impl Step for SaveTable {
    const NAME: &'static str = "save_table";
    type Input = In<Table>;
    type Output = ();

    fn run(&self, table: In<Table>, ctx: &Context<'_>) -> Result<()> {
        self.decimals
            .map_or(Ok(()), |decimals| check::within("decimals", decimals, &DECIMALS, ""))?;
        let columns = table.columns().map(|(name, numbers)| Column {
            name: name.into(),
            numbers: numbers.into(),
            form: self.form(numbers),
        });
        let columns: Vec<Column<'_>> = columns.collect();
        write_text((&self.path, self.durable), ctx, |out| {
            write_csv(out, &columns, 0..table.rows(), "NaN")
        })
    }

    fn spec(&self) -> Spec {
        Spec::effect().writes(&self.path).blocking()
    }
}
