//! The types whose values a store on disk takes.

use pipeline_core::data::{DataType, Samples};
use pipeline_core::{Data, Error, Image, Labels, Mask, Result, SampleType, Stack, Value};

/// The types whose values are written and read back, by their names.
///
/// [`default`](Self::default) has images, masks, labels and stacks.
#[derive(Debug, Clone)]
pub struct Codecs(Vec<Kind>);

/// One type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    data_type: DataType,
    pub(crate) version: u32,
    decode: fn(&Samples<u8>) -> Result<Value>,
}

impl Default for Codecs {
    fn default() -> Self {
        Self(Vec::new())
            .with::<()>()
            .with::<Image>()
            .with::<Mask>()
            .with::<Labels>()
            .with::<Stack>()
    }
}

impl Codecs {
    /// No types but the one that has nothing to it, by which files and what is not written are
    /// remembered: to name all that are taken one by one.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new()).with::<()>()
    }

    /// These and `T`, if it has a codec.
    #[must_use]
    pub fn with<T: Data>(mut self) -> Self {
        if let Some(codec) = T::codec() {
            let data_type = DataType::of::<T>();
            self.0.retain(|kind| kind.data_type.name != data_type.name);
            self.0.push(Kind { data_type, version: codec.version, decode: decode::<T> });
        }
        self
    }

    /// What a value is written as. Frames that are read when they are asked for lie somewhere
    /// already, and may be more than a store holds.
    pub(crate) fn of(&self, value: &Value) -> Option<Kind> {
        if value.downcast_ref::<Stack>().is_some_and(|stack| stack.bytes().is_none()) {
            return None;
        }
        self.0.iter().find(|kind| kind.data_type == value.data_type()).copied()
    }

    /// Whether values of a type are written.
    pub(crate) fn takes(&self, data: DataType) -> bool {
        self.0.iter().any(|kind| kind.data_type == data)
    }

    /// What is read by that name, if its bytes mean today what they meant then.
    pub(crate) fn named(&self, name: &str, version: u32) -> Option<Kind> {
        let kind = self.0.iter().find(|kind| kind.name() == name)?;
        (kind.version == version).then_some(*kind)
    }
}

impl Kind {
    pub(crate) fn name(&self) -> &'static str {
        self.data_type.name
    }

    /// The value that the bytes stand for.
    pub(crate) fn decode(&self, bytes: &Samples<u8>) -> Result<Value> {
        (self.decode)(bytes)
    }
}

/// Bytes of the integers that a value consists of; none if it is of floats, of which few become
/// shorter, or of a type of others.
pub(crate) fn width_of(value: &Value) -> Option<u8> {
    let width = |sample| match sample {
        SampleType::U8 => Some(1),
        SampleType::U16 => Some(2),
        SampleType::U32 => Some(4),
        SampleType::F32 => None,
    };
    if let Some(image) = value.downcast_ref::<Image>() {
        width(image.sample_type())
    } else if let Some(stack) = value.downcast_ref::<Stack>() {
        width(stack.layout().sample)
    } else if value.downcast_ref::<Labels>().is_some() {
        Some(4)
    } else {
        value.downcast_ref::<Mask>().map(|_| 1)
    }
}

fn decode<T: Data>(bytes: &Samples<u8>) -> Result<Value> {
    let codec = T::codec().ok_or_else(|| Error::failed("it has no codec any more"))?;
    (codec.decode)(bytes).map(Value::new)
}
