//! Files that are not what they claim to be: JSON, YAML, TOML.

use pipeline_core::error::FaultCode;
#[cfg(any(feature = "yaml", feature = "toml"))]
use pipeline_core::graph::FileFormat;

#[cfg(any(feature = "yaml", feature = "toml"))]
use crate::file::faults_in;
use crate::file::{GOLDEN, faults, lines};

#[test]
fn syntax_is_told_with_line_and_column() {
    for (text, expected) in [
        ("", "line 1, column 0: found EOF while parsing a value, expected well-formed JSON"),
        ("{\n  \"version\" 1}", "line 2, column 13: found '1', expected `:`"),
        ("{\"version\": 1,}", "line 1, column 15: found trailing comma, expected well-formed JSON"),
        ("{} {}", "line 1, column 4: found trailing characters, expected well-formed JSON"),
        (
            "{\"a\": 1e999}",
            "line 1, column 11: found number out of range, expected well-formed JSON",
        ),
    ] {
        assert_eq!(lines(text), [expected], "{text}");
        assert_eq!(faults(text)[0].code, FaultCode::Syntax);
    }
    let marked = format!("\u{feff}{GOLDEN}");
    assert_eq!(lines(&marked), [""; 0]);
}

#[cfg(feature = "yaml")]
#[test]
fn yaml_has_the_same_faults() {
    let shown = |text: &str| -> Vec<(FaultCode, String)> {
        let faults = faults_in(text, FileFormat::Yaml);
        faults.into_iter().map(|fault| (fault.code, fault.to_string())).collect()
    };
    assert_eq!(
        shown("version: 1\nnodes:\n  a: {step: number, params: {value: .nan}}\n"),
        [(
            FaultCode::Range,
            "nodes.a.params.value: found NaN, expected a finite number of at most 64 bits".into()
        )]
    );
    assert_eq!(shown("version: 1\nnodes:\n  a: {step: numbr}\n  on: {step: number}\n").len(), 1);
    let repeated = shown("version: 1\nnodes:\n  a: {step: number}\n  a: {step: number}\n");
    assert_eq!(
        repeated,
        [(
            FaultCode::Name,
            "line 4, column 3: found `a` a second time, expected each name once".into()
        )]
    );
    for (text, expected) in [
        ("- a\nb: c", "line 2, column 1: found 'b', expected `-` indicator"),
        ("a: 1\n---\nb: 1\n", "line 3, column 1: found a second document, expected one document"),
        (
            "a: *x",
            "line 1, column 4: found an alias of no anchor, expected an anchor of this name before it",
        ),
        ("a:\n\tb: 1", "line 2, column 2: found a tab, expected spaces"),
        ("? [a]\n: 1", "line 1, column 3: found a key that is a list or an object, expected text"),
    ] {
        assert_eq!(shown(text), [(FaultCode::Syntax, expected.to_owned())], "{text}");
    }
    assert_eq!(shown("").first().map(|fault| fault.0), Some(FaultCode::Type));
    // Each line stands for ten of the one before.
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let above = level - 1;
        let aliases = vec![format!("*a{above}"); 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    assert_eq!(shown(&bomb).first().map(|fault| fault.0), Some(FaultCode::Limit));
}

#[cfg(feature = "yaml")]
#[test]
fn what_is_wrong_with_yaml_is_told_in_words_of_the_file() {
    for (text, (line, column), found, expected) in [
        ("a: [1\nb", (1, 4), "a `[` that nothing closes", "`]`"),
        ("a: {b: 1", (1, 4), "a `{` that nothing closes", "`}`"),
        ("a: {b: [1}", (1, 8), "a `[` that `}` closes", "`]`"),
        ("a: {b: 1]", (1, 4), "a `{` that `]` closes", "`}`"),
        ("a: ]", (1, 4), "a bracket that closes nothing", "one that opens before it"),
        ("a: \"x", (1, 4), "a quote that nothing closes", "another one behind the text"),
        ("a: 'it's'", (1, 8), "text behind a closing quote", "the end of the value"),
        ("a: [1,,2]", (1, 7), "','", "a value"),
        (
            "a: \"\\q\"",
            (1, 4),
            "an escape that YAML does not know",
            "one such as `\\n` or `\\u00e9`",
        ),
        ("a: \"\\x4\"", (1, 4), "an escape with too few digits", "2 for `\\x`, 4 for `\\u`"),
        ("a: \"\\ud800\"", (1, 4), "half of a pair of escapes", "both halves"),
        ("a: \"\\U99999999\"", (1, 4), "an escape of no character", "the number of one in Unicode"),
        ("- 1\n\t- 2", (1, 3), "a tab", "spaces"),
        (
            "a: \"x\ny\"",
            (2, 1),
            "a line of quoted text that begins too far to the left",
            "one further in",
        ),
        ("a: b: c", (1, 5), "a `:` that begins no object", "one `name: value` per line"),
        ("a: ? b", (1, 4), "a `?` that begins no object", "one `name: value` per line"),
        ("a: - 1", (1, 4), "a `-` that begins no list", "one item per line"),
        ("a: 1\nb", (2, 1), "a line that is no `name: value`", "`:` behind a name"),
        ("a:\n  b: 1\n c: 2", (3, 2), "'c'", "a name"),
        ("[-, 1]", (1, 2), "a `-` that is neither item nor text", "quotes around text"),
        ("a: @x", (1, 4), "'@'", "quotes around text that begins so"),
        ("a: \"x\"#y", (1, 7), "a `#` right behind a value", "a space before it"),
        ("a: |0\n x", (1, 4), "a depth of 0", "1 to 9"),
        ("a: |x\n y", (1, 4), "more behind `|` or `>`", "the end of the line"),
        ("~: 1", (1, 1), "a key that is null", "text"),
        ("a: &", (1, 4), "an anchor or alias without a name", "letters or digits"),
        ("<<: 3", (1, 5), "a single value to merge", "an object or a list of objects"),
        ("a: !<x", (1, 4), "a `!<` that nothing closes", "`>`"),
        ("a: !!! x", (1, 4), "a tag without a name", "one such as `!!str`"),
        ("{a: 1} b", (1, 8), "'b'", "the end of the document"),
        ("a: 1\n%YAML 1.2\n---\nb", (2, 1), "a directive inside of a document", "`...` before it"),
        ("a: 1\n... x", (2, 5), "more behind `...`", "the end of the line"),
        (
            "%YAML 3.x\n---\na: 1",
            (1, 1),
            "a directive without a version",
            "one such as `%YAML 1.2`",
        ),
    ] {
        let faults = faults_in(text, FileFormat::Yaml);
        let shown: Vec<String> = faults.iter().map(ToString::to_string).collect();
        let told = format!("line {line}, column {column}: found {found}, expected {expected}");
        assert_eq!(shown, [told], "{text}");
        assert_eq!(faults[0].code, FaultCode::Syntax, "{text}");
    }
}

#[cfg(feature = "toml")]
#[test]
fn toml_has_the_same_faults() {
    let shown = |text: &str| -> Vec<(FaultCode, String)> {
        let faults = faults_in(text, FileFormat::Toml);
        faults.into_iter().map(|fault| (fault.code, fault.to_string())).collect()
    };
    let good = "version = 1\ntargets = ['a']\n[nodes.a]\nstep = 'number'\nparams = {value = 1.5}\n";
    assert_eq!(shown(good), []);
    assert_eq!(
        shown(&good.replace("1.5", "inf")),
        [(
            FaultCode::Range,
            "nodes.a.params.value: found inf, expected a finite number of at most 64 bits".into()
        )]
    );
    assert_eq!(
        shown(&good.replace("1.5", "1979-05-27")),
        [(FaultCode::Type, "nodes.a.params.value: found \"1979-05-27\", expected a number".into())]
    );
    let repeated = shown(&good.replace("step =", "step = 'x'\nstep ="));
    assert_eq!(
        repeated,
        [(
            FaultCode::Name,
            "line 5, column 1: found `step` a second time, expected each name once".into()
        )]
    );
    for (text, expected) in [
        (
            "version = \n",
            "line 1, column 11: found string values must be quoted, expected literal string",
        ),
        ("a = [1, 2", "line 1, column 10: found unclosed array, expected `]`"),
        ("a = 01", "line 1, column 5: found unexpected leading zero, expected nothing"),
    ] {
        assert_eq!(shown(text), [(FaultCode::Syntax, expected.to_owned())], "{text}");
    }
}
