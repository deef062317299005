//! What is said of parameters that their step does not take.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::*;

/// One parameter of every kind that serde and schemars know.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Every {
    #[schemars(range(min = 0.1, max = 100.0), extend("x-unit" = "px"))]
    sigma: Option<f32>,
    #[schemars(range(min = 0.1, max = 100.0), extend("x-unit" = "px"))]
    plain: f32,
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    open: Option<f64>,
    #[schemars(extend("multipleOf" = 0.1))]
    tenths: Option<f64>,
    #[schemars(range(min = 1), extend("multipleOf" = 2))]
    even: Option<u32>,
    byte: Option<u8>,
    short: Option<i16>,
    long: Option<i64>,
    seed: Option<u64>,
    single: Option<f32>,
    flag: Option<bool>,
    #[schemars(length(min = 1, max = 5))]
    name: Option<String>,
    letter: Option<char>,
    border: Option<Border>,
    method: Option<Method>,
    shape: Option<Shape>,
    level: Option<Level>,
    points: Option<Vec<Point>>,
    triple: Option<[f32; 3]>,
    pair: Option<(u8, String)>,
    gains: Option<HashMap<String, f32>>,
    by_number: Option<BTreeMap<u32, f32>>,
    time: Option<Duration>,
    any: Option<Json>,
    tree: Option<Tree>,
    flat: Option<Flat>,
    inner: Option<Loose>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Border {
    /// Repeats the last sample.
    Replicate,
    /// Mirrors.
    Reflect,
    /// A value.
    Constant(#[schemars(range(min = 0.0, max = 1.0))] f32),
    Ramp {
        low: u8,
        high: u8,
    },
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Method {
    Mean,
    Median,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Shape {
    Disk { radius: u8 },
    Square { size: u8 },
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Level {
    Fixed(#[schemars(range(min = 0))] f32),
    Name(String),
    At(Point),
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Point {
    x: f32,
    #[schemars(range(min = 0, max = 9))]
    y: i16,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Loose {
    inside: u8,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Flat {
    #[serde(flatten)]
    shape: Shape,
    width: u8,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Tree {
    Leaf(f32),
    Twice(Vec<Self>, u8),
    Again(Vec<Self>, String),
}

fn schema_of<T: JsonSchema>() -> Json {
    schemars::generate::SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

fn faults_of<T: JsonSchema>(params: &Json) -> Vec<String> {
    let mut faults = Vec::new();
    check(&schema_of::<T>(), params, "params", &mut faults);
    faults.iter().map(ToString::to_string).collect()
}

#[track_caller]
fn row(field: &str, value: Json, expected: &[&str]) {
    let mut params = json!({ "plain": 1.5 });
    params[field] = value;
    assert_eq!(faults_of::<Every>(&params), expected);
}

#[test]
fn the_accepted_number_nearest_to_a_refused_one_is_known() {
    let nearest = |field: &str, value: Json| {
        let mut params = json!({ "plain": 1.5 });
        params[field] = value;
        let mut faults = Vec::new();
        check(&schema_of::<Every>(), &params, "params", &mut faults);
        faults.remove(0).nearest
    };
    for (field, value, expected) in [
        ("sigma", json!(0.01), Some("0.1")),
        ("sigma", json!(-5), Some("0.1")),
        ("sigma", json!(1e9), Some("100")),
        ("open", json!(0), None),
        ("even", json!(0), Some("2")),
        ("even", json!(-7), Some("2")),
        ("even", json!(7), Some("8")),
        ("byte", json!(256), Some("255")),
    ] {
        assert_eq!(nearest(field, value.clone()).as_deref(), expected, "{field} is {value}");
    }
}

#[test]
fn values_in_range_are_accepted() {
    for (field, value) in [
        ("sigma", json!(0.1)),
        ("sigma", json!(100)),
        ("sigma", Json::Null),
        ("plain", json!(100.0)),
        ("open", json!(1e-300)),
        ("tenths", json!(0.3)),
        ("even", json!(4)),
        ("byte", json!(255)),
        ("short", json!(-32768)),
        ("long", json!(i64::MIN)),
        ("seed", json!(u64::MAX)),
        ("single", json!(3.4e38)),
        ("flag", json!(true)),
        ("name", json!("größe")),
        ("letter", json!("ß")),
        ("border", json!("replicate")),
        ("border", json!({ "constant": 0.5 })),
        ("border", json!({ "ramp": { "low": 1, "high": 2 } })),
        ("border", Json::Null),
        ("method", json!("mean")),
        ("shape", json!({ "kind": "disk", "radius": 2 })),
        ("level", json!(2)),
        ("level", json!("auto")),
        ("level", json!({ "x": 1.0, "y": 2 })),
        ("points", json!([{ "x": 1.0, "y": 2 }, { "x": 1.5, "y": 0 }])),
        ("triple", json!([1, 2.5, 3])),
        ("pair", json!([1, "a"])),
        ("gains", json!({ "red": 1.0, "any.thing": 2 })),
        ("by_number", json!({ "7": 1.0 })),
        ("time", json!({ "secs": 1, "nanos": 0 })),
        ("any", json!({ "deep": [null, { "x": [] }] })),
        ("flat", json!({ "kind": "disk", "radius": 2, "width": 1 })),
        ("tree", json!([[1.5, [[2.5], 3]], "a"])),
    ] {
        row(field, value, &[]);
    }
}

#[test]
fn ranges_are_told_with_their_unit() {
    row("sigma", json!(-1.5), &["params.sigma: found -1.5, expected 0.1 to 100 px"]);
    row("sigma", json!("2"), &["params.sigma: found \"2\", expected a number, 0.1 to 100 px"]);
    row(
        "plain",
        Json::Null,
        &["params.plain: found null (not a finite number), expected a number, 0.1 to 100 px"],
    );
    row("open", json!(0.0), &["params.open: found 0.0, expected more than 0"]);
    row("tenths", json!(0.35), &["params.tenths: found 0.35, expected a multiple of 0.1"]);
    row("even", json!(3), &["params.even: found 3, expected a multiple of 2, 1 to 4294967295"]);
    row("byte", json!(256), &["params.byte: found 256, expected 0 to 255"]);
    row("byte", json!(3.0), &["params.byte: found 3.0, expected a whole number, 0 to 255"]);
    row("short", json!(40000), &["params.short: found 40000, expected -32768 to 32767"]);
    row(
        "long",
        json!(u64::MAX),
        &["params.long: found 18446744073709551615, expected at most 9223372036854775807"],
    );
    row("seed", json!(-1), &["params.seed: found -1, expected at least 0"]);
    row("seed", json!(1e30), &["params.seed: found 1e+30, expected 0 to 18446744073709551615"]);
    row(
        "single",
        json!(1e39),
        &["params.single: found 1e+39, expected at most 3.4028234663852886e+38"],
    );
}

#[test]
fn texts_lists_and_tuples_have_lengths() {
    row("flag", json!(1), &["params.flag: found 1, expected true or false"]);
    row("name", json!(""), &["params.name: found \"\", expected 1 to 5 characters"]);
    row("letter", json!("ab"), &["params.letter: found \"ab\", expected 1 character"]);
    row("triple", json!([1, 2]), &["params.triple: found a list of 2 values, expected 3 values"]);
    row(
        "pair",
        json!([300, 5]),
        &["params.pair[0]: found 300, expected 0 to 255", "params.pair[1]: found 5, expected text"],
    );
    row(
        "name",
        json!([[]]),
        &["params.name: found a list of 1 value, expected text of 1 to 5 characters"],
    );
    let long = "x".repeat(100);
    let shown = format!("params.name: found \"{}…\", expected 1 to 5 characters", &long[..40]);
    row("name", json!(long), &[&shown]);
}

#[test]
fn enums_name_their_variants_and_the_nearest() {
    row(
        "border",
        json!("relfect"),
        &["params.border: found \"relfect\", expected one of `replicate`, `reflect`, \
         `{constant: …}`, `{ramp: …}`; did you mean `reflect`?"],
    );
    row("border", json!({ "constant": 2 }), &["params.border.constant: found 2, expected 0 to 1"]);
    row(
        "border",
        json!({ "ramp": { "low": 1, "hihg": 2 } }),
        &[
            "params.border.ramp.hihg: found `hihg`, expected one of `low`, `high`; did you mean \
         `high`?",
            "params.border.ramp.high: found nothing, expected a whole number, 0 to 255",
        ],
    );
    row(
        "border",
        json!({ "constnat": 1 }),
        &["params.border: found an object with `constnat`, expected one of `replicate`, \
         `reflect`, `{constant: …}`, `{ramp: …}`; did you mean `constant`?"],
    );
    row(
        "border",
        json!(5),
        &["params.border: found 5, expected one of `replicate`, `reflect`, `{constant: …}`, \
         `{ramp: …}`"],
    );
    row(
        "method",
        json!("medain"),
        &["params.method: found \"medain\", expected one of `mean`, `median`; did you mean \
         `median`?"],
    );
    row(
        "shape",
        json!({ "kind": "disc", "radius": 1 }),
        &["params.shape.kind: found \"disc\", expected one of `disk`, `square`; did you mean \
         `disk`?"],
    );
    row(
        "shape",
        json!({ "radius": 1 }),
        &["params.shape.kind: found nothing, expected one of `disk`, `square`"],
    );
    row(
        "shape",
        json!({ "kind": "disk", "radius": 1, "size": 2 }),
        &["params.shape.size: found `size`, expected one of `kind`, `radius`"],
    );
    row("level", json!(-1), &["params.level: found -1, expected at least 0"]);
    row("level", json!({ "x": 1, "y": 10 }), &["params.level.y: found 10, expected 0 to 9"]);
    row(
        "level",
        json!(true),
        &["params.level: found true, expected a number, at least 0 or text or an object"],
    );
}

#[test]
fn paths_lead_into_lists_and_objects() {
    row(
        "points",
        json!([{ "x": 1.0, "y": 2 }, { "x": "a", "y": 12, "z": 1 }, { "y": 1 }]),
        &[
            "params.points[1].x: found \"a\", expected a number",
            "params.points[1].y: found 12, expected 0 to 9",
            "params.points[1].z: found `z`, expected one of `x`, `y`; did you mean `x`?",
            "params.points[2].x: found nothing, expected a number",
        ],
    );
    row("gains", json!({ "red": "x" }), &["params.gains.red: found \"x\", expected a number"]);
    row("by_number", json!({ "7": true }), &["params.by_number.7: found true, expected a number"]);
}

#[test]
fn unknown_fields_are_faults_even_where_serde_ignores_them() {
    row(
        "simga",
        json!(1),
        &["params.simga: found `simga`, expected one of `sigma`, `plain`, \
         `open`, `tenths`, `even`, `byte`, `short`, `long`, `seed`, `single`, `flag`, `name`, \
         …; did you mean `sigma`?"],
    );
    row(
        "inner",
        json!({ "inside": 1, "outside": 2 }),
        &["params.inner.outside: found `outside`, expected `inside`"],
    );
    row(
        "flat",
        json!({ "kind": "disk", "radius": 2, "width": 1, "widht": 1 }),
        &["params.flat.widht: found `widht`, expected one of `width`, `kind`, `radius`, `size`; \
         did you mean `width`?"],
    );
}

#[test]
fn every_fault_is_listed() {
    let params = json!({ "byte": -1, "nmae": "x", "border": "x" });
    assert_eq!(faults_of::<Every>(&params).len(), 4);
    assert_eq!(faults_of::<Every>(&json!([])), ["params: found an empty list, expected an object"]);
    let many: Vec<u8> = vec![10; 5000];
    let points: Vec<Json> = many.iter().map(|y| json!({ "x": 0, "y": y })).collect();
    let params = json!({ "plain": 1, "points": points });
    assert_eq!(faults_of::<Every>(&params).len(), MOST_FAULTS);
}

#[test]
fn forms_within_forms_end() {
    let mut deep = json!(true);
    for _ in 0..60 {
        deep = json!([[deep], true]);
    }
    // Past the bound, the step's own deserialisation has the last word.
    assert_eq!(faults_of::<Every>(&json!({ "plain": 1, "tree": deep })), [""; 0]);
    let circle = json!({ "$ref": "#" });
    let mut faults = Vec::new();
    check(&circle, &json!(1), "params", &mut faults);
    assert_eq!(faults, []);
}

#[test]
fn a_fault_has_its_kind() {
    let kinds = |params: Json| -> Vec<FaultCode> {
        let mut faults = Vec::new();
        check(&schema_of::<Every>(), &params, "params", &mut faults);
        faults.into_iter().map(|fault| fault.code).collect()
    };
    assert_eq!(kinds(json!({ "plain": 1, "byte": "x" })), [FaultCode::Type]);
    assert_eq!(kinds(json!({ "plain": 1, "byte": 256 })), [FaultCode::Range]);
    assert_eq!(kinds(json!({ "plain": null })), [FaultCode::Range]);
    assert_eq!(kinds(json!({})), [FaultCode::Missing]);
    assert_eq!(kinds(json!({ "plain": 1, "x": 1 })), [FaultCode::UnknownField]);
    assert_eq!(kinds(json!({ "plain": 1, "method": "x" })), [FaultCode::Range]);
}
