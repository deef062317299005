//! The rules of the house that the compiler does not know.
//!
//! Each test holds one rule: it shows on small samples that the rule can fail, then applies it to
//! every file of the workspace and prints each fault as `file:line: message`.
//!
//! Names are read as they are written, so a rule can be evaded by whoever wants to. It is there for
//! slips.

#[path = "tidy/words.rs"]
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use words::Source;

/// The modules of the core in the order data flows. Each imports only what stands before it.
const ORDER: &[&str] = &[
    "sync", "id", "error", "key", "data", "step", "graph", "cache", "plan", "event", "observe",
    "exec", "session", "batch", "testkit",
];

/// Macros live at the crate root whatever module defines them.
const MACROS: &[(&str, &str)] = &[("dispatch", "data")];

/// Crates that join the others. All others import the core and never each other.
const JOINERS: &[&str] = &["pipeline-studio", "examples", "benches"];

/// What a kernel may know of the engine.
const KERNEL_IMPORTS: &[&str] = &["Sample", "SampleType", "dispatch", "Result", "look_up"];

/// What a kernel may know of its crate beside other kernels.
const KERNEL_NEIGHBORS: &[&str] = &["kernel", "memory"];

/// Files beside `pipeline-ops/src/kernel/*/` that may hold `unsafe`.
const UNSAFE: &[&str] = &[
    "pipeline-cache/src/disk/mapped.rs",
    "pipeline-core/src/data/pages.rs",
    "pipeline-core/src/data/table.rs",
    "pipeline-core/src/step/rows.rs",
    "pipeline-ops/src/io/scanlines.rs",
];

/// Files whose subject is a step that sleeps, each with the reason.
const SLEEPERS: &[(&str, &str)] =
    &[("benches/src/order.rs", "eight busy workers on any machine: only their order is measured")];

/// Most lines a Rust file may have; items for tests only are not counted.
const LONGEST: usize = 600;

/// Most characters of a line of comments; tables, links and examples may be wider.
const WIDEST: usize = 100;

/// Most lines a document may have, or each document of a folder.
const DOCUMENTS: &[(&str, usize)] = &[
    ("README.md", 150),
    ("docs/ARCHITECTURE.md", 150),
    ("CONTRIBUTING.md", 80),
    ("docs/guide/", 200),
];

/// Names that say nothing about what a file holds.
const VAGUE: &[&str] = &["util", "utils", "helper", "helpers", "common", "misc", "manager", "base"];

#[test]
fn every_file_starts_with_its_docs() {
    fn rule(source: &Source<'_>) -> Faults {
        let missing = !source.text.starts_with("//!");
        missing
            .then(|| (1, "the first line is not a `//!` module doc".into()))
            .into_iter()
            .collect()
    }
    finds(rule, "a.rs", "\n//! Late.", &[1]);
    finds(rule, "a.rs", "//! In time.", &[]);
    tree(rule);
}

#[test]
fn files_stay_short() {
    fn rule(source: &Source<'_>) -> Faults {
        let lines = source.text.lines().count() - source.tests.len();
        let long = lines > LONGEST;
        long.then(|| (LONGEST, format!("{lines} lines, at most {LONGEST}"))).into_iter().collect()
    }
    let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}", "\n".repeat(LONGEST));
    finds(rule, "a.rs", &"\n".repeat(LONGEST + 1), &[LONGEST]);
    finds(rule, "a.rs", &"\n".repeat(LONGEST), &[]);
    finds(rule, "a.rs", &("\n".repeat(LONGEST) + &tests), &[]);
    finds(rule, "a.rs", &("\n".repeat(LONGEST + 1) + &tests), &[LONGEST]);
    tree(rule);
}

#[test]
fn comments_stay_narrow() {
    fn rule(source: &Source<'_>) -> Faults {
        let mut faults = vec![];
        let mut is_code = false;
        for (line, number) in source.text.lines().zip(1..) {
            let comment = line.trim_start();
            if !comment.starts_with("//") {
                is_code = false;
                continue;
            }
            is_code ^= comment.contains("```");
            let may_be_wide = is_code || comment.contains(" |") || comment.contains("http");
            if !may_be_wide && line.chars().count() > WIDEST {
                faults.push((number, format!("a comment of more than {WIDEST} characters")));
            }
        }
        faults
    }
    let line =
        |length: usize| format!("fn f() {}\n    /// {}\n", "x".repeat(200), "–".repeat(length));
    finds(rule, "pipeline-core/src/a.rs", &line(92), &[]);
    finds(rule, "pipeline-core/src/a.rs", &line(93), &[2]);
    finds(rule, "pipeline-core/src/a.rs", &format!("/// | {} |", "x".repeat(200)), &[]);
    tree(rule);
}

#[test]
fn documents_stay_short() {
    fn rule(path: &str, text: &str) -> Option<String> {
        let lines = text.lines().count();
        let fits = |name: &str| path == name || (name.ends_with('/') && path.starts_with(name));
        let (_, limit) = DOCUMENTS.iter().find(|(name, limit)| fits(name) && lines > *limit)?;
        Some(format!("{path}:{limit}: {lines} lines, at most {limit}"))
    }
    let lines = "\n".repeat(151);
    assert!(rule("README.md", &lines).is_some());
    assert!(rule("README.md", &lines[1..]).is_none());
    assert!(rule("docs/guide/embed.md", &lines).is_none());
    assert!(rule("docs/guide/embed.md", &lines.repeat(2)).is_some());
    report(files().filter_map(|(path, text)| rule(&path, &text)));
}

#[test]
fn core_imports_only_downward() {
    fn rule(source: &Source<'_>) -> Faults {
        let home = source.modules();
        let inside = source.path.starts_with("pipeline-core/src/");
        let Some(own) = home.first().filter(|_| inside) else { return vec![] };
        let rank = |name: &str| ORDER.iter().position(|module| *module == name);
        let Some(limit) = rank(own) else {
            return vec![(1, format!("module `{own}` has no place in ORDER of {}", file!()))];
        };
        let mut faults = vec![];
        for (at, word) in source.words.iter().enumerate() {
            let inside = at > 0 && ["::", "$"].contains(&source.words[at - 1].text);
            if inside || !["crate", "super"].contains(&word.text) {
                continue;
            }
            for path in source.paths(at) {
                let ups = path.iter().take_while(|name| **name == "super").count();
                let rooted = word.text == "crate" || ups == home.len() + word.nesting;
                let Some(name) = path.get(ups.max(1)).filter(|_| rooted) else { continue };
                let module = MACROS.iter().find(|(made, _)| made == name).map_or(*name, |m| m.1);
                match rank(module) {
                    Some(place) if place <= limit => {}
                    Some(_) => faults.push((word.line, format!("`{own}` imports `{name}` upward"))),
                    None => {
                        let message = format!("import `{name}` from its module, not from the root");
                        faults.push((word.line, message));
                    }
                }
            }
        }
        faults
    }
    let file = "pipeline-core/src/data/image.rs";
    finds(rule, file, "use crate::plan::Plan;", &[1]);
    finds(rule, file, "use crate::key::Key;\nuse crate::{id::NodeId, step::Step, graph};", &[2, 2]);
    finds(rule, file, "use super::super::exec::Run;", &[1]);
    finds(rule, file, "use super::{super::exec::Run};", &[1]);
    finds(
        rule,
        file,
        "mod a {\n use super::super::super::step::A;\n use super::super::mask::B; }",
        &[2],
    );
    finds(rule, file, "fn f() { crate::step::f() }", &[1]);
    finds(rule, file, "use crate::Image;", &[1]);
    finds(rule, file, "use crate::*;", &[1]);
    finds(rule, file, "crate::dispatch!(t, T => ()); pub(crate) use super::mask::Mask;", &[]);
    finds(rule, file, "/// [`Step`](crate::step)\nconst A: &str = \"crate::plan\";", &[]);
    finds(rule, file, "macro_rules! m { () => { $crate::SampleType::U8 } }", &[]);
    finds(
        rule,
        "pipeline-core/src/key/mod.rs",
        "use super::error::Error; use super::data::In;",
        &[1],
    );
    finds(rule, "pipeline-core/src/id.rs", "crate::dispatch!(t, T => ());", &[1]);
    finds(rule, "pipeline-core/src/border.rs", "", &[1]);
    finds(rule, "pipeline-core/src/lib.rs", "pub use crate::plan::Plan;", &[]);
    tree(rule);
}

#[test]
fn siblings_do_not_import_each_other() {
    fn rule(source: &Source<'_>) -> Faults {
        let members = members();
        let own = source.path.split('/').next().unwrap_or_default();
        if JOINERS.contains(&own) {
            return vec![];
        }
        let mut faults = vec![];
        for word in source.words.iter().filter(|word| word.text.starts_with("pipeline_")) {
            let name = word.text.replace('_', "-");
            if members.contains(&name) && ![own, "pipeline-core"].contains(&name.as_str()) {
                faults.push((word.line, format!("`{own}` imports `{name}`")));
            }
        }
        faults
    }
    finds(rule, "pipeline-ops/src/a.rs", "use pipeline_core::Step;\nuse pipeline_cache::A;", &[2]);
    finds(rule, "pipeline-cache/tests/it/main.rs", "fn f() { pipeline_ops::register() }", &[1]);
    finds(rule, "pipeline-core/src/a.rs", "use pipeline_ops::Gain;", &[1]);
    finds(rule, "examples/examples/a.rs", "use pipeline_ops::Gain;", &[]);
    tree(rule);
}

#[test]
fn kernels_know_only_samples() {
    fn rule(source: &Source<'_>) -> Faults {
        if !source.path.starts_with("pipeline-ops/src/kernel/") {
            return vec![];
        }
        let mut faults = vec![];
        for (at, word) in source.words.iter().enumerate() {
            if word.text == "pipeline_core" {
                for path in source.paths(at) {
                    let module = path.get(1).is_some_and(|name| ["data", "error"].contains(name));
                    let name = path.get(1 + usize::from(module)).copied().unwrap_or("*");
                    if !KERNEL_IMPORTS.contains(&name) {
                        faults.push((word.line, format!("a kernel knows `{name}` of the engine")));
                    }
                }
            }
            if word.text == "crate" {
                for path in source.paths(at) {
                    let name = path.get(1).filter(|name| !KERNEL_NEIGHBORS.contains(name));
                    faults.extend(
                        name.map(|name| {
                            (word.line, format!("a kernel knows `{name}` of its crate"))
                        }),
                    );
                }
            }
        }
        faults
    }
    let file = "pipeline-ops/src/kernel/blur.rs";
    finds(
        rule,
        file,
        "use pipeline_core::{Image, Sample};\nuse pipeline_core::step::Tile;",
        &[1, 2],
    );
    finds(rule, file, "use pipeline_core as core;", &[1]);
    finds(rule, file, "use crate::memory::push;\nuse crate::{check, kernel::Border};", &[2]);
    finds(rule, file, "use pipeline_core::data::{Sample, SampleType, View};", &[1]);
    finds(rule, file, "use pipeline_core::{dispatch, error::Result, data::Sample};", &[]);
    finds(rule, file, "pipeline_core::dispatch!(pipeline_core::SampleType::U8, T => ());", &[]);
    finds(rule, "pipeline-ops/src/filter/blur.rs", "use pipeline_core::Image;", &[]);
    tree(rule);
}

#[test]
fn unsafe_stays_in_listed_files() {
    fn rule(source: &Source<'_>) -> Faults {
        let vector = source.path.strip_prefix("pipeline-ops/src/kernel/");
        let listed = UNSAFE.contains(&source.path) || vector.is_some_and(|path| path.contains('/'));
        let lines: Vec<&str> = source.text.lines().map(str::trim_start).collect();
        let mut faults = vec![];
        for (at, word) in source.words.iter().enumerate().filter(|(_, word)| word.text == "unsafe")
        {
            let above = lines[..word.line - 1].iter().rev();
            let mut notes =
                above.take_while(|line| line.starts_with("//") || line.starts_with("#["));
            let acts =
                source.words.get(at + 1).is_some_and(|next| ["{", "impl"].contains(&next.text));
            if !listed {
                faults.push((word.line, "`unsafe` outside the files that may hold it".into()));
            } else if acts && !notes.any(|line| line.starts_with("// SAFETY:")) {
                faults.push((word.line, "no `// SAFETY:` comment above `unsafe`".into()));
            }
        }
        faults
    }
    let sound = "// SAFETY: in bounds,\n// as checked.\nlet a = unsafe { b };";
    finds(rule, "pipeline-core/src/exec/mod.rs", sound, &[3]);
    finds(rule, "pipeline-ops/src/kernel/blur.rs", sound, &[3]);
    finds(rule, "pipeline-ops/src/kernel/blur/avx2.rs", sound, &[]);
    finds(rule, UNSAFE[0], sound, &[]);
    finds(rule, UNSAFE[0], "// SAFETY: far off.\n\nunsafe impl Send for A {}", &[3]);
    finds(rule, UNSAFE[0], "// Sound.\nlet a = unsafe { b };", &[2]);
    finds(
        rule,
        "a.rs",
        "//! Why `unsafe`.\n#![expect(unsafe_code)]\nconst A: &str = \"unsafe\";",
        &[],
    );
    tree(rule);
}

#[test]
fn nothing_is_left_lying_about() {
    fn rule(source: &Source<'_>) -> Faults {
        let mut faults = vec![];
        for part in source.path.split(['/', '.']).filter(|part| VAGUE.contains(part)) {
            faults.push((1, format!("`{part}` does not name a subject")));
        }
        for (line, text) in (1..).zip(source.text.lines()) {
            for note in [concat!("TO", "DO"), concat!("FIX", "ME")] {
                if text.contains(note) {
                    faults.push((line, format!("`{note}` left")));
                }
            }
        }
        for (at, word) in source.words.iter().enumerate() {
            let code = |shape: &[&str]| source.follows(at, shape);
            if !word.test && code(&[".", "unwrap", "(", ")"]) {
                faults.push((word.line, "`unwrap` outside tests".into()));
            }
            for name in ["todo", "unimplemented", "dbg"] {
                if code(&[name, "!"]) {
                    faults.push((word.line, format!("`{name}!` left")));
                }
            }
            if code(&["#", "[", "ignore"]) {
                faults.push((word.line, "a test is ignored".into()));
            }
            let mut allowed = source.words[at..].iter().take_while(|word| word.text != ")");
            if code(&["allow", "("]) && allowed.any(|word| word.text == "dead_code") {
                faults.push((word.line, "dead code is allowed".into()));
            }
        }
        faults
    }
    finds(rule, "src/utils.rs", "", &[1]);
    finds(rule, "src/common/border.rs", "", &[1]);
    finds(rule, "src/rebase.rs", "", &[]);
    finds(rule, "a.rs", concat!("\n// TO", "DO: later\n/// FIX", "ME"), &[2, 3]);
    finds(
        rule,
        "a.rs",
        "fn f() {\n a\n.unwrap();\n todo!();\n unimplemented!();\n dbg!(b) }",
        &[3, 4, 5, 6],
    );
    finds(rule, "a.rs", "/// a.unwrap()\nfn f() { a.unwrap_or(b); }", &[]);
    finds(
        rule,
        "a.rs",
        "#[cfg(test)]\nmod tests { fn f() { a.unwrap() } }\nfn g() { b.unwrap() }",
        &[3],
    );
    finds(rule, "a.rs", "#[cfg(all(test, not(shuttle)))]\nfn f() { a.unwrap() }", &[]);
    finds(rule, "a.rs", "#[cfg(not(test))]\nfn f() { a.unwrap() }", &[2]);
    finds(rule, "core/tests/it/main.rs", "fn f() { a.unwrap() }", &[]);
    finds(rule, "a.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}", &[2]);
    finds(rule, "a.rs", "#![allow(unused, dead_code, reason = \"b\")]", &[1]);
    tree(rule);
}

#[test]
fn nothing_sleeps() {
    fn rule(source: &Source<'_>) -> Faults {
        rule_with(SLEEPERS, source)
    }
    fn rule_with(sleepers: &[(&str, &str)], source: &Source<'_>) -> Faults {
        if sleepers.iter().any(|(path, reason)| *path == source.path && !reason.is_empty()) {
            return vec![];
        }
        let mut faults = vec![];
        for (at, word) in source.words.iter().enumerate().filter(|(_, word)| word.text == "thread")
        {
            if source.paths(at).iter().any(|path| path.contains(&"sleep")) {
                faults.push((word.line, "sleeps: wait for a fact instead".into()));
            }
        }
        faults
    }
    let sleep = "fn f() {\n std::thread::sleep(a) }";
    finds(rule, "core/tests/it/main.rs", sleep, &[2]);
    finds(rule, "a.rs", "use std::{ops::Range, thread::{self, sleep}};", &[1]);
    finds(rule, "a.rs", "fn f() { std::thread::yield_now(); sleep(a) }", &[]);
    finds(|s| rule_with(&[("a.rs", "its subject")], s), "a.rs", sleep, &[]);
    finds(|s| rule_with(&[("a.rs", "")], s), "a.rs", sleep, &[2]);
    tree(rule);
}

#[test]
fn no_file_names_a_machine() {
    // Put together here, so that this file does not find itself.
    fn rule(text: &str) -> Faults {
        let homes = ["work", "farm", "root", "home", "Users", "tmp/bash_jobs"];
        let hosts = [concat!("index.crates", ".io"), concat!("static.crates", ".io")];
        let words =
            [concat!("replace", "-with"), concat!("sparse", "+http"), concat!("arti", "factory")];
        let mut faults = vec![];
        for (line, text) in (1..).zip(text.lines()) {
            for home in homes.map(|home| format!("/{home}/")) {
                let starts = |at: usize| {
                    let before = text[..at].chars().next_back();
                    !before.is_some_and(|c| c.is_alphanumeric() || "_.-~}*".contains(c))
                };
                if text.match_indices(&home).any(|(at, _)| starts(at)) {
                    faults.push((line, format!("a path of one machine: {home}")));
                }
            }
            for host in hosts.iter().chain(&words).filter(|host| text.contains(**host)) {
                faults.push((line, format!("a registry: {host}")));
            }
        }
        faults
    }
    for home in ["work", "home", "root"] {
        assert_eq!(rule(&format!("\ncd /{home}/a")).len(), 1);
        assert_eq!(rule(&format!("a/{home}/b .github/{home}/a {home}/b/c ~/{home}/d")).len(), 0);
    }
    assert_eq!(rule(&format!("registry = \"{}+https://a\"", "sparse")).len(), 1);
    assert_eq!(rule(&format!("https://index.{}.io/a", "crates")).len(), 1);
    report(files().flat_map(|(path, text)| {
        rule(&text).into_iter().map(move |(line, message)| format!("{path}:{line}: {message}"))
    }));
}

#[test]
fn every_invariant_names_its_test() {
    fn rule(page: &str, tests: &[&str]) -> Faults {
        let mut faults = vec![];
        let lines: Vec<&str> = page.lines().collect();
        for (at, line) in
            lines.iter().enumerate().filter(|(_, line)| line.contains("**Invariant:**"))
        {
            let rest = lines[at + 1..].iter().copied();
            let ends = |line: &&str| !line.is_empty() && !line.contains("**Invariant:**");
            let text =
                [*line].into_iter().chain(rest.take_while(ends)).collect::<Vec<_>>().join(" ");
            if !text.split('`').skip(1).step_by(2).any(|name| tests.contains(&name)) {
                faults.push((at + 1, "the invariant names no test that exists".into()));
            }
        }
        faults
    }
    let known =
        Source::new("a.rs", "#[test]\n#[cfg(unix)]\nfn holds() {}\nfn other() {}").test_names();
    assert_eq!(known, ["holds"]);
    let page = "**Invariant:** `A` is.\nTest: `holds`.\n\n**Invariant:** `other`.\n\n`holds`";
    assert_eq!(rule(page, &known), [(4, "the invariant names no test that exists".into())]);

    let sources: Vec<_> = files().filter(|(path, _)| path.ends_with(".rs")).collect();
    let sources: Vec<_> = sources.iter().map(|(path, text)| Source::new(path, text)).collect();
    let known: Vec<&str> = sources.iter().flat_map(Source::test_names).collect();
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the page exists");
    assert!(page.contains("**Invariant:**"), "docs/ARCHITECTURE.md states no invariant");
    let faults = rule(&page, &known).into_iter();
    report(faults.map(|(line, message)| format!("docs/ARCHITECTURE.md:{line}: {message}")));
}

#[test]
fn every_dependency_says_what_it_is_for() {
    fn rule(manifest: &str, page: &str) -> Vec<String> {
        let section = manifest.split("[workspace.dependencies]").nth(1).unwrap_or_default();
        let lines = section.lines().take_while(|line| !line.starts_with('['));
        let entries = lines.filter(|line| line.contains('=') && !line.contains("path ="));
        let names = entries.filter_map(|line| line.split([' ', '.']).next());
        let unknown = names.filter(|name| !page.contains(&format!("\n| `{name}` |")));
        unknown.map(|name| format!("docs/DESIGN.md: no line for `{name}`")).collect()
    }
    let manifest =
        "[workspace.dependencies]\na = { path = \"a\" }\nb = \"1\"\nb-c = \"1\"\n[d]\ne = 1";
    assert_eq!(rule(manifest, "\n| `b` | use |"), ["docs/DESIGN.md: no line for `b-c`"]);
    let read = |path| fs::read_to_string(root().join(path)).expect("the file is readable");
    report(rule(&read("Cargo.toml"), &read("docs/DESIGN.md")).into_iter());
}

/// Lines and what is wrong there.
type Faults = Vec<(usize, String)>;

/// Asserts the lines at which `rule` finds fault with a sample.
#[track_caller]
fn finds(rule: impl Fn(&Source<'_>) -> Faults, path: &str, text: &str, expected: &[usize]) {
    let faults = rule(&Source::new(path, text));
    let lines: Vec<usize> = faults.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, expected, "{path}: {faults:?}\n{text}");
}

/// Applies `rule` to every Rust file of the workspace.
#[track_caller]
fn tree(rule: impl Fn(&Source<'_>) -> Faults) {
    let files: Vec<_> = files().filter(|(path, _)| path.ends_with(".rs")).collect();
    assert!(files.iter().any(|(path, _)| path.ends_with("core/tests/tidy.rs")), "nothing was read");
    let mut sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
    let outlying: BTreeSet<String> = sources.iter().flat_map(Source::test_modules).collect();
    for source in &mut sources {
        let stem = source.path.trim_end_matches(".rs").trim_end_matches("/mod");
        if outlying.iter().any(|test| stem == test || source.path.starts_with(&format!("{test}/")))
        {
            source.mark_as_test();
        }
    }
    report(sources.iter().flat_map(|source| {
        let faults = rule(source).into_iter();
        faults.map(|(line, message)| format!("{}:{line}: {message}", source.path))
    }));
}

/// Fails with one line per fault.
#[track_caller]
fn report(faults: impl Iterator<Item = String>) {
    let faults: Vec<String> = faults.collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

/// The folders of the workspace members.
fn members() -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("the manifest is readable");
    let list = manifest.split("members = [").nth(1).and_then(|rest| rest.split(']').next());
    let folders = list.expect("the workspace lists its members").split('"').skip(1).step_by(2);
    folders.map(str::to_owned).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every text file of the workspace that is not ignored by git: its path from the root, its text.
fn files() -> impl Iterator<Item = (String, String)> {
    let ignored = fs::read_to_string(root().join(".gitignore")).unwrap_or_default();
    let mut skip: Vec<PathBuf> = vec![root().join(".git")];
    skip.extend(ignored.lines().map(|line| root().join(line.trim_matches('/'))));
    let mut found = vec![];
    let mut open = vec![root()];
    while let Some(path) = open.pop() {
        if path.is_dir() && !skip.contains(&path) {
            let entries = fs::read_dir(&path).expect("the folder is readable");
            open.extend(entries.map(|entry| entry.expect("the entry is readable").path()));
        } else if !skip.contains(&path)
            && let Ok(text) = fs::read_to_string(&path)
        {
            let name = path.strip_prefix(root()).expect("the walk starts at the root");
            found.push((name.to_string_lossy().replace('\\', "/"), text));
        }
    }
    found.sort();
    found.into_iter()
}
