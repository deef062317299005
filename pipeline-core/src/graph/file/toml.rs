//! Reading a pipeline file as TOML.

use serde::de::DeserializeSeed;

use super::format::{limit, place, syntax};
use super::limits::FileLimits;
use super::tree::{DEEPER, MORE, Meter, Tree};
use crate::error::{Fault, FaultCode};
use crate::step::shorten;

pub(super) fn tree(text: &str, meter: &Meter, limits: &FileLimits) -> Result<Tree, Fault> {
    // The TOML reader holds the whole file before anything can be counted, but every value of it
    // stands behind one of these.
    let values = text.bytes().filter(|byte| b",=[{".contains(byte)).count();
    if values > limits.max_values {
        return Err(limit("file".to_owned(), MORE, meter, limits));
    }
    let read = || meter.root().deserialize(::toml::Deserializer::parse(text)?);
    read().map_err(|error| {
        let path = error.span().map_or_else(
            || "file".to_owned(),
            |span| {
                let before = text.get(..span.start).unwrap_or(text);
                let line = before.rfind('\n').map_or(0, |end| end + 1);
                let column = before[line..].chars().count() + 1;
                place(before.bytes().filter(|&byte| byte == b'\n').count() + 1, column)
            },
        );
        let message = error.message();
        if message.contains("recursion limit") || message.contains("recurse") {
            return limit(path, DEEPER, meter, limits);
        }
        if message.starts_with("duplicate key") {
            let name = error.span().and_then(|span| text.get(span)).unwrap_or("a field");
            let found = format!("`{}` a second time", shorten(name));
            return Fault::new(FaultCode::Name, path, found, "each name once");
        }
        let message = message.lines().next().unwrap_or_default();
        match message.split_once(", expected ") {
            Some((found, expected)) => syntax(path, found, expected),
            None => syntax(path, message, "well-formed TOML"),
        }
    })
}
