//! What of an item is there already, and what of it has to be made.

use std::collections::{HashMap, HashSet};

use super::manifest::{Manifest, Output, Record};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::plan::{FileDigests, Outline, Stop, Target, Write};

/// What of an item is there.
#[derive(Debug)]
pub(super) struct Kept {
    /// The names of what was done for the targets, in the order of the outline.
    pub(super) targets: Vec<Option<Key>>,
    /// The files that are whole, in the order of the outline.
    pub(super) outputs: Vec<Option<Output>>,
}

impl Kept {
    /// What is recorded, as far as it would be done now and its files are whole. A file that the
    /// system says has not been touched is trusted, if that is wanted, and not read.
    pub(super) fn of(
        record: Option<&Record>,
        outline: &Outline,
        manifest: &Manifest,
        digests: &FileDigests,
        trusts: bool,
    ) -> Self {
        let outputs = record.iter().flat_map(|record| &record.outputs);
        let known: HashMap<_, _> = outputs.map(|output| (&output.path, output)).collect();
        let whole = |write: &Write| {
            let output = *known.get(&manifest.recorded(&write.path))?;
            if output.fingerprint.is_none() || output.fingerprint != write.fingerprint {
                return None;
            }
            let stamp = FileDigests::stamp(&write.path)?;
            if trusts && Some(stamp) == output.stamp {
                return Some(output.clone());
            }
            let found = look_at(write, manifest, digests).ok()?;
            ((found.bytes, found.digest) == (output.bytes, output.digest)).then_some(found)
        };
        let done = |target: &Target| {
            let is_known =
                record.is_some_and(|record| record.targets.contains(&target.fingerprint));
            target.fingerprint.filter(|_| is_known)
        };
        Self {
            targets: outline.targets.iter().map(done).collect(),
            outputs: outline.writes.iter().map(whole).collect(),
        }
    }

    /// The targets that have to be made: those for which something else was done, or nothing, those
    /// for which a file is missing, and those that finish a file which another one begins anew.
    pub(super) fn stale<'a>(&self, outline: &'a Outline) -> impl Iterator<Item = &'a Target> {
        let is_whole = |target: &Target| target.writes.iter().all(|&at| self.outputs[at].is_some());
        let targets = outline.targets.iter().zip(&self.targets);
        let mut is_stale: Vec<bool> =
            targets.map(|(target, done)| done.is_none() || !is_whole(target)).collect();
        loop {
            let stale = outline.targets.iter().zip(&is_stale).filter(|(_, is_stale)| **is_stale);
            let begun: HashSet<usize> =
                stale.flat_map(|(target, _)| &target.begins).copied().collect();
            let mut is_more = false;
            for (target, is_stale) in outline.targets.iter().zip(&mut is_stale) {
                let ends = |at: &usize| begun.contains(at) && !target.begins.contains(at);
                if !*is_stale && target.writes.iter().any(ends) {
                    (*is_stale, is_more) = (true, true);
                }
            }
            if !is_more {
                break;
            }
        }
        outline.targets.iter().zip(is_stale).filter_map(|(target, is)| is.then_some(target))
    }
}

/// What is to be recorded of a file.
pub(super) fn look_at(write: &Write, manifest: &Manifest, digests: &FileDigests) -> Result<Output> {
    let path = &write.path;
    let stamp = FileDigests::stamp(path);
    let digest = digests.digest(path, None, &Stop::default());
    let bytes = std::fs::metadata(path).map(|meta| meta.len());
    match (bytes, digest) {
        (Ok(bytes), Some(digest)) => Ok(Output {
            path: manifest.recorded(path),
            bytes,
            digest,
            fingerprint: write.fingerprint,
            stamp,
        }),
        (bytes, _) => {
            let source = bytes.err().map_or_else(|| "it is no file".into(), Into::into);
            Err(Error::File { path: path.clone(), action: "read", source })
        }
    }
}
