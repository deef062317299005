//! What a cache was asked and given, as lines of a file: a session that can be replayed on others.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use pipeline_core::cache::{Cache, Claim, Evicted, Fault, Hit, Origin};
use pipeline_core::data::DataType;
use pipeline_core::{Key, Value};

/// Another cache, and a file of what it was asked and given.
///
/// A line is one of these, with a tab between its parts; a key is 64 hexadecimal digits, and those
/// of the inputs have a space between them.
///
/// | line | when |
/// |---|---|
/// | `begin` | a request began |
/// | `get`, key, `hit` or `miss` | a result was asked for |
/// | `put`, key, step, nanoseconds, bytes, keys of the inputs | a result was made |
///
/// No pixel is written, and no parameter. The file is whole when the recorder is dropped, or after
/// a [`flush`](Self::flush): an executor that goes may keep its cache for a moment.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use pipeline_cache::{MemoryCache, Recorder};
/// use pipeline_core::{Executor, Options};
///
/// let recorder = Recorder::create(Arc::new(MemoryCache::new(2 << 30)), "session.trace")?;
/// let executor = Executor::new(Options { cache: Some(Arc::new(recorder)), ..Options::default() })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recorder {
    inner: Arc<dyn Cache>,
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    /// None once a line could not be written: a session with a gap would be another one.
    out: Option<BufWriter<File>>,
    fault: Option<String>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("inner", &self.inner)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Recorder {
    /// Records what `inner` is asked and given in a new file.
    ///
    /// # Errors
    /// What the system says if it makes no file.
    pub fn create(inner: Arc<dyn Cache>, path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref().to_owned();
        let out = Some(BufWriter::new(File::create(&path)?));
        Ok(Self { inner, path, state: Mutex::new(State { out, fault: None }) })
    }

    /// Puts all lines so far into the file.
    pub fn flush(&self) {
        self.write(Write::flush);
    }

    fn line(&self, line: fmt::Arguments<'_>) {
        self.write(|out| writeln!(out, "{line}"));
    }

    fn write(&self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        let mut state = self.state.lock();
        let Some(out) = &mut state.out else { return };
        if let Err(error) = write(out) {
            state.fault = Some(format!("the session is not recorded any more: {error}"));
            state.out = None;
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl Cache for Recorder {
    fn begin(&self) {
        self.line(format_args!("begin"));
        self.inner.begin();
    }

    fn get(&self, key: &Key) -> Option<Hit> {
        let hit = self.inner.get(key);
        let found = if hit.is_some() { "hit" } else { "miss" };
        self.line(format_args!("get\t{key}\t{found}"));
        hit
    }

    fn put(&self, key: Key, value: &Value, origin: Origin<'_>) -> Vec<Evicted> {
        let (step, nanos) = (origin.step.escape_debug(), origin.time.as_nanos());
        let inputs: Vec<String> = origin.inputs.iter().map(Key::to_string).collect();
        let (bytes, inputs) = (value.size_bytes(), inputs.join(" "));
        self.line(format_args!("put\t{key}\t{step}\t{nanos}\t{bytes}\t{inputs}"));
        self.inner.put(key, value, origin)
    }

    fn contains(&self, key: &Key) -> bool {
        self.inner.contains(key)
    }

    fn identity(&self, key: &Key) -> Option<Key> {
        self.inner.identity(key)
    }

    fn remember(&self, name: Key, identity: Key, time: Duration) {
        self.inner.remember(name, identity, time);
    }

    fn keeps(&self, data: DataType) -> bool {
        self.inner.keeps(data)
    }

    fn claim(&self, key: &Key, bytes: u64) -> Claim {
        self.inner.claim(key, bytes)
    }

    fn take_faults(&self) -> Vec<Fault> {
        let mut faults = self.inner.take_faults();
        if let Some(what) = self.state.lock().fault.take() {
            faults.push(Fault { path: self.path.clone(), what });
        }
        faults
    }
}
