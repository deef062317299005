//! Default values in a schema: as a person would write them, and within what the schema allows.

use serde_json::{Map, Value as Json};

use super::schema;
use crate::error::Fault;

/// A fault for each default value that its own parameter would refuse; `path` is where the
/// parameters stand.
pub(super) fn refused_defaults(schema: &Json, path: &str) -> Vec<Fault> {
    let Some(properties) = schema.get("properties").and_then(Json::as_object) else {
        return Vec::new();
    };
    let required = schema.get("required").and_then(Json::as_array);
    // What has to be given has no default, whatever the schema shows.
    let is_required = |name: &str| {
        required.is_some_and(|names| names.iter().any(|required| required.as_str() == Some(name)))
    };
    let defaults: Map<String, Json> = properties
        .iter()
        .filter(|(name, _)| !is_required(name))
        .filter_map(|(name, property)| Some((name.clone(), property.get("default")?.clone())))
        .collect();
    let mut faults = Vec::new();
    schema::check(schema, &defaults.into(), path, &mut faults);
    faults.retain(|fault| {
        fault.path.strip_prefix(path).is_none_or(|name| !is_required(name.trim_start_matches('.')))
    });
    faults
}

/// Rewrites default values of single precision the way a person would write them: `0.1` instead of
/// `0.10000000149011612`, which is what a conversion to double precision makes of it.
pub(crate) fn round_defaults(schema: &mut Json) {
    match schema {
        Json::Object(keywords) => {
            if keywords.get("format").and_then(Json::as_str) == Some("float")
                && let Some(default) = keywords.get_mut("default")
                && let Some(rounded) = default.as_f64().and_then(single)
            {
                *default = Json::Number(rounded);
            }
            keywords.values_mut().for_each(round_defaults);
        }
        Json::Array(schemas) => schemas.iter_mut().for_each(round_defaults),
        _ => {}
    }
}

fn single(value: f64) -> Option<serde_json::Number> {
    #[expect(clippy::cast_possible_truncation, reason = "the value came from single precision")]
    let text = (value as f32).to_string();
    serde_json::Number::from_f64(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use schemars::generate::SchemaSettings;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_read_as_they_were_written() {
        #[derive(Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(default)]
        struct Blur {
            sigma: f32,
        }
        impl Default for Blur {
            fn default() -> Self {
                Self { sigma: 0.1 }
            }
        }
        let generator = SchemaSettings::draft2020_12().into_generator();
        let mut schema = generator.into_root_schema_for::<Blur>().to_value();
        round_defaults(&mut schema);
        assert_eq!(schema["properties"]["sigma"]["default"], json!(0.1));
    }
}
