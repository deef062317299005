//! How often a chain of operations copies its picture, and how much memory it takes for it.

use pipeline_core::exec::Fusion;

use crate::figure::Figure;
use crate::fusion::Chain;

/// Of which steps the results are asked for, and how many these are.
const CASES: [(&str, bool, f64); 2] = [("24mp", false, 1.0), ("24mp/all_asked_for", true, 10.0)];

/// All figures; `allocated` counts the bytes that a piece of work allocates.
///
/// A new executor has no memory that was used before, so whatever is anywhere in full size is
/// counted. A copy has to lie somewhere: copies are the images counted beyond those asked for.
///
/// # Panics
/// If there is no memory for the pictures, or memory was used again.
#[must_use]
pub fn figures(allocated: &dyn Fn(&dyn Fn()) -> usize) -> Vec<Figure> {
    let mut figures = Vec::new();
    for (name, all, asked_for) in CASES {
        // With an executor all memory goes that could be used again: that of earlier figures now,
        // that of this one after the chain.
        drop(Chain::executor(1, Fusion::Auto));
        let executor = Chain::executor(1, Fusion::Auto);
        let mut chain = Chain::new().expect("memory for a picture");
        if all {
            chain.ask_for_all();
        }
        #[expect(clippy::cast_precision_loss, reason = "sizes of some megabytes")]
        let images = allocated(&|| chain.run(&executor)) as f64 / Chain::BYTES as f64;
        assert!(images >= asked_for, "nothing is made in memory that was used before");
        let copies = (images.floor() - asked_for).max(0.0);
        let id = format!("copies/chain_10/{name}");
        figures.push(Figure::new(&id, copies, "images").reach(0.0));
        // Beside the images there are bands, tables and the run itself.
        let most = asked_for + 0.1;
        figures.push(Figure::new(format!("{id}/allocated"), images, "images").reach(most));
    }
    figures
}
