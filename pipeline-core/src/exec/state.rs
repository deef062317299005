//! The flat arrays of a run, kept from one run to the next.

use std::sync::Arc;

use parking_lot::Mutex;

use super::cell::Cell;
use super::slots::Slots;
use crate::plan::Program;
use crate::sync::atomic::AtomicU32;

/// What a run knows of its places and slots: one allocation per array, none per step, and in a warm
/// run none at all.
#[derive(Debug)]
pub(super) struct RunState {
    pub(super) cells: Vec<Cell>,
    pub(super) slots: Slots,
    pub(super) waits: Vec<AtomicU32>,
    home: Arc<Spare>,
}

/// Arrays of runs that are over.
#[derive(Debug, Default)]
pub(super) struct Spare(Mutex<Vec<(Vec<Cell>, Slots, Vec<AtomicU32>)>>);

/// How many runs' arrays are kept.
const KEPT: usize = 4;

/// Arrays of more places are given back to the system.
const KEPT_PLACES: usize = 1 << 17;

impl RunState {
    /// The state of a run that has not begun.
    pub(super) fn new(program: &Program, home: &Arc<Spare>) -> Arc<Self> {
        let (mut cells, mut slots, mut waits) = home.0.lock().pop().unwrap_or_default();
        cells.truncate(program.waits.len());
        cells.iter_mut().for_each(|cell| *cell = Cell::default());
        cells.resize_with(program.waits.len(), Cell::default);
        slots.reset(&program.uses);
        waits.clear();
        waits.extend(program.waits.iter().map(|&waits| AtomicU32::new(waits)));
        Arc::new(Self { cells, slots, waits, home: Arc::clone(home) })
    }
}

impl Drop for RunState {
    fn drop(&mut self) {
        if self.cells.len() > KEPT_PLACES {
            return;
        }
        let arrays = (
            std::mem::take(&mut self.cells),
            std::mem::take(&mut self.slots),
            std::mem::take(&mut self.waits),
        );
        let mut spare = self.home.0.lock();
        if spare.len() < KEPT {
            spare.push(arrays);
        }
    }
}
