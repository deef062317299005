//! What the cache on disk costs beside other stores: to take values in, and to give them back.
//!
//! Nobody waits for the disk: what is measured is the way into the memory of the system and back,
//! with the checks that each store makes.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use fjall::{Database, Keyspace, KeyspaceCreateOptions};
use foyer::{
    BlockEngineConfig, DeviceBuilder, FsDeviceBuilder, HybridCache, HybridCacheBuilder,
    PsyncIoEngineConfig,
};
use pipeline_cache::{DiskCache, DiskOptions};
use pipeline_core::cache::{Cache, Origin};
use pipeline_core::data::{Buffer, Samples};
use pipeline_core::key::KeyHasher;
use pipeline_core::{Data, Image, Key, Layout, SampleType, Stack, Value};
use redb::{ReadableDatabase, TableDefinition};
use tokio::runtime::Runtime;

use crate::clock::wall_of;
use crate::figure::{Figure, Samples as Times, nanos, ratio};
use crate::work::Random;

/// Turns of each measurement, of which the middle one counts.
const TURNS: usize = 3;

/// Sides of square images, how many there are of each, and what is told of them.
const SIZES: [(u32, usize, &str); 4] =
    [(64, 500, "4k"), (512, 100, "256k"), (4899, 8, "24m"), (16_971, 1, "288m")];

/// Bytes that the file of `foyer` may have.
const ROOM: usize = 1 << 30;

/// A store that is compared.
trait Store {
    fn put(&self, number: usize, image: &Image);
    /// Looks at the first and the last byte of what it finds.
    fn get(&self, number: usize) -> u8;
    /// Waits until what was put is where it stays.
    fn settle(&self) {}
}

fn ends(bytes: &[u8]) -> u8 {
    bytes.first().zip(bytes.last()).map(|(first, last)| first ^ last).expect("it is there")
}

struct Ours(DiskCache);

fn key(number: usize) -> Key {
    KeyHasher::result().number(number as u64).finish()
}

impl Store for Ours {
    fn put(&self, number: usize, image: &Image) {
        let origin = Origin { step: "paint", time: Duration::from_secs(1), ..Origin::default() };
        self.0.put(key(number), &Value::new(image.clone()), origin);
    }

    fn get(&self, number: usize) -> u8 {
        let hit = self.0.get(&key(number)).expect("it is there");
        ends(hit.value.downcast_ref::<Image>().expect("an image").bytes())
    }
}

struct Cacache(std::path::PathBuf);

impl Store for Cacache {
    fn put(&self, number: usize, image: &Image) {
        cacache::write_sync(&self.0, number.to_string(), image.bytes()).expect("a folder of ours");
    }

    fn get(&self, number: usize) -> u8 {
        ends(&cacache::read_sync(&self.0, number.to_string()).expect("it is there"))
    }
}

struct Redb(redb::Database);

const TABLE: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("images");

impl Store for Redb {
    fn put(&self, number: usize, image: &Image) {
        let mut write = self.0.begin_write().expect("a file of ours");
        write.set_durability(redb::Durability::None).expect("a kind that there is");
        write
            .open_table(TABLE)
            .expect("a table")
            .insert(number as u64, image.bytes())
            .expect("room for it");
        write.commit().expect("a file of ours");
    }

    fn get(&self, number: usize) -> u8 {
        let read = self.0.begin_read().expect("a file of ours");
        let table = read.open_table(TABLE).expect("a table");
        let found = table.get(number as u64).expect("a file of ours").expect("it is there");
        ends(found.value())
    }
}

struct Fjall(Keyspace, #[expect(dead_code, reason = "it ends with the database")] Database);

impl Store for Fjall {
    fn put(&self, number: usize, image: &Image) {
        self.0.insert(number.to_be_bytes(), image.bytes()).expect("room for it");
    }

    fn get(&self, number: usize) -> u8 {
        ends(&self.0.get(number.to_be_bytes()).expect("a file of ours").expect("it is there"))
    }
}

struct Foyer(HybridCache<u64, Vec<u8>>, Runtime);

impl Foyer {
    fn new(folder: &Path) -> Self {
        let runtime = Runtime::new().expect("threads");
        let device = FsDeviceBuilder::new(folder).with_capacity(ROOM).build().expect("a folder");
        let engine = BlockEngineConfig::new(device)
            .with_block_size(ROOM / 2)
            .with_buffer_pool_size(ROOM)
            .with_submit_queue_size_threshold(ROOM);
        let cache = runtime.block_on(
            HybridCacheBuilder::new()
                .memory(1)
                .storage()
                .with_io_engine_config(PsyncIoEngineConfig::new())
                .with_engine_config(engine)
                .build(),
        );
        Self(cache.expect("a folder of ours"), runtime)
    }
}

impl Store for Foyer {
    fn put(&self, number: usize, image: &Image) {
        self.0.storage_writer(number as u64).force().insert(image.bytes().to_vec());
    }

    fn get(&self, number: usize) -> u8 {
        let found = self.1.block_on(async { self.0.get(&(number as u64)).await });
        ends(found.expect("a folder of ours").expect("it is there").value())
    }

    fn settle(&self) {
        self.1.block_on(self.0.storage().wait());
    }
}

const NAMES: [&str; 5] = ["ours", "cacache", "redb", "fjall", "foyer"];

fn stores(folder: &Path) -> [Box<dyn Store>; 5] {
    let path = |name: &str| folder.join(name);
    std::fs::create_dir(path("fjall")).expect("a folder of ours");
    let fjall = Database::builder(path("fjall")).open().expect("a folder of ours");
    let keyspace =
        fjall.keyspace("images", KeyspaceCreateOptions::default).expect("a folder of ours");
    let ours = DiskCache::open(path("ours"), DiskOptions::default()).expect("a folder of ours");
    [
        Box::new(Ours(ours)),
        Box::new(Cacache(path("cacache"))),
        Box::new(Redb(redb::Database::create(path("redb")).expect("a folder of ours"))),
        Box::new(Fjall(keyspace, fjall)),
        Box::new(Foyer::new(&path("foyer"))),
    ]
}

/// The times to put, to get and to get again, each store's.
fn times(side: u32, count: usize) -> [[Duration; 3]; 5] {
    let mut random = Random::new(7);
    let images: Vec<Image> = (0..count)
        .map(|_| {
            let len = side as usize * side as usize;
            let words = (0..len.div_ceil(8)).flat_map(|_| random.number().to_le_bytes());
            let samples: Vec<u8> = words.take(len).collect();
            Image::from_samples(side, side, 1, samples).expect("as many samples")
        })
        .collect();
    let mut all: [[Vec<Duration>; 3]; 5] = Default::default();
    for _ in 0..TURNS {
        let folder = tempfile::tempdir().expect("a folder");
        for (store, all) in stores(folder.path()).into_iter().zip(&mut all) {
            let put = wall_of(|| {
                images.iter().enumerate().for_each(|(number, image)| store.put(number, image));
                store.settle();
            });
            let get = || {
                wall_of(|| {
                    for number in 0..count {
                        black_box(store.get(number));
                    }
                })
            };
            all.iter_mut().zip([put, get(), get()]).for_each(|(all, time)| all.push(time));
        }
    }
    all.map(|all| all.map(|times| Times::of(times).median()))
}

/// How fast the digest of an image is made, as a part of the speed of the crate `blake3`.
fn hashing() -> f64 {
    let image = Image::from_samples(6000, 4000, 3, vec![7u8; 72_000_000]).expect("as many samples");
    let value = Value::new(image.clone());
    let [ours, plain] = crate::clock::least_in_turn(|| {
        [
            wall_of(|| drop(black_box(value.digest()))),
            wall_of(|| {
                black_box(blake3::hash(image.bytes()));
            }),
        ]
    });
    ratio(plain, ours)
}

/// Bytes of a stack of 16 bits per nanosecond of reading it back, which looks at every sample.
fn decoding() -> f64 {
    let samples: Vec<u16> = (0..=u16::MAX).cycle().take(64 << 20).collect();
    let frame = Layout::new(1024, 1024, 1, SampleType::U16);
    let stack = Stack::new(frame, 64, Buffer::U16(samples.into())).expect("as many samples");
    let (codec, mut bytes) = (Stack::codec().expect("a codec"), Vec::new());
    (codec.encode)(&stack, &mut bytes).expect("room for it");
    let bytes: Samples<u8> = bytes.into();
    let [time] = crate::clock::least_in_turn(|| {
        [wall_of(|| drop(black_box((codec.decode)(&bytes).expect("what was written"))))]
    });
    bytes.len() as f64 / nanos(time)
}

/// A stack of 16 bits as a camera gives it, through a directory: bytes per nanosecond of getting it
/// again, and how many times more bytes it has than it takes there.
fn packing() -> [f64; 2] {
    let mut random = Random::new(16);
    let samples: Vec<u16> = (0..64 << 20)
        .map(|at| {
            // Light that changes slowly, and noise around it that is the sum of some.
            let noise: u16 =
                random.number().to_le_bytes().iter().map(|&byte| u16::from(byte)).sum();
            300 + noise / 28 + u16::try_from(at >> 10 & 255).expect("a byte")
        })
        .collect();
    let frame = Layout::new(1024, 1024, 1, SampleType::U16);
    let stack = Stack::new(frame, 64, Buffer::U16(samples.into())).expect("as many samples");
    let (folder, bytes) =
        (tempfile::tempdir().expect("a folder"), stack.bytes().map_or(0, <[u8]>::len));
    let ours = DiskCache::open(folder.path(), DiskOptions::default()).expect("a folder of ours");
    let origin = Origin { step: "record", time: Duration::from_secs(1), ..Origin::default() };
    ours.put(key(0), &Value::new(stack), origin);
    let [time] = crate::clock::least_in_turn(|| {
        [wall_of(|| drop(black_box(ours.get(&key(0)).expect("it is there"))))]
    });
    [bytes as f64 / nanos(time), bytes as f64 / ours.stats().bytes as f64]
}

/// The figures of this question.
#[must_use]
pub fn figures() -> Vec<Figure> {
    let mut figures = Vec::new();
    for (side, count, name) in SIZES {
        let all = times(side, count);
        for (what, at) in [("put", 0), ("get", 1), ("get_again", 2)] {
            let id = format!("disk/{what}/{name}");
            #[expect(clippy::cast_precision_loss, reason = "a small number")]
            let each = nanos(all[0][at]) / 1e3 / count as f64;
            figures.push(Figure::new(&id, each, "µs"));
            for (name, times) in NAMES.iter().zip(&all).skip(1) {
                let figure = ratio(all[0][at], times[at]);
                figures.push(Figure::new(format!("{id}/of_{name}"), figure, "× its time"));
            }
        }
    }
    let reaches = [
        ("disk/get/24m/of_cacache", 0.35),
        ("disk/get_again/24m/of_cacache", 0.1),
        ("disk/put/24m/of_cacache", 0.6),
        ("disk/put/24m/of_foyer", 0.45),
        ("disk/put/4k/of_cacache", 0.15),
    ];
    for figure in &mut figures {
        if let Some((_, most)) = reaches.iter().find(|(id, _)| *id == figure.id) {
            *figure = figure.clone().reach(*most);
        }
    }
    figures.push(Figure::new("hash/24mp", hashing(), "× blake3's speed").reach_at_least(0.9));
    figures.push(Figure::new("codec/u16_stack", decoding(), "GB/s").reach_at_least(1.5));
    let [speed, shorter] = packing();
    figures.push(Figure::new("codec/u16_stack/packed", speed, "GB/s").reach_at_least(1.5));
    figures.push(Figure::new("codec/u16_stack/packed/bytes", shorter, "× fewer"));
    figures
}
