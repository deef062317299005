//! The nodes of a plan as events name them.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use crate::event::PlannedNode;
use crate::plan::{Plan, Program};

/// The nodes of the plan that was run last: whoever edits and runs again, or runs one plan many
/// times, has them made once.
#[derive(Debug, Default)]
pub(super) struct Roster(Mutex<Option<Last>>);

type Last = (Weak<Program>, Arc<[PlannedNode]>);

impl Roster {
    /// The nodes of a plan, in running order.
    pub(super) fn of(&self, plan: &Plan) -> Arc<[PlannedNode]> {
        let program = Arc::downgrade(&plan.program);
        if let Some((last, nodes)) = &*self.0.lock()
            && last.ptr_eq(&program)
        {
            return Arc::clone(nodes);
        }
        let infos = plan.program.shape.ids.iter().zip(&*plan.infos);
        let mut steps: HashMap<&str, Arc<str>> = HashMap::new();
        let nodes: Arc<[PlannedNode]> = infos
            .map(|(&id, info)| {
                let step = info.step_name();
                let step = Arc::clone(steps.entry(step).or_insert_with(|| step.into()));
                PlannedNode { id, name: info.shared_name(), step }
            })
            .collect();
        *self.0.lock() = Some((program, Arc::clone(&nodes)));
        nodes
    }
}
