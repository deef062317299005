//! Every operation gives the same bits with vectors of every width.

use std::env::{current_exe, var_os};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::golden::cases;
use crate::support::registry;

/// What limits the width of vectors, in bits, from the start of a program on.
const BITS: &str = "PIPELINE_VECTOR_BITS";

/// Where a program that was started for one width writes its results.
const RESULTS: &str = "PIPELINE_TEST_RESULTS";

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

/// The results of all cases and of `save`, one a line.
fn results(folder: &Path) -> String {
    let registry = registry();
    let of_cases = cases().into_iter().map(|(case, expected)| {
        let makes_table = registry.find(&case.op).unwrap().outputs[0].data.name == "table";
        let [(_, found), _] = case.results(&expected, makes_table);
        let bits: Vec<u8> = found.iter().flat_map(|number| number.to_le_bytes()).collect();
        format!("{} {:x}\n", case.name, digest(&bits))
    });
    of_cases.chain(saved(folder)).collect()
}

/// JPEG files: gray, and with chroma at half and at the full resolution.
#[cfg(feature = "codecs")]
fn saved(folder: &Path) -> Option<String> {
    use pipeline_core::{Context, In, SampleType, Step};
    use pipeline_ops::io::Save;

    let path = folder.join("picture.jpg");
    let files = [(1, 75), (3, 75), (3, 90)].map(|(channels, quality)| {
        let picture = crate::support::filled((301, 75), channels, SampleType::U8, 5);
        let save = Save { quality, ..Save::path(&path) };
        save.run(In::new(picture), &Context::default()).unwrap();
        format!("save {channels} {quality} {:x}\n", digest(&std::fs::read(&path).unwrap()))
    });
    Some(files.concat())
}

#[cfg(not(feature = "codecs"))]
fn saved(_: &Path) -> Option<String> {
    None
}

/// What this program gives with vectors of so many bits at the most: that is asked for once, so it
/// is started anew.
fn with_bits(bits: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results");
    let mut test = Command::new(current_exe().unwrap());
    test.args(["--exact", "widths::every_width_gives_the_same_bits"]);
    let status = test.env(BITS, bits).env(RESULTS, &path).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{bits} bits");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_width_gives_the_same_bits() {
    if let Some(path) = var_os(RESULTS).map(PathBuf::from) {
        std::fs::write(&path, results(path.parent().unwrap())).unwrap();
        return;
    }
    let [least, middle, most] = ["128", "256", "512"].map(with_bits);
    assert!(least.lines().count() > 100, "{least}");
    for (bits, wider) in [(256, middle), (512, most)] {
        let pairs = least.lines().zip(wider.lines());
        let other: Vec<_> = pairs.filter(|(least, wider)| least != wider).collect();
        assert!(other.is_empty(), "{bits} bits: {other:?}");
    }
}
