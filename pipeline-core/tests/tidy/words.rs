//! Rust text cut into words: what stands in code, where tests are, which paths are named.
//!
//! Comments vanish and a literal is one word, so neither is ever taken for code.
//! There is no grammar here: names are read as they are written, macros are not expanded.

use std::collections::BTreeSet;

/// One word or sign of a Rust file.
#[derive(Debug)]
pub(crate) struct Word<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
    /// Whether it stands in test code.
    pub(crate) test: bool,
    /// The number of inline modules around it.
    pub(crate) nesting: usize,
}

/// A Rust file, cut into words.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// The path from the root of the workspace.
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    pub(crate) words: Vec<Word<'a>>,
    /// The lines of items that are compiled for tests only.
    pub(crate) tests: BTreeSet<usize>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(path: &'a str, text: &'a str) -> Self {
        let mut words = cut(text);
        let mut tests = BTreeSet::new();
        let mut braces = vec![];
        for at in 0..words.len() {
            words[at].nesting = braces.iter().filter(|module| **module).count();
            match words[at].text {
                "{" => braces.push(at >= 2 && words[at - 2].text == "mod"),
                "}" => drop(braces.pop()),
                _ => {}
            }
            let inner = follows(&words, at, &["#", "!"]);
            let open = at + 1 + usize::from(inner);
            let gates = follows(&words, open, &["[", "cfg", "(", "test", ")"])
                || follows(&words, open, &["[", "cfg", "(", "all", "(", "test"]);
            if words[at].text == "#" && gates {
                let end = if inner { words.len() - 1 } else { item_end(&words, at) };
                words[at..=end].iter_mut().for_each(|word| word.test = true);
                tests.extend(words[at].line..=words[end].line);
            }
        }
        let mut source = Self { path, text, words, tests };
        if path.contains("/tests/") {
            source.mark_as_test();
        }
        source
    }

    /// Declares all of the file to be test code.
    pub(crate) fn mark_as_test(&mut self) {
        self.words.iter_mut().for_each(|word| word.test = true);
    }

    /// The paths, without `.rs`, of modules for tests only that lie in files of their own.
    pub(crate) fn test_modules(&self) -> Vec<String> {
        let (folder, file) = self.path.rsplit_once('/').unwrap_or_default();
        let own = ["lib.rs", "main.rs", "mod.rs"].contains(&file);
        let base = if own { folder } else { self.path.trim_end_matches(".rs") };
        let declares = |at: &usize| {
            let words = &self.words[*at..];
            words.len() > 2 && words[0].test && words[0].text == "mod" && words[2].text == ";"
        };
        let places = (0..self.words.len()).filter(declares);
        places.map(|at| format!("{base}/{}", self.words[at + 1].text)).collect()
    }

    /// The names of the functions marked as tests.
    pub(crate) fn test_names(&self) -> Vec<&'a str> {
        let mut marked = false;
        let mut names = vec![];
        for (at, word) in self.words.iter().enumerate() {
            marked |= follows(&self.words, at, &["#", "[", "test", "]"]);
            if marked && word.text == "fn" && at + 1 < self.words.len() {
                names.push(self.words[at + 1].text);
                marked = false;
            }
        }
        names
    }

    /// Whether the words from `at` on are these.
    pub(crate) fn follows(&self, at: usize, shape: &[&str]) -> bool {
        follows(&self.words, at, shape)
    }

    /// Every path of the use tree, or the one path of the expression, that starts at word `at`.
    pub(crate) fn paths(&self, at: usize) -> Vec<Vec<&'a str>> {
        let head = self.words[at].text;
        let mut tails = vec![];
        if self.follows(at + 1, &["::", "{"]) {
            let mut depth = 0usize;
            for (here, word) in self.words.iter().enumerate().skip(at + 2) {
                match word.text {
                    "{" => depth += 1,
                    "}" => depth -= 1,
                    _ => {}
                }
                let opens = here == at + 2 || (depth == 1 && word.text == ",");
                if opens && self.words.get(here + 1).is_some_and(|next| next.text != "}") {
                    tails.extend(self.paths(here + 1));
                }
                if depth == 0 {
                    break;
                }
            }
        } else if self.follows(at + 1, &["::"]) && self.words.len() > at + 2 {
            tails.extend(self.paths(at + 2));
        }
        if tails.is_empty() {
            return vec![vec![head]];
        }
        tails.into_iter().map(|tail| [&[head], tail.as_slice()].concat()).collect()
    }

    /// The modules that this file of a `src` folder stands for, from the crate root down.
    pub(crate) fn modules(&self) -> Vec<&'a str> {
        let inside = self.path.split_once("src/").map_or(self.path, |(_, inside)| inside);
        let names = inside.trim_end_matches(".rs").split('/');
        names.filter(|name| !["lib", "main", "mod"].contains(name)).collect()
    }
}

/// Cuts Rust text into words and signs. Comments are left out, a literal becomes one word.
fn cut(text: &str) -> Vec<Word<'_>> {
    let mut words = vec![];
    let (mut at, mut line) = (0, 1);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let name = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let hashes = rest[name..].len() - rest[name..].trim_start_matches('#').len();
        let quoted = rest[name + hashes..].starts_with('"');
        let len = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if quoted && matches!(&rest[..name], "r" | "br" | "cr") {
            let end = format!("\"{}", "#".repeat(hashes));
            let open = name + hashes + 1;
            rest[open..].find(&end).map_or(rest.len(), |close| open + close + end.len())
        } else if first == '"' {
            literal(rest, '"')
        } else if first == '\'' && is_char(rest) {
            literal(rest, '\'')
        } else if rest.starts_with("::") {
            2
        } else {
            name.max(first.len_utf8())
        };
        let comment = rest.starts_with("//") || rest.starts_with("/*");
        if !comment && !first.is_whitespace() {
            words.push(Word { text: &rest[..len], line, test: false, nesting: 0 });
        }
        line += rest[..len].matches('\n').count();
        at += len;
    }
    words
}

/// The length of a block comment, which may hold others.
fn block_comment(text: &str) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < text.len() {
        match text.as_bytes().get(at..at + 2) {
            Some(b"/*") => (at, depth) = (at + 2, depth + 1),
            Some(b"*/") if depth == 1 => return at + 2,
            Some(b"*/") => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a literal between two quotes.
fn literal(text: &str, quote: char) -> usize {
    let mut escaped = true; // Passes over the opening quote.
    let end = text.char_indices().find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |(at, _)| at + 1)
}

/// Whether a quote opens a character; otherwise it opens a lifetime.
fn is_char(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    chars.next() == Some('\\') || chars.next() == Some('\'')
}

/// Whether the words from `at` on are these.
fn follows(words: &[Word<'_>], at: usize, shape: &[&str]) -> bool {
    words.len() >= at + shape.len() && words[at..].iter().zip(shape).all(|(w, s)| w.text == *s)
}

/// Where the item ends that an attribute at `at` belongs to.
fn item_end(words: &[Word<'_>], at: usize) -> usize {
    let mut depth = 0usize;
    for (here, word) in words.iter().enumerate().skip(at) {
        match word.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && ["}", ";"].contains(&word.text) {
            return here;
        }
    }
    words.len() - 1
}

#[test]
fn comments_and_literals_are_not_code() {
    let check = |text: &str, expected: &[&str]| {
        let words: Vec<_> = cut(text).iter().map(|word| word.text).collect();
        assert_eq!(words, expected, "{text}");
    };
    check("a // b\n/// c\n/* d /* e */ f */ g", &["a", "g"]);
    check(
        r#"a("b \" // c", 'd', '\'', '"')"#,
        &["a", "(", r#""b \" // c""#, ",", "'d'", ",", r"'\''", ",", "'\"'", ")"],
    );
    check("r#\"a \" b\"# br\"c\\\" d", &["r#\"a \" b\"#", "br\"c\\\"", "d"]);
    check("<'a, '_> é::b", &["<", "'", "a", ",", "'", "_", ">", "é", "::", "b"]);
    let lines: Vec<_> = cut("a /* \n */ \"\n\" b\nc").iter().map(|word| word.line).collect();
    assert_eq!(lines, [1, 2, 3, 4]);
}

#[test]
fn test_items_are_told_from_the_rest() {
    let check = |text: &str, lines: &[usize]| {
        let source = Source::new("a.rs", text);
        assert_eq!(source.tests.into_iter().collect::<Vec<_>>(), lines, "{text}");
    };
    check("a;\n#[cfg(test)]\n#[b(c)]\nmod d {\n fn e() {}\n}\nf;", &[2, 3, 4, 5, 6]);
    check("#[cfg(all(test, b))] use c::d;\ne;", &[1]);
    check("#![cfg(test)]\na;\nb;", &[1, 2, 3]);
    check("#[cfg(any(test, a))] mod b {}\n#[cfg(not(test))] mod c {}", &[]);
    let outlying = |path| Source::new(path, "#[cfg(test)] mod model;\nmod plain;").test_modules();
    assert_eq!(outlying("a/src/exec/mod.rs"), ["a/src/exec/model"]);
    assert_eq!(outlying("a/src/exec.rs"), ["a/src/exec/model"]);
}
