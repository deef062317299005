//! Default values in a schema, as a person would write them.

use serde_json::Value as Json;

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
