//! Replays recorded sessions on the caches that are compared.
//!
//! `replay FILE…` prints, for a quarter to twice the bytes of all results, how many of a hundred
//! seconds that a cache without end would save each of them saves.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::error::Error;

use pipeline_benches::trace::recorded::Recording;
use pipeline_benches::trace::rival::{Endless, Gdsf, Lru, Moka, Nothing, Ours, Quick, Rival};
use pipeline_benches::trace::{BUDGETS, part_of};

fn main() -> Result<(), Box<dyn Error>> {
    println!("| session | budget | ours | lru | gdsf | moka | quick_cache |");
    println!("|---|---|---|---|---|---|---|");
    for file in std::env::args().skip(1) {
        let recording = Recording::read(&std::fs::read_to_string(&file)?)?;
        let without = recording.replay(&mut Nothing);
        let least = recording.replay(&mut Endless::default());
        for (name, part) in BUDGETS {
            let budget = part_of(recording.bytes(), part);
            let rivals: [Box<dyn Rival>; 5] = [
                Box::new(Ours::new(budget)),
                Box::new(Lru::new(budget)),
                Box::new(Gdsf::new(budget)),
                Box::new(Moka::new(budget)),
                Box::new(Quick::new(budget)),
            ];
            let saved = rivals.map(|mut rival| {
                let share = (without - recording.replay(&mut *rival)) / (without - least);
                format!("{:.1}", 100.0 * share)
            });
            println!("| {file} | {name} | {} |", saved.join(" | "));
        }
    }
    Ok(())
}
