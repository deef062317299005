//! Values of any size, on their own or sharing buffers, and keys for them.

use std::time::{Duration, Instant};

use pipeline_core::data::{Allocation, Data};
use pipeline_core::{Key, Value};

/// A number that claims to take some bytes, some of them in a buffer that others may share.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) number: u64,
    pub(crate) own: usize,
    pub(crate) buffer: Option<Allocation>,
}

impl Data for Claim {
    const NAME: &'static str = "claim";

    fn size_bytes(&self) -> usize {
        self.own.saturating_add(self.buffer.map_or(0, |buffer| buffer.bytes))
    }

    fn allocation(&self) -> Option<Allocation> {
        self.buffer
    }
}

/// A value of `own` bytes that shares nothing.
pub(crate) fn value(number: u64, own: usize) -> Value {
    Value::new(Claim { number, own, buffer: None })
}

/// A value of `bytes` bytes in the buffer `id`.
pub(crate) fn sharing(number: u64, id: usize, bytes: usize) -> Value {
    Value::new(Claim { number, own: 0, buffer: Some(Allocation { id, bytes }) })
}

/// The number of a value made here.
pub(crate) fn number(value: &Value) -> u64 {
    value.downcast_ref::<Claim>().unwrap().number
}

pub(crate) fn key(number: u64) -> Key {
    let mut bytes = [0; 32];
    bytes[24..].copy_from_slice(&number.to_be_bytes());
    Key::from_bytes(bytes)
}

/// Takes so long.
pub(crate) fn take_time(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}
