//! The faults of a file, and the parts of reading that find the same ones everywhere.

use serde_json::{Map, Value as Json};

use super::tree::Tree;
use crate::error::{Fault, FaultCode, nearest};
use crate::step::{one_of, shorten};

/// At most this many faults are listed.
const MOST_FAULTS: usize = 10_000;

/// The fields of an object, in order.
pub(super) type Fields = Vec<(String, Tree)>;

/// The faults found so far.
#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
    more: usize,
}

impl Faults {
    /// All faults; a file with very many has the first of them listed and the others counted.
    pub(super) fn into_list(mut self) -> Vec<Fault> {
        if self.more > 0 {
            let found = format!("{} more faults", self.more);
            let expected = format!("at most {MOST_FAULTS}, which are listed");
            self.list.push(Fault::new(FaultCode::Limit, "file", found, expected));
        }
        self.list
    }

    pub(super) fn count(&self) -> usize {
        self.list.len() + self.more
    }

    pub(super) fn push(&mut self, fault: Fault) {
        if self.list.len() < MOST_FAULTS {
            self.list.push(fault);
        } else {
            self.more += 1;
        }
    }

    pub(super) fn fault(
        &mut self,
        code: FaultCode,
        path: &str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.push(Fault::new(code, path, found, expected));
    }

    pub(super) fn wrong_type(&mut self, path: &str, tree: &Tree, expected: &str) {
        self.fault(FaultCode::Type, path, tree.found(), expected);
    }

    /// A name that is none of those known.
    pub(super) fn unknown_name(&mut self, code: FaultCode, path: &str, name: &str, known: &[&str]) {
        let fault = Fault::new(code, path, format!("`{}`", shorten(name)), one_of(known));
        self.push(fault.near(nearest(name, known.iter().copied())));
    }

    /// A field that an object has already.
    pub(super) fn repeated(&mut self, path: &str, name: &str) {
        let found = format!("`{}` a second time", shorten(name));
        self.fault(FaultCode::Name, path, found, "each field once");
    }

    /// The known fields of an object.
    pub(super) fn object(&mut self, tree: Tree, path: &str, known: &[&str]) -> Option<Fields> {
        match tree {
            Tree::Object(fields) => Some(self.known(fields, path, known)),
            other => {
                self.wrong_type(path, &other, "an object");
                None
            }
        }
    }

    /// Those fields that are known, each once; all others are faults.
    pub(super) fn known(&mut self, fields: Fields, path: &str, known: &[&str]) -> Fields {
        let mut seen = vec![false; known.len()];
        let mut kept = Fields::new();
        for (name, tree) in fields {
            match known.iter().position(|known| *known == name) {
                Some(place) if !seen[place] => {
                    seen[place] = true;
                    kept.push((name, tree));
                }
                Some(_) => self.repeated(&join(path, &name), &name),
                None => {
                    self.unknown_name(FaultCode::UnknownField, &join(path, &name), &name, known);
                }
            }
        }
        kept
    }

    /// Takes a required text out of the fields of the object at `path`.
    pub(super) fn text(
        &mut self,
        fields: &mut Fields,
        name: &str,
        path: &str,
        expected: &str,
    ) -> Option<String> {
        match take(fields, name) {
            Some(Tree::Text(text)) => return Some(text),
            Some(other) => self.wrong_type(&join(path, name), &other, expected),
            None => self.fault(FaultCode::Missing, &join(path, name), "nothing", expected),
        }
        None
    }

    /// The value as JSON, for parameters and what an embedder attached.
    pub(super) fn json(&mut self, tree: Tree, path: &mut String) -> Json {
        match tree {
            Tree::Null => Json::Null,
            Tree::Bool(value) => value.into(),
            Tree::Number(number) => number.into(),
            Tree::Unheld(text) => {
                self.fault(FaultCode::Range, path, text, "a finite number of at most 64 bits");
                Json::Null
            }
            Tree::Text(text) => text.into(),
            Tree::List(list) => {
                let end = path.len();
                let mut values = Vec::with_capacity(list.len());
                for (index, tree) in list.into_iter().enumerate() {
                    if !matches!(tree, Tree::Number(_)) {
                        path.push_str(&format!("[{index}]"));
                    }
                    values.push(self.json(tree, path));
                    path.truncate(end);
                }
                Json::Array(values)
            }
            Tree::Object(fields) => {
                let end = path.len();
                let mut object = Map::with_capacity(fields.len());
                for (name, tree) in fields {
                    path.push('.');
                    path.push_str(&shorten(&name));
                    if object.contains_key(&name) {
                        self.repeated(path, &name);
                    }
                    let value = self.json(tree, path);
                    object.insert(name, value);
                    path.truncate(end);
                }
                Json::Object(object)
            }
        }
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { shorten(name) } else { format!("{path}.{}", shorten(name)) }
}

/// Takes a field out.
pub(super) fn take(fields: &mut Fields, name: &str) -> Option<Tree> {
    let place = fields.iter().position(|(field, _)| field == name)?;
    Some(fields.remove(place).1)
}
