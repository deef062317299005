//! What the memory cache costs beside others: a look-up, and taking in what drives something out.

use std::hint::black_box;
use std::time::Duration;

use lru::LruCache;
use pipeline_cache::MemoryCache;
use pipeline_core::cache::{Cache, Origin};
use pipeline_core::key::{KeyHasher, hash_params};
use pipeline_core::{Key, Value};
use serde::Serialize;

use crate::clock::{least_in_turn, wall_of};
use crate::figure::{Figure, nanos, ratio};
use crate::trace::rival::Load;

/// Operations of each measurement.
const TIMES: usize = 200_000;

/// Values that are held where the cost of something coming in is measured.
const FULL: u32 = 10_000;

/// Bytes that stand for a small value, what ours needs for it, and a tenth for what went.
const SMALL: u64 = 540;

fn key(number: u64) -> Key {
    KeyHasher::result().number(number).finish()
}

fn value() -> Value {
    Value::new(Load(8))
}

/// Keys of what is held, each as often, and none soon after one that lies near it.
fn asked(held: u64) -> Vec<Key> {
    // A prime, so that all are gone through.
    (0..TIMES as u64).map(|at| key(at * 7919 % held)).collect()
}

/// The time of all look-ups, of each thread as many.
fn look_ups(threads: usize, asked: &[Key], get: &(dyn Fn(&Key) -> bool + Sync)) -> Duration {
    let all = || assert!(asked.iter().all(|key| black_box(get(key))), "everything is held");
    if threads == 1 {
        return wall_of(all);
    }
    wall_of(|| {
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(all))));
    })
}

/// Look-ups of what is there, ours, of `quick_cache`, of `moka` and of `foyer`.
fn hits(held: u64, threads: usize) -> [Duration; 4] {
    let ours = MemoryCache::new(u64::MAX);
    let quick = quick_cache::sync::Cache::new(2 * FULL as usize);
    let moka = moka::sync::Cache::new(2 * u64::from(FULL));
    let foyer: foyer::Cache<Key, Value> = foyer::CacheBuilder::new(2 * FULL as usize).build();
    for number in 0..held {
        ours.put(key(number), &value(), Origin::default());
        quick.insert(key(number), value());
        moka.insert(key(number), value());
        foyer.insert(key(number), value());
    }
    moka.run_pending_tasks();
    let asked = asked(held);
    least_in_turn(|| {
        [
            look_ups(threads, &asked, &|key| ours.get(key).is_some()),
            look_ups(threads, &asked, &|key| quick.get(key).is_some()),
            look_ups(threads, &asked, &|key| moka.get(key).is_some()),
            look_ups(threads, &asked, &|key| foyer.get(key).is_some()),
        ]
    })
}

/// New values into a full cache, ours, of the crate `lru` and of `moka`.
fn inserts() -> [Duration; 3] {
    let ours = MemoryCache::new(u64::from(FULL) * SMALL);
    let mut lru = LruCache::new(std::num::NonZero::new(FULL as usize).expect("not none"));
    let moka = moka::sync::Cache::new(FULL.into());
    let mut next = 0u64;
    least_in_turn(|| {
        let keys: Vec<Key> = (next..next + TIMES as u64).map(key).collect();
        next += TIMES as u64;
        let origin = Origin { step: "blur", time: Duration::from_millis(1), ..Origin::default() };
        [
            wall_of(|| keys.iter().for_each(|&key| drop(ours.put(key, &value(), origin)))),
            wall_of(|| keys.iter().for_each(|&key| drop(lru.put(key, value())))),
            wall_of(|| keys.iter().for_each(|&key| moka.insert(key, value()))),
        ]
    })
}

/// Parameters as a step may have them.
#[derive(Debug, Serialize)]
struct Parameters {
    exposure: f32,
    contrast: f32,
    radius: u32,
    seed: u64,
    is_fast: bool,
    mode: &'static str,
    curve: [f32; 8],
}

/// The key of a step: of its parameters, its name, and two inputs.
fn naming() -> Duration {
    let [all] = least_in_turn(|| [wall_of(|| name(TIMES))]);
    all
}

/// So many keys.
fn name(times: usize) {
    let curve = [0.0, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0];
    let mut parameters = Parameters {
        exposure: 0.5,
        contrast: 1.2,
        radius: 3,
        seed: 7,
        is_fast: true,
        mode: "overlay",
        curve,
    };
    let inputs = [key(1), key(2)];
    for number in 0..times {
        parameters.seed = number as u64;
        let digest = hash_params(&parameters).expect("plain parameters");
        black_box(Key::of_result(&digest, inputs));
    }
}

/// The figures of this question.
#[must_use]
pub fn figures(allocations: &dyn Fn(&dyn Fn()) -> usize) -> Vec<Figure> {
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let each = |time: Duration| nanos(time) / TIMES as f64;
    let mut figures = Vec::new();
    for held in [64, FULL.into()] {
        for threads in [1, 2] {
            let [ours, quick, moka, foyer] = hits(held, threads);
            let id = format!("memory/get_hit/{held}/{threads}_threads");
            figures.push(Figure::new(&id, each(ours), "ns"));
            let of_quick = ratio(ours, quick);
            figures.push(
                Figure::new(format!("{id}/of_quick_cache"), of_quick, "× its time").reach(1.1),
            );
            let of_moka = ratio(ours, moka);
            figures.push(Figure::new(format!("{id}/of_moka"), of_moka, "× its time").reach(0.25));
            let of_foyer = ratio(ours, foyer);
            figures.push(Figure::new(format!("{id}/of_foyer"), of_foyer, "× its time").reach(0.25));
        }
    }
    let [ours, lru, moka] = inserts();
    let id = "memory/insert_full";
    figures.push(Figure::new(id, each(ours), "ns"));
    figures.push(Figure::new(format!("{id}/of_lru"), ratio(ours, lru), "× its time").reach(3.0));
    figures.push(Figure::new(format!("{id}/of_moka"), ratio(ours, moka), "× its time").reach(0.5));
    figures.push(Figure::new("key/step", each(naming()) / 1000.0, "µs").reach(0.5));
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let per_key = allocations(&|| name(TIMES)) as f64 / TIMES as f64;
    figures.push(Figure::new("key/step/allocations", per_key, "per key").reach(0.0));
    figures
}
