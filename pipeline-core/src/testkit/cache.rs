//! The contract of [`Cache`].
//!
//! ```
//! use pipeline_core::testkit::{CountingCache, cache};
//!
//! cache::check(CountingCache::default);
//! ```

use std::collections::HashSet;
use std::sync::Barrier;
use std::time::Duration;

use parking_lot::Mutex;

use super::dice::Dice;
use super::guard::no_panic;
use crate::cache::{Cache, Claim, Origin};
use crate::data::{Codec, Data, Image, Layout, SampleType, Value};
use crate::error::Error;
use crate::key::{Key, KeyHasher};

/// Puts caches through the contract of [`Cache`]; `make` makes an empty one.
///
/// A cache with a small budget, some hundred kibibytes, shows more: only where something is thrown
/// out can it be thrown out wrongly. The values are of up to 64 KiB, at most 8 MiB in all.
///
/// What is checked, each on a cache of its own:
///
/// - a key that was never put is not found, and a small value in an empty cache is,
/// - a value that is found is the one that was put under that key, whatever else was put, replaced
///   and thrown out meanwhile, from one thread and from four,
/// - `contains` says what `get` then does,
/// - what nobody makes can be claimed, again after a claim that came to nothing, and what is said
///   to be made is found,
/// - what is remembered of a name is what was remembered last, or nothing,
/// - only keys that were put are reported as thrown out,
/// - nothing panics: not on values without size or of all sizes, not on any cost.
///
/// # Panics
/// If the cache does not keep the contract, with what it did.
pub fn check<C: Cache>(make: impl Fn() -> C) {
    an_empty_cache(&make());
    all_kinds_of_values(&make());
    many_values(&make());
    any_size_and_cost(&make());
    claims(&make());
    remembers(&make());
    many_threads(&make());
}

/// A value that tells which key it belongs to. Caches that have to know the types that they keep
/// are made so that they know this one, for [`check`].
#[derive(Debug, PartialEq)]
pub struct Token {
    number: u64,
    claims: usize,
}

impl Data for Token {
    const NAME: &'static str = "testkit token";

    fn size_bytes(&self) -> usize {
        self.claims
    }

    fn codec() -> Option<Codec<Self>> {
        Some(Codec::new(
            1,
            |token, out| {
                out.write_all(&token.number.to_le_bytes())?;
                out.write_all(&(token.claims as u64).to_le_bytes())
            },
            |bytes| {
                let broken = || Error::input("the token", bytes.len(), "16 bytes");
                let (number, claims) = bytes.split_at_checked(8).ok_or_else(broken)?;
                let read = |part: &[u8]| part.try_into().map(u64::from_le_bytes).ok();
                let (number, claims) = read(number).zip(read(claims)).ok_or_else(broken)?;
                Ok(Self { number, claims: usize::try_from(claims).unwrap_or(usize::MAX) })
            },
        ))
    }
}

fn remembers(cache: &impl Cache) {
    for (name, identity) in [(1, 10), (2, 20), (1, 10), (1, 11), (2, 20)] {
        no_panic("remember", || cache.remember(key(name), key(identity), Duration::from_secs(1)));
        let found = no_panic("identity", || cache.identity(&key(name)));
        let is_right = found.is_none_or(|found| found == key(identity));
        assert!(is_right, "what was remembered of a name before is told of it");
    }
}

fn token(number: u64) -> Value {
    Value::new(Token { number, claims: 16 })
}

fn key(number: u64) -> Key {
    KeyHasher::result().number(number).finish()
}

const MADE: Origin<'_> = Origin {
    step: "testkit",
    time: Duration::from_millis(5),
    inputs: &[],
    maker: None,
    identity: None,
};

/// The picture that belongs to a number: of any size up to 64 KiB.
fn picture(number: u64) -> Value {
    let mut dice = Dice::new(number);
    let (width, height) = (1 + dice.below(256), 1 + dice.below(256));
    let layout = Layout::new(width, height, 1, SampleType::U8);
    let mut image = Image::zeros(layout).expect("a small layout");
    let samples = image.samples_mut::<u8>().into_iter().flatten();
    samples.for_each(|sample| *sample = dice.roll().to_le_bytes()[0]);
    Value::new(image)
}

/// Whether two values are the same, as far as their types can tell.
fn same(a: &Value, b: &Value) -> bool {
    let digest = |value: &Value| value.digest().and_then(Result::ok);
    a.data_type() == b.data_type() && digest(a) == digest(b)
}

/// Looks a key up in both ways. Nobody else may use the cache meanwhile.
#[track_caller]
fn find(cache: &impl Cache, key: &Key) -> Option<Value> {
    let known = no_panic("contains", || cache.contains(key));
    let hit = no_panic("get", || cache.get(key));
    assert!(
        known == hit.is_some(),
        "contains says {known} of {key:?}, but get finds {}",
        if known { "nothing" } else { "it" }
    );
    hit.map(|hit| hit.value)
}

fn an_empty_cache(cache: &impl Cache) {
    for number in 0..10 {
        assert!(find(cache, &key(number)).is_none(), "an empty cache finds {:?}", key(number));
    }
    let gone = no_panic("put", || cache.put(key(1), &token(1), MADE));
    assert!(gone.is_empty(), "the first value drives out {:?}", gone[0].key);
    let Some(found) = find(cache, &key(1)) else {
        panic!("a small value is not found right after it was put into an empty cache");
    };
    assert!(same(&found, &token(1)), "get gives {found:?} for {:?}", token(1));
    let again = find(cache, &key(1)).is_some_and(|again| same(&again, &token(1)));
    assert!(again, "a value is gone or changed after it was found once");
    assert!(find(cache, &key(2)).is_none(), "a key that was never put is found");
    let bytes = *key(1).as_bytes();
    for at in 0..32 {
        let mut near = bytes;
        near[at] ^= 1;
        let near = Key::from_bytes(near);
        assert!(find(cache, &near).is_none(), "a key that differs in byte {at} is found");
    }
    assert!(find(cache, &key(1).port(1)).is_none(), "the key of another port is found");
    no_panic("Debug", || format!("{cache:?}"));
}

fn all_kinds_of_values(cache: &impl Cache) {
    let values = [Value::new(()), token(3), picture(4), Value::new(Shy(9))];
    for (value, number) in values.iter().zip(0..) {
        no_panic("put", || cache.put(key(number), value, MADE));
        let Some(found) = find(cache, &key(number)) else { continue };
        assert!(same(&found, value), "get gives {found:?} for {value:?}");
    }
}

/// A value that cannot be written as bytes.
#[derive(Debug)]
struct Shy(u32);

impl Data for Shy {
    const NAME: &'static str = "testkit shy";

    fn size_bytes(&self) -> usize {
        size_of_val(&self.0)
    }
}

fn many_values(cache: &impl Cache) {
    let mut dice = Dice::new(1);
    let mut put = HashSet::new();
    for _ in 0..400 {
        let number = u64::from(dice.below(120));
        if dice.below(3) == 0 {
            if let Some(found) = find(cache, &key(number)) {
                assert!(put.contains(&key(number)), "a key that was never put is found");
                assert!(same(&found, &picture(number)), "another value than was put is found");
            }
            continue;
        }
        let claim = (dice.below(2) == 0).then(|| {
            let bytes = u64::from(dice.below(128 << 10));
            no_panic("claim", || cache.claim(&key(number), bytes))
        });
        if claim.is_some() && dice.below(4) == 0 {
            // Nothing comes of it.
            continue;
        }
        put.insert(key(number));
        let gone = no_panic("put", || cache.put(key(number), &picture(number), MADE));
        for gone in gone {
            assert!(put.contains(&gone.key), "{:?} is thrown out but was never put", gone.key);
        }
    }
    for number in 0..120 {
        if let Some(found) = find(cache, &key(number)) {
            assert!(same(&found, &picture(number)), "another value than was put is found");
        }
    }
}

fn any_size_and_cost(cache: &impl Cache) {
    let times = [Duration::ZERO, Duration::from_nanos(1), Duration::MAX];
    let mut number = 0;
    for claims in [0, 1, usize::MAX / 2, usize::MAX] {
        for time in times {
            for inputs in [0, 1, 40] {
                number += 1;
                // Values that are there, some that never were, and the value itself.
                let inputs: Vec<Key> =
                    (0..inputs).map(|back| key(number - back.min(number))).collect();
                let origin = Origin {
                    step: ["", "a", "b"][inputs.len() % 3],
                    time,
                    inputs: &inputs,
                    maker: None,
                    identity: (number % 2 == 0).then(|| key(number)),
                };
                let value = Value::new(Token { number, claims });
                let during = format!("put of {claims} bytes that took {time:?}");
                for _ in 0..2 {
                    no_panic("begin", || cache.begin());
                    let bytes = u64::try_from(claims).unwrap_or(u64::MAX);
                    let claim = no_panic("claim", || cache.claim(&key(number), bytes));
                    no_panic(&during, || cache.put(key(number), &value, origin));
                    for _ in 0..2 {
                        let found = find(cache, &key(number));
                        assert!(
                            found.is_none_or(|found| same(&found, &value)),
                            "{during}: another value is found"
                        );
                    }
                    no_panic("the end of a claim", || drop(claim));
                }
            }
        }
    }
}

fn claims(cache: &impl Cache) {
    let claim = |number, bytes| no_panic("claim", || cache.claim(&key(number), bytes));
    for bytes in [0, 1, 100 << 10, u64::MAX] {
        for _ in 0..2 {
            let claim = claim(1, bytes);
            let is_mine = matches!(claim, Claim::Mine(_));
            assert!(is_mine, "what nobody makes is claimed with {bytes} bytes: {claim:?}");
        }
    }
    let many: Vec<Claim> = (1..40).map(|number| claim(number, 10 << 10)).collect();
    for number in 1..80 {
        no_panic("put", || cache.put(key(number), &token(number), MADE));
    }
    drop(many);
    for number in 1..80 {
        let is_made = matches!(claim(number, 16), Claim::Made);
        let found = find(cache, &key(number));
        assert!(found.is_some() || !is_made, "{number} is said to be made and is not found");
        assert!(found.is_none_or(|found| same(&found, &token(number))), "another value is found");
    }
}

fn many_threads(cache: &impl Cache) {
    const THREADS: u64 = 4;
    let keys = 48;
    let put = Mutex::new(HashSet::new());
    let start = Barrier::new(4);
    let work = &|thread: u64| {
        let mut dice = Dice::new(thread);
        start.wait();
        for _ in 0..500 {
            let number = u64::from(dice.below(keys));
            match dice.below(4) {
                0 => {
                    let _claim = cache.claim(&key(number), 64 << 10);
                    put.lock().insert(key(number));
                    for gone in cache.put(key(number), &picture(number), MADE) {
                        let known = put.lock().contains(&gone.key);
                        assert!(known, "{:?} is thrown out but was never put", gone.key);
                    }
                }
                1 => drop(cache.contains(&key(number))),
                _ => {
                    if let Some(hit) = cache.get(&key(number)) {
                        let right = same(&hit.value, &picture(number));
                        assert!(right, "another value than was put is found");
                    }
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..THREADS).map(|thread| scope.spawn(move || work(thread))).collect();
        for thread in threads {
            let result = thread.join();
            no_panic("four threads at once", || {
                result.unwrap_or_else(|payload| std::panic::resume_unwind(payload));
            });
        }
    });
}
