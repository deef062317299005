//! When two results are the same: keys and how they are made.
//!
//! A [`Key`] is a BLAKE3-256 digest. A result's key covers the engine's key schema, the step's name
//! and version, its canonical parameters, the output port and the identities of its inputs in
//! order. Every part is tagged with its type and its length, so no two different descriptions can
//! run together into the same bytes.

mod canonical;

use std::io::Write;
use std::sync::LazyLock;

pub use canonical::hash_params;

/// Raised when anything about how keys are made changes.
const SCHEMA: &str = "pipeline result key v4";

/// The identity of a result, or the digest of a content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The digest as bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The first eight bytes as a number: for seeds and hash tables.
    #[must_use]
    pub fn prefix(&self) -> u64 {
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&self.0[..8]);
        u64::from_le_bytes(prefix)
    }

    /// The key of the result of a step with this digest for inputs of these identities.
    ///
    /// The digest keys the hash of the identities: it takes the place where the hash of a longer
    /// text would have arrived, so a step with up to two inputs costs one block. All parts have the
    /// same width, so their number follows from the length.
    #[must_use]
    pub fn of_result(step: &Self, inputs: impl IntoIterator<Item = Self>) -> Self {
        const AT_ONCE: usize = 8;
        let mut parts = [0u8; 32 * AT_ONCE];
        let mut len = 0;
        let mut inputs = inputs.into_iter();
        for input in inputs.by_ref().take(AT_ONCE) {
            parts[len..len + 32].copy_from_slice(&input.0);
            len += 32;
        }
        if let Some(next) = inputs.next() {
            let mut hasher = blake3::Hasher::new_keyed(&step.0);
            hasher.update(&parts[..len]).update(&next.0);
            for input in inputs {
                hasher.update(&input.0);
            }
            return Self(*hasher.finalize().as_bytes());
        }
        Self(*blake3::keyed_hash(&step.0, &parts[..len]).as_bytes())
    }

    /// The key of one more output port of the step whose first port has this key.
    #[must_use]
    pub fn port(&self, port: u16) -> Self {
        if port == 0 {
            return *self;
        }
        let mut hasher = KeyHasher::result();
        hasher.key(self).number(port.into());
        hasher.finish()
    }

    /// Stands for a key that is not known.
    pub(crate) const UNKNOWN: Self = Self([0; 32]);

    /// This key, if it is known.
    pub(crate) fn known(self) -> Option<Self> {
        (self != Self::UNKNOWN).then_some(self)
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0[..6].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl serde::Serialize for Key {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Key {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        let digits: Option<Vec<u8>> = text
            .chars()
            .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        match digits {
            Some(digits) if digits.len() == 64 => {
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    *byte = pair[0] << 4 | pair[1];
                }
                Ok(Self(bytes))
            }
            _ => Err(serde::de::Error::custom(format_args!(
                "key is `{text}`, expected 64 hexadecimal digits"
            ))),
        }
    }
}

/// Builds a [`Key`] from tagged, length-prefixed parts.
#[derive(Debug, Clone)]
pub struct KeyHasher(blake3::Hasher);

impl KeyHasher {
    /// A hasher for the key of a result.
    #[must_use]
    pub fn result() -> Self {
        static START: LazyLock<blake3::Hasher> =
            LazyLock::new(|| blake3::Hasher::new_derive_key(SCHEMA));
        Self(START.clone())
    }

    /// A hasher for the digest of a content: plain BLAKE3 of what is written to it.
    #[must_use]
    pub fn content() -> Self {
        Self(blake3::Hasher::new())
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(b's', text.as_bytes())
    }

    /// Adds a number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        let mut part = [b'n'; 9];
        part[1..].copy_from_slice(&number.to_le_bytes());
        self.0.update(&part);
        self
    }

    /// Adds a key.
    pub fn key(&mut self, key: &Key) -> &mut Self {
        let mut part = [b'k'; 33];
        part[1..].copy_from_slice(&key.0);
        self.0.update(&part);
        self
    }

    fn bytes(&mut self, tag: u8, bytes: &[u8]) -> &mut Self {
        let mut head = [tag; 9];
        head[1..].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.update(&head).update(bytes);
        self
    }

    /// The key of everything added so far.
    #[must_use]
    pub fn finish(&self) -> Key {
        Key(*self.0.finalize().as_bytes())
    }
}

impl Write for KeyHasher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let of = |parts: &[&str]| {
            let mut hasher = KeyHasher::result();
            for part in parts {
                hasher.text(part);
            }
            hasher.finish()
        };
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["abc"]), of(&["abc", ""]));
    }

    #[test]
    fn a_key_survives_its_text_form() {
        let key = KeyHasher::result().text("x").finish();
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<Key>(&text).unwrap(), key);
        assert!(serde_json::from_str::<Key>("\"0g\"").is_err());
    }

    #[test]
    fn inputs_count_in_order_and_in_any_number() {
        let step = KeyHasher::result().text("step").finish();
        let many: Vec<Key> = (0..20u64).map(|n| KeyHasher::result().number(n).finish()).collect();
        let keys: std::collections::HashSet<Key> =
            (0..=20).map(|n| Key::of_result(&step, many[..n].iter().copied())).collect();
        assert_eq!(keys.len(), 21);
        assert_ne!(
            Key::of_result(&step, [many[0], many[1]]),
            Key::of_result(&step, [many[1], many[0]])
        );
    }

    #[test]
    fn keys_are_the_same_on_every_machine_and_in_every_build() {
        // Results on disk are found by these: whoever changes them raises `SCHEMA`.
        #[derive(serde::Serialize)]
        struct Params {
            factor: f32,
            mode: &'static str,
            table: [u16; 3],
            limit: Option<u64>,
        }
        let params = Params { factor: 0.5, mode: "soft", table: [1, 2, 300], limit: None };
        let params = hash_params(&params).unwrap();
        assert_eq!(
            params.to_string(),
            "301198ba7273ca91ac986d505934c26b248f7d9a30132a8701a556c6f7b07a21"
        );
        let step = KeyHasher::result().text("gain").number(1).finish();
        let key = Key::of_result(&step, [KeyHasher::content().finish()]);
        assert_eq!(
            step.to_string(),
            "76c306664095f070800651cbe0368cfc0f2387aa8da3600aca19333abe070d06"
        );
        assert_eq!(
            key.to_string(),
            "997356a6c91adb006e0777bda77316d453b7f481945c3cc4979bee07e90c8b81"
        );
        assert_eq!(
            key.port(1).to_string(),
            "7be953dfa1f94bbe04cc80361aebb125b4c924d967187a2ef9d7f85245a3be29"
        );
    }

    #[test]
    fn every_port_has_its_own_key() {
        let key = KeyHasher::result().text("x").finish();
        assert_eq!(key.port(0), key);
        assert_ne!(key.port(1), key);
        assert_ne!(key.port(1), key.port(2));
    }
}
