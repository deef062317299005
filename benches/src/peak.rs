//! How much is alive while large results come into a cache, beside its budget.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pipeline_cache::MemoryCache;
use pipeline_core::cache::{Cache, Origin};
use pipeline_core::key::KeyHasher;
use pipeline_core::{Data, Key, Value};

use crate::figure::Figure;

/// The budget of each cache.
const BUDGET: u64 = 1 << 30;

/// Threads that make results of so many bytes, and how many each makes.
#[derive(Debug, Clone, Copy)]
struct Load {
    name: &'static str,
    threads: u64,
    bytes: u64,
    results: u64,
}

/// Pictures of 24 megapixels, of three bytes to a pixel and of three floats.
const LOADS: [Load; 2] = [
    Load { name: "", threads: 2, bytes: 72_000_000, results: 500 },
    Load { name: "/288m", threads: 4, bytes: 288_000_000, results: 100 },
];

/// How long a result takes to make, where there are gaps.
const GAP: Duration = Duration::from_millis(2);

/// Bytes that are alive, and the most that were.
static ALIVE: AtomicU64 = AtomicU64::new(0);
static MOST: AtomicU64 = AtomicU64::new(0);

/// Stands for a picture, and is counted as long as it lives.
#[derive(Debug)]
struct Picture(u64);

impl Picture {
    fn new(bytes: u64) -> Self {
        let alive = ALIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
        MOST.fetch_max(alive, Ordering::Relaxed);
        Self(bytes)
    }
}

impl Drop for Picture {
    fn drop(&mut self) {
        ALIVE.fetch_sub(self.0, Ordering::Relaxed);
    }
}

impl Data for Picture {
    const NAME: &'static str = "picture";

    fn size_bytes(&self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// A result, after the time that it takes.
fn make(load: Load, gap: Duration) -> Value {
    let value = Value::new(Picture::new(load.bytes));
    let start = Instant::now();
    while start.elapsed() < gap {
        std::hint::spin_loop();
    }
    value
}

/// The most that was alive while threads made results, as a multiple of the budget.
#[expect(clippy::cast_precision_loss, reason = "a ratio")]
fn peak(load: Load, keep: &(dyn Fn(Key) + Sync)) -> f64 {
    MOST.store(0, Ordering::Relaxed);
    let work = |thread: u64| {
        for number in 0..load.results {
            keep(KeyHasher::result().number(thread).number(number).finish());
        }
    };
    std::thread::scope(|scope| {
        (0..load.threads).for_each(|thread| drop(scope.spawn(move || work(thread))));
    });
    MOST.load(Ordering::Relaxed) as f64 / BUDGET as f64
}

fn ours(load: Load, gap: Duration) -> f64 {
    let cache = MemoryCache::new(BUDGET);
    let origin = Origin { time: Duration::from_millis(50), ..Origin::default() };
    peak(load, &|key| {
        let claim = cache.claim(&key, load.bytes);
        let value = make(load, gap);
        cache.put(key, &value, origin);
        drop((value, claim));
    })
}

fn moka(load: Load, gap: Duration) -> f64 {
    let weigh =
        |_: &Key, value: &Value| u32::try_from(value.size_bytes() >> 10).unwrap_or(u32::MAX);
    let cache = moka::sync::Cache::builder().max_capacity(BUDGET >> 10).weigher(weigh).build();
    peak(load, &|key| cache.insert(key, make(load, gap)))
}

/// Weighs by bytes.
#[derive(Clone)]
struct Bytes;

impl quick_cache::Weighter<Key, Value> for Bytes {
    fn weight(&self, _: &Key, value: &Value) -> u64 {
        value.size_bytes() as u64
    }
}

fn quick(load: Load, gap: Duration) -> f64 {
    let held = usize::try_from(BUDGET / load.bytes + 1).unwrap_or(usize::MAX);
    let cache = quick_cache::sync::Cache::with_weighter(held, BUDGET, Bytes);
    peak(load, &|key| cache.insert(key, make(load, gap)))
}

/// The figures of this question.
#[must_use]
pub fn figures() -> Vec<Figure> {
    type Peak = fn(Load, Duration) -> f64;
    // Ours first: what others have thrown out may go later.
    let caches: [(&str, Peak); 3] = [("", ours), ("/moka", moka), ("/quick_cache", quick)];
    let mut figures = Vec::new();
    for (cache, peak) in caches {
        for load in LOADS {
            for (name, gap) in [("burst", Duration::ZERO), ("gaps", GAP)] {
                let id = format!("memory/peak/{name}{}{cache}", load.name);
                let figure = Figure::new(id, peak(load, gap), "× the budget");
                figures.push(if cache.is_empty() { figure.reach(1.0) } else { figure });
            }
        }
    }
    figures
}
