//! A pipeline from a file: all faults of a bad one at once, then a good one planned, drawn and run.
//!
//! ```text
//!          ┌─▶ gray ─────▶ smooth ───▶ light ──▶ shape ────▶ save shape
//!  photo ──┤   grayscale   gaussian    otsu      mask_image  out/from_file/light.png
//!          └─▶ negative ───────────────────────────────────▶ save negative
//!              invert                                        out/from_file/negative.png
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::fs;

use pipeline_core::{Executor, Graph, Options, Registry, RunOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut registry = Registry::new();
    pipeline_ops::register(&mut registry)?;

    // A file with slips in it. Nothing is run; every fault is told with its path, what was found,
    // what was expected, and the name that was probably meant.
    let faults = match Graph::read("examples/data/faulty.json", &registry) {
        Err(pipeline_core::Error::Invalid(faults)) => faults,
        other => return Err(format!("the file passed for {other:?}").into()),
    };
    println!("faulty.json has {} faults:", faults.len());
    for fault in &faults {
        println!("  {fault}");
    }
    let nearest = |path: &str| {
        faults.iter().find(|fault| fault.path == path).and_then(|fault| fault.nearest.as_deref())
    };
    assert_eq!(nearest("nodes.smooth.step"), Some("gaussian_blur"));

    let graph = Graph::read("examples/data/light.json", &registry)?;
    let executor = Executor::new(Options::default())?;
    let options = RunOptions::default();

    // The plan can be looked at before anything runs, as text and as a drawing.
    let plan = executor.plan(&graph, &options)?;
    println!("\nlight.json\n{plan}");
    fs::create_dir_all("out/from_file")?;
    fs::write("out/from_file/plan.dot", plan.to_dot())?;

    let report = executor.run_plan(plan, &options)?;
    report.ok()?;
    println!("{report}\n");

    // Written and read again, it is the same graph.
    let text = graph.to_json()?;
    assert_eq!(Graph::from_json(&text, &registry)?.to_json()?, text);
    println!("pictures: out/from_file/light.png, out/from_file/negative.png");
    println!("drawing:  out/from_file/plan.dot, for `dot -Tsvg`");
    Ok(())
}
