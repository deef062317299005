//! The range of a number parameter: what its schema allows and how that reads.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value as Json};

/// What a schema allows a number to be.
#[derive(Debug, Default)]
pub(super) struct Range {
    low: Option<Bound>,
    high: Option<Bound>,
    multiple: Option<Number>,
    is_whole: bool,
}

#[derive(Debug)]
struct Bound {
    value: Number,
    /// Whether the value itself is outside.
    open: bool,
}

impl Range {
    /// The range of a schema: the tighter of what it says and what its format can hold.
    pub(super) fn of(keywords: &Map<String, Json>) -> Self {
        let number = |key: &str| keywords.get(key).and_then(Json::as_number).cloned();
        let format = keywords.get("format").and_then(Json::as_str).and_then(width);
        let (least, most) = format.map_or((None, None), |(low, high)| (Some(low), Some(high)));
        let low = [(number("minimum"), false), (number("exclusiveMinimum"), true), (least, false)];
        let high = [(number("maximum"), false), (number("exclusiveMaximum"), true), (most, false)];
        Self {
            low: tightest(low, Ordering::Greater),
            high: tightest(high, Ordering::Less),
            multiple: number("multipleOf"),
            is_whole: keywords.get("type").is_some_and(|name| name == "integer"),
        }
    }

    /// Whether the schema restricts the number in a way worth telling.
    fn is_told(bound: Option<&Bound>) -> bool {
        bound.is_some_and(|bound| !is_huge(&bound.value))
    }

    /// Accepts a number, or says what was expected.
    pub(super) fn check(&self, number: &Number, unit: Option<&str>) -> Result<(), String> {
        let (below, above) = (self.is_below(number), self.is_above(number));
        let odd = self.multiple.as_ref().is_some_and(|step| !is_multiple(number, step));
        if below || above || odd {
            // A bound that only the number's width sets is told when it is what was broken.
            return Err(self.text(below, above, unit).unwrap_or_default());
        }
        Ok(())
    }

    fn is_below(&self, number: &Number) -> bool {
        self.low.as_ref().is_some_and(|low| {
            let order = compare(number, &low.value);
            order == Ordering::Less || (low.open && order == Ordering::Equal)
        })
    }

    fn is_above(&self, number: &Number) -> bool {
        self.high.as_ref().is_some_and(|high| {
            let order = compare(number, &high.value);
            order == Ordering::Greater || (high.open && order == Ordering::Equal)
        })
    }

    /// The accepted number nearest to one that is not accepted. `None` where there is no nearest
    /// one, as for a number that must be more than 0.
    pub(super) fn nearest(&self, number: &Number) -> Option<Number> {
        let inside = |bound: Option<&Bound>, by: i128| {
            let bound = bound?;
            if !bound.open {
                return Some(bound.value.clone());
            }
            let whole = bound.value.as_i128().filter(|_| self.is_whole)?;
            Number::from_i128(whole.checked_add(by)?)
        };
        let near = if self.is_below(number) {
            inside(self.low.as_ref(), 1)?
        } else if self.is_above(number) {
            inside(self.high.as_ref(), -1)?
        } else {
            number.clone()
        };
        let near =
            self.multiple.as_ref().map_or_else(|| vec![near.clone()], |step| around(&near, step));
        near.into_iter().find(|near| self.check(near, None).is_ok())
    }

    /// The range as a person reads it, or `None` if there is nothing to tell.
    pub(super) fn describe(&self, unit: Option<&str>) -> Option<String> {
        self.text(false, false, unit)
    }

    fn text(&self, tell_low: bool, tell_high: bool, unit: Option<&str>) -> Option<String> {
        let low = self.low.as_ref().filter(|low| tell_low || Self::is_told(Some(low)));
        let high = self.high.as_ref().filter(|high| tell_high || Self::is_told(Some(high)));
        let mut text = match (low, high) {
            (None, None) => String::new(),
            (Some(low), Some(high)) if !low.open && !high.open => {
                if low.value == high.value {
                    plain(&low.value)
                } else {
                    format!("{} to {}", plain(&low.value), plain(&high.value))
                }
            }
            (low, high) => {
                let low = low.map(|low| {
                    let word = if low.open { "more than" } else { "at least" };
                    format!("{word} {}", plain(&low.value))
                });
                let high = high.map(|high| {
                    let word = if high.open { "less than" } else { "at most" };
                    format!("{word} {}", plain(&high.value))
                });
                low.into_iter().chain(high).collect::<Vec<_>>().join(" and ")
            }
        };
        if let Some(step) = &self.multiple {
            let multiple = format!("a multiple of {}", plain(step));
            text = if text.is_empty() { multiple } else { format!("{multiple}, {text}") };
        }
        if text.is_empty() {
            return None;
        }
        if let Some(unit) = unit {
            text.push(' ');
            text.push_str(unit);
        }
        Some(text)
    }
}

fn tightest<const N: usize>(
    bounds: [(Option<Number>, bool); N],
    tighter: Ordering,
) -> Option<Bound> {
    let mut best: Option<Bound> = None;
    for (value, open) in bounds {
        let Some(value) = value else { continue };
        let better = best.as_ref().is_none_or(|best| {
            let order = compare(&value, &best.value);
            order == tighter || (order == Ordering::Equal && open)
        });
        if better {
            best = Some(Bound { value, open });
        }
    }
    best
}

/// The smallest and largest number of a format.
fn width(format: &str) -> Option<(Number, Number)> {
    let range = match format {
        "int8" => (i8::MIN.into(), i8::MAX.into()),
        "int16" => (i16::MIN.into(), i16::MAX.into()),
        "int32" => (i32::MIN.into(), i32::MAX.into()),
        "int64" | "int" => (i64::MIN.into(), i64::MAX.into()),
        "uint8" => (0.into(), u8::MAX.into()),
        "uint16" => (0.into(), u16::MAX.into()),
        "uint32" => (0.into(), u32::MAX.into()),
        "uint64" | "uint" => (0.into(), u64::MAX.into()),
        "float" => (Number::from_f64(f32::MIN.into())?, Number::from_f64(f32::MAX.into())?),
        _ => return None,
    };
    Some(range)
}

/// Past what people count in: told only when it is what a number broke.
fn is_huge(value: &Number) -> bool {
    value.as_f64().is_some_and(|value| value.abs() > 9.0e15)
}

fn compare(a: &Number, b: &Number) -> Ordering {
    match (a.as_i128(), b.as_i128()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => {
            let (a, b) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            a.total_cmp(&b)
        }
    }
}

fn is_multiple(number: &Number, step: &Number) -> bool {
    match (number.as_i128(), step.as_i128()) {
        (Some(number), Some(step)) => step == 0 || number % step == 0,
        _ => {
            let (Some(number), Some(step)) = (number.as_f64(), step.as_f64()) else { return true };
            let ratio = number / step;
            // A decimal step such as 0.1 is not exact in binary, nor are its multiples.
            step == 0.0 || (ratio - ratio.round()).abs() <= 1e-9 * ratio.abs().max(1.0)
        }
    }
}

/// The multiples of `step` next to a number, the nearest first.
fn around(number: &Number, step: &Number) -> Vec<Number> {
    if let (Some(number), Some(step)) = (number.as_i128(), step.as_i128()) {
        let Some(past) = number.checked_rem_euclid(step) else { return Vec::new() };
        let (low, high) = (number - past, number - past + step.abs());
        let order = if 2 * past < step.abs() { [low, high] } else { [high, low] };
        return order.into_iter().filter_map(Number::from_i128).collect();
    }
    let (Some(number), Some(step)) = (number.as_f64(), step.as_f64()) else { return Vec::new() };
    Number::from_f64((number / step).round() * step).into_iter().collect()
}

/// A number without a needless `.0`.
pub(super) fn plain(number: &Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}
