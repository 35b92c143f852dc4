//! How many workers a program uses, and how it splits work: [`ParallelConfig`], its builder, and the process-wide
//! default.
//!
//! The program sets what it wants when it builds a config. The rest is taken from environment variables, and what these
//! leave open is chosen for the machine. The environment is read once per process. A config holds for a whole process
//! ([`set_parallel_config`]), for one thread ([`override_parallel_config`]) or for the calls of a
//! [`ParallelExecutor`](crate::ParallelExecutor).

// `job/settings.rs` turns a config into a plan; this file starts no worker and reads no clock.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config_error::ConfigError;
use crate::sync::{HintWord, Latest, Mutex, Ordering, per_process};

/// How many workers to use, how to split work, and when to stay in the calling thread.
///
/// What the program leaves unset is filled from the environment, and what that leaves open from the machine:
///
/// | setting | environment variable | otherwise |
/// |---|---|---|
/// | `enabled` | `MANYHANDS_ENABLED` (`true`, `false`; also 1 and 0, yes and no, on and off) | true |
/// | `max_workers_cpu` | `MANYHANDS_WORKERS` | usable cores - 1, but 2 where there are 2 |
/// | `max_workers_io` | `MANYHANDS_IO_WORKERS` | min(32, 4 x usable cores) |
/// | `chunk_size` | `MANYHANDS_CHUNK_SIZE` | by measured item time |
/// | `enable_progress` | `MANYHANDS_ENABLE_PROGRESS` | true |
/// | `serial_below_items` | `MANYHANDS_SERIAL_BELOW_ITEMS` | 2 |
/// | `serial_below_time` (in files `serial_below_micros`) | `MANYHANDS_SERIAL_BELOW_MICROS` | 50 microseconds |
/// | `thread_stack_size` | `MANYHANDS_STACK_SIZE`, in bytes | 8 MiB, or `RUST_MIN_STACK` where that is more |
/// | `keep_threads` | `MANYHANDS_KEEP_THREADS` (as `enabled`) | true |
///
/// Beside them, `MANYHANDS_PROGRESS` (`off`, `bar`, `lines`, `json`) chooses the target of `Progress::auto`, and of no
/// other.
///
/// The environment is read once per process, when the first config is built. A variable that is changed later has no
/// effect; a forked child reads it anew, and keeps a config that its parent has set. A value that the program sets
/// always wins over the environment, even over a variable that cannot be read. An empty variable counts as unset.
///
/// # Errors in the environment
/// A variable that cannot be read is an error of [`ParallelConfigBuilder::build`]. [`ParallelConfig::default`] cannot
/// return an error: its config holds the value of the last column instead, and remembers the error. Each call that runs
/// with that config returns it and runs no item. The process-wide config starts as such a default.
///
/// # Files
/// A config implements serde's traits through its builder: a file holds the settings that the program set, and no
/// values of the environment or the machine. An unknown setting in a file is an error.
///
/// ```
/// use manyhands::ParallelConfig;
///
/// let config = ParallelConfig::builder().max_workers_cpu(4).chunk_size(16).build()?;
/// assert_eq!(config.max_workers_cpu().get(), 4);
/// assert!(ParallelConfig::builder().chunk_size(0).build().unwrap_err().to_string().contains("use"));
///
/// let from_file: ParallelConfig = serde_json::from_str(r#"{"max_workers_io": 16, "enabled": true}"#).unwrap();
/// assert_eq!(from_file.max_workers_io().get(), 16);
/// assert!(serde_json::from_str::<ParallelConfig>(r#"{"max_workers_io": 0}"#).is_err());
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ParallelConfigBuilder", into = "ParallelConfigBuilder")]
pub struct ParallelConfig {
    /// What the program set: the form of a file.
    set: ParallelConfigBuilder,
    /// What holds: `set`, then the environment, then the machine.
    resolved: Resolved,
    /// The message of the first environment variable that was needed and could not be read. Only `default` leaves one
    /// here; `build` returns it.
    environment_error: Option<String>,
}

/// The values of a config.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Resolved {
    enabled: bool,
    max_workers_cpu: NonZeroUsize,
    max_workers_io: NonZeroUsize,
    chunk_size: Option<NonZeroUsize>,
    enable_progress: bool,
    serial_below_items: usize,
    serial_below_time: Duration,
    thread_stack_size: usize,
    keep_threads: bool,
}

/// The stack size of a thread, in bytes, unless something else is said: that of `main` on most systems.
const USUAL_STACK: usize = 8 << 20;
/// Less than this does not hold a worker's own frames with room to spare.
const LEAST_STACK: usize = 64 << 10;
/// Systems refuse more, or count it as memory in use.
const MOST_STACK: usize = if usize::BITS < 64 { 1 << 30 } else { 64 << (usize::BITS / 2 - 2) };

/// Collects the settings of a [`ParallelConfig`] and checks them at its end. Also the shape of a config file.
///
/// A setting that is not set is filled as the table of [`ParallelConfig`] says.
///
/// ```
/// use manyhands::ParallelConfig;
/// use std::time::Duration;
///
/// let config = ParallelConfig::builder().serial_below_time(Duration::from_millis(1)).build()?;
/// assert_eq!(serde_json::to_string(&config).unwrap(), r#"{"serial_below_micros":1000}"#);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "a builder does nothing until build"]
pub struct ParallelConfigBuilder {
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_workers_cpu: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_workers_io: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    chunk_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_progress: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_below_items: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_below_micros: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_stack_size: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_threads: Option<bool>,
}

impl ParallelConfigBuilder {
    /// False runs everything in the calling thread.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().enabled(false).build()?;
    /// assert_eq!(config.enabled(), false);
    /// # Ok::<(), manyhands::ConfigError>(())
    /// ```
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// The most workers for work that computes. `build` refuses 0.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().max_workers_cpu(3).build()?;
    /// assert_eq!(config.max_workers_cpu().get(), 3);
    /// # Ok::<(), manyhands::ConfigError>(())
    /// ```
    pub fn max_workers_cpu(mut self, workers: usize) -> Self {
        self.max_workers_cpu = Some(workers);
        self
    }

    /// The most workers for work that waits; may exceed the cores. `build` refuses 0.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().max_workers_io(64).build()?;
    /// assert_eq!(config.max_workers_io().get(), 64);
    /// # Ok::<(), manyhands::ConfigError>(())
    /// ```
    pub fn max_workers_io(mut self, workers: usize) -> Self {
        self.max_workers_io = Some(workers);
        self
    }

    /// Items per chunk, instead of a size chosen by measured item time. `build` refuses 0.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().chunk_size(8).build()?;
    /// assert_eq!(config.chunk_size().unwrap().get(), 8);
    /// # Ok::<(), manyhands::ConfigError>(())
    /// ```
    pub fn chunk_size(mut self, items: usize) -> Self {
        self.chunk_size = Some(items);
        self
    }

    /// False mutes every progress target that the program sets.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().enable_progress(false).build()?;
    /// assert_eq!(config.enable_progress(), false);
    /// # Ok::<(), manyhands::ConfigError>(())
    /// ```
    pub fn enable_progress(mut self, enabled: bool) -> Self {
        self.enable_progress = Some(enabled);
        self
    }

    /// Calls with fewer items than this stay in the calling thread.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().serial_below_items(100).build()?;
    /// assert_eq!(config.serial_below_items(), 100);
    /// # Ok::<(), manyhands::ConfigError>(())
    /// ```
    pub fn serial_below_items(mut self, items: usize) -> Self {
        self.serial_below_items = Some(items);
        self
    }

    /// Calls that are expected to take less than this in all start in the calling thread.
    ///
    /// The expectation is the item time measured in earlier calls of the same function. Helpers join when it turns out
    /// to be wrong. Counted in whole microseconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// let config = manyhands::ParallelConfig::builder().serial_below_time(Duration::from_micros(80)).build()?;
    /// assert_eq!(config.serial_below_time(), Duration::from_micros(80));
    /// # Ok::<(), manyhands::ConfigError>(())
    /// ```
    pub fn serial_below_time(mut self, time: Duration) -> Self {
        self.serial_below_micros = Some(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        self
    }

    /// The stack size of the threads that run items, and of those that run streams and futures, in bytes. `build` refuses
    /// less than 64 KiB and more than 64 GiB (1 GiB where addresses have 32 bits).
    ///
    /// The default is 8 MiB, so that an item recurses as deep as it does in `main`; where `RUST_MIN_STACK` asks for more,
    /// that holds. This setting and `MANYHANDS_STACK_SIZE` win over both. A function that recurses deeper than its stack
    /// ends the program, or in [`Processes`](crate::Processes) its worker.
    ///
    /// The calling thread runs items in [`Serial`](crate::Serial) and in some short calls; its stack is as large as the
    /// program made it. In a worker process items run in the main thread, whose limit (`ulimit -s`) is raised to this size,
    /// as far as the hard limit goes; beyond some 100 MiB the system may have mapped something else there. A kept worker keeps
    /// the largest stack that a call gave it. An overflow of a raised stack ends the worker by SIGSEGV, without std's message.
    ///
    /// Costs address space; memory is taken only for what an item uses. Threads are kept per size, so calls with different
    /// sizes share no threads.
    ///
    /// ```
    /// use manyhands::{Job, ParallelConfig, ParallelExecutor};
    ///
    /// fn depth(n: &u32) -> u32 {
    ///     if *n == 0 { 0 } else { 1 + depth(&(n - 1)) }
    /// }
    /// let config = ParallelConfig::builder().thread_stack_size(64 << 20).build()?;
    /// assert_eq!(ParallelExecutor::new(config).map_threads(&[5_000; 2], depth)?, [5_000; 2]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn thread_stack_size(mut self, bytes: usize) -> Self {
        self.thread_stack_size = Some(bytes);
        self
    }

    /// False starts the threads of each call anew, and ends them with the call.
    ///
    /// For tests. Std captures what a test prints, panic messages included, in the thread of the test and in the threads
    /// that are started from it. A kept thread was started from another test, or from none: what an item prints in it goes
    /// to the terminal, and is missing in the output of the test that failed. With `false`, or with
    /// `MANYHANDS_KEEP_THREADS=0 cargo test`, it is part of the output of the test that made the call, and so is what
    /// worker processes print. A call that is nested in an item then runs in the item's thread.
    ///
    /// In one test, give the config to [`override_parallel_config`] in its first line; for all, set the variable under `[env]`
    /// in `.cargo/config.toml`.
    ///
    /// Costs the start of each thread in each call, some 20 to 50 microseconds.
    ///
    /// ```
    /// use manyhands::{ParallelConfig, ParallelExecutor};
    ///
    /// let config = ParallelConfig::builder().keep_threads(false).build()?;
    /// assert_eq!(ParallelExecutor::new(config).map_threads(&[1, 2], |n| n + 1)?, [2, 3]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn keep_threads(mut self, keep: bool) -> Self {
        self.keep_threads = Some(keep);
        self
    }

    /// Checks the settings, and fills what is unset from the environment and the machine.
    ///
    /// # Errors
    /// A configuration error that names the setting: zero workers, chunks of zero items, a stack that is too small or too
    /// large. Or one that names the environment variable of an unset setting, when its value cannot be read.
    ///
    /// ```
    /// let error = manyhands::ParallelConfig::builder().max_workers_cpu(0).build().unwrap_err();
    /// assert_eq!(error.to_string(), "max_workers_cpu is 0; use 1 or more, or leave it out to have it chosen");
    /// ```
    pub fn build(self) -> Result<ParallelConfig, ConfigError> {
        self.refuse_zeros()?;
        self.refuse_stack_size()?;
        let config = self.resolve(&ENVIRONMENT);
        config.check()?;
        Ok(config)
    }

    fn refuse_zeros(&self) -> Result<(), ConfigError> {
        let counts = [
            ("max_workers_cpu", self.max_workers_cpu),
            ("max_workers_io", self.max_workers_io),
            ("chunk_size", self.chunk_size),
        ];
        match counts.iter().find(|(_, value)| *value == Some(0)) {
            Some((name, _)) => {
                Err(ConfigError::new(format!("{name} is 0; use 1 or more, or leave it out to have it chosen")))
            }
            None => Ok(()),
        }
    }

    fn refuse_stack_size(&self) -> Result<(), ConfigError> {
        match self.thread_stack_size {
            Some(bytes) if !is_stack_size(bytes) => Err(ConfigError::new(format!(
                "thread_stack_size is {bytes}; use from {LEAST_STACK} to {MOST_STACK} bytes, or leave it out for {USUAL_STACK}"
            ))),
            _ => Ok(()),
        }
    }

    /// Each setting: the program's value, else the environment's, else the fallback.
    fn resolve(self, environment: &Environment) -> ParallelConfig {
        let mut error = None;
        let resolved = Resolved {
            enabled: first_set(self.enabled, &environment.enabled, &mut error).unwrap_or(true),
            max_workers_cpu: first_set(non_zero(self.max_workers_cpu), &environment.max_workers_cpu, &mut error)
                .unwrap_or_else(default_workers_cpu),
            max_workers_io: first_set(non_zero(self.max_workers_io), &environment.max_workers_io, &mut error)
                .unwrap_or_else(default_workers_io),
            chunk_size: first_set(non_zero(self.chunk_size), &environment.chunk_size, &mut error),
            enable_progress: first_set(self.enable_progress, &environment.enable_progress, &mut error).unwrap_or(true),
            serial_below_items: first_set(self.serial_below_items, &environment.serial_below_items, &mut error)
                .unwrap_or(2),
            serial_below_time: Duration::from_micros(
                first_set(self.serial_below_micros, &environment.serial_below_micros, &mut error).unwrap_or(50),
            ),
            thread_stack_size: first_set(self.thread_stack_size, &environment.thread_stack_size, &mut error)
                .unwrap_or_else(|| usual_stack_size(environment)),
            keep_threads: first_set(self.keep_threads, &environment.keep_threads, &mut error).unwrap_or(true),
        };
        ParallelConfig { set: self, resolved, environment_error: error }
    }
}

/// The program's value, else the environment's. Notes the first variable that is needed and cannot be read.
fn first_set<V: Copy>(set: Option<V>, variable: &Variable<V>, first_error: &mut Option<String>) -> Option<V> {
    set.or_else(|| match variable {
        Ok(value) => *value,
        Err(error) => {
            first_error.get_or_insert_with(|| error.clone());
            None
        }
    })
}

fn non_zero(value: Option<usize>) -> Option<NonZeroUsize> {
    value.and_then(NonZeroUsize::new)
}

fn is_stack_size(bytes: usize) -> bool {
    (LEAST_STACK..=MOST_STACK).contains(&bytes)
}

/// What std would give its own threads, where the user has asked for more than is usual here.
fn usual_stack_size(environment: &Environment) -> usize {
    environment.rust_min_stack.unwrap_or(0).clamp(USUAL_STACK, MOST_STACK)
}

fn default_workers_cpu() -> NonZeroUsize {
    let cores = usable_cores().get();
    let workers = if cores == 2 { 2 } else { cores.saturating_sub(1) };
    NonZeroUsize::new(workers).unwrap_or(NonZeroUsize::MIN)
}

fn default_workers_io() -> NonZeroUsize {
    const MOST: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not 0");
    usable_cores().saturating_mul(NonZeroUsize::MIN.saturating_add(3)).min(MOST)
}

impl TryFrom<ParallelConfigBuilder> for ParallelConfig {
    type Error = ConfigError;

    fn try_from(builder: ParallelConfigBuilder) -> Result<Self, ConfigError> {
        builder.build()
    }
}

impl From<ParallelConfig> for ParallelConfigBuilder {
    fn from(config: ParallelConfig) -> Self {
        config.set
    }
}

/// The config of a program that sets nothing: the environment, and then the machine.
///
/// Where an environment variable cannot be read, the config holds the machine's value, and each call that runs with it
/// returns the error. `ParallelConfig::builder().build()` gives the same config and returns that error at once.
///
/// ```
/// use manyhands::ParallelConfig;
///
/// assert_eq!(ParallelConfig::default(), ParallelConfig::builder().build()?);
/// # Ok::<(), manyhands::Error>(())
/// ```
impl Default for ParallelConfig {
    fn default() -> Self {
        ParallelConfigBuilder::default().resolve(&ENVIRONMENT)
    }
}

impl ParallelConfig {
    /// Starts a config with everything unset. Also the way to change one: `ParallelConfigBuilder::from(config)` gives
    /// back what was set.
    ///
    /// ```
    /// use manyhands::config::ParallelConfigBuilder;
    /// use manyhands::ParallelConfig;
    ///
    /// let four = ParallelConfig::builder().max_workers_cpu(4).build()?;
    /// let serial = ParallelConfigBuilder::from(four).enabled(false).build()?;
    /// assert_eq!((serial.enabled(), serial.max_workers_cpu().get()), (false, 4));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn builder() -> ParallelConfigBuilder {
        ParallelConfigBuilder::default()
    }

    /// Whether calls may use more than the calling thread.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().enabled(true).build().unwrap();
    /// assert!(config.enabled());
    /// ```
    #[must_use]
    pub fn enabled(&self) -> bool {
        self.resolved.enabled
    }

    /// The most workers for work that computes.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().max_workers_cpu(2).build().unwrap();
    /// assert_eq!(config.max_workers_cpu().get(), 2);
    /// ```
    #[must_use]
    pub fn max_workers_cpu(&self) -> NonZeroUsize {
        self.resolved.max_workers_cpu
    }

    /// The most workers for work that waits.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().max_workers_io(20).build().unwrap();
    /// assert_eq!(config.max_workers_io().get(), 20);
    /// ```
    #[must_use]
    pub fn max_workers_io(&self) -> NonZeroUsize {
        self.resolved.max_workers_io
    }

    /// Items per chunk, or `None` when chunks follow the measured item time.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().chunk_size(5).build().unwrap();
    /// assert_eq!(config.chunk_size().map(|size| size.get()), Some(5));
    /// ```
    #[must_use]
    pub fn chunk_size(&self) -> Option<NonZeroUsize> {
        self.resolved.chunk_size
    }

    /// Whether progress reaches the targets that the program sets.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().enable_progress(true).build().unwrap();
    /// assert!(config.enable_progress());
    /// ```
    #[must_use]
    pub fn enable_progress(&self) -> bool {
        self.resolved.enable_progress
    }

    /// Calls with fewer items than this stay in the calling thread.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().serial_below_items(9).build().unwrap();
    /// assert_eq!(config.serial_below_items(), 9);
    /// ```
    #[must_use]
    pub fn serial_below_items(&self) -> usize {
        self.resolved.serial_below_items
    }

    /// Calls that are expected to take less than this in all start in the calling thread.
    ///
    /// ```
    /// use std::time::Duration;
    /// let config = manyhands::ParallelConfig::builder().serial_below_time(Duration::ZERO).build().unwrap();
    /// assert!(config.serial_below_time().is_zero());
    /// ```
    #[must_use]
    pub fn serial_below_time(&self) -> Duration {
        self.resolved.serial_below_time
    }

    /// The stack size of the threads that run items, and of those that run streams and futures, in bytes.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().thread_stack_size(16 << 20).build().unwrap();
    /// assert_eq!(config.thread_stack_size(), 16 << 20);
    /// ```
    #[must_use]
    pub fn thread_stack_size(&self) -> usize {
        self.resolved.thread_stack_size
    }

    /// Whether threads are kept from call to call, rather than started and ended with each.
    ///
    /// ```
    /// let config = manyhands::ParallelConfig::builder().keep_threads(false).build().unwrap();
    /// assert!(!config.keep_threads());
    /// ```
    #[must_use]
    pub fn keep_threads(&self) -> bool {
        self.resolved.keep_threads
    }

    /// The error of an environment variable that [`default`](Self::default) could not read. Each run asks once.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.environment_error.clone().map_or(Ok(()), |message| Err(ConfigError::new(message)))
    }

    fn set_enabled(&mut self, enabled: bool) {
        self.set.enabled = Some(enabled);
        self.resolved.enabled = enabled;
    }
}

/// The cores that this process may use: affinity and cgroup quota respected; 1 when the system does not say.
///
/// The system is asked once per process, and the answer kept.
///
/// ```
/// assert!(manyhands::config::usable_cores().get() >= 1);
/// ```
#[must_use]
pub fn usable_cores() -> NonZeroUsize {
    // The question reads files on Linux, so it is asked once. 0 before that.
    static CORES: HintWord = HintWord::new(0);
    // Relaxed: threads that ask at once find the same answer.
    let known = usize::try_from(CORES.load(Ordering::Relaxed)).ok().and_then(NonZeroUsize::new);
    known.unwrap_or_else(|| {
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        CORES.store(cores.get() as u64, Ordering::Relaxed);
        cores
    })
}

per_process! {
    /// The environment as it was when the first config was built.
    static ENVIRONMENT: Environment =
        Environment::read(|name| std::env::var_os(name).map(|text| text.to_string_lossy().into_owned()));
}

/// The text of `MANYHANDS_PROGRESS`, read with the other variables; none when it is unset.
#[cfg(feature = "progress")]
pub(crate) fn progress_target() -> Option<&'static str> {
    ENVIRONMENT.progress_target.as_deref()
}

/// A setting that an environment variable gives: none when it is unset or empty, a message when it cannot be read.
type Variable<V> = Result<Option<V>, String>;

/// What the environment says of each setting.
struct Environment {
    enabled: Variable<bool>,
    max_workers_cpu: Variable<NonZeroUsize>,
    max_workers_io: Variable<NonZeroUsize>,
    chunk_size: Variable<NonZeroUsize>,
    enable_progress: Variable<bool>,
    serial_below_items: Variable<usize>,
    serial_below_micros: Variable<u64>,
    thread_stack_size: Variable<usize>,
    keep_threads: Variable<bool>,
    /// `RUST_MIN_STACK`, which is std's; as there, a text that is no number counts as unset.
    rust_min_stack: Option<usize>,
    /// The text of `MANYHANDS_PROGRESS`. `Progress::auto` reads it, since it knows the targets.
    #[cfg(feature = "progress")]
    progress_target: Option<String>,
}

impl Environment {
    /// Reads each variable. `look_up` is the environment, so that tests can bring their own.
    fn read(look_up: impl Fn(&str) -> Option<String>) -> Self {
        let count = |name| parsed(name, look_up(name), "a whole number of 1 or more", |text| text.parse().ok());
        let number = |name| parsed(name, look_up(name), "a whole number", |text| text.parse().ok());
        let switch = |name| parsed(name, look_up(name), "true or false", parse_switch);
        let stack = |text: &str| text.parse().ok().filter(|&bytes| is_stack_size(bytes));
        let as_items = |number: Option<u64>| number.map(|items| usize::try_from(items).unwrap_or(usize::MAX));
        Self {
            enabled: switch("MANYHANDS_ENABLED"),
            max_workers_cpu: count("MANYHANDS_WORKERS"),
            max_workers_io: count("MANYHANDS_IO_WORKERS"),
            chunk_size: count("MANYHANDS_CHUNK_SIZE"),
            enable_progress: switch("MANYHANDS_ENABLE_PROGRESS"),
            serial_below_items: number("MANYHANDS_SERIAL_BELOW_ITEMS").map(as_items),
            serial_below_micros: number("MANYHANDS_SERIAL_BELOW_MICROS"),
            thread_stack_size: parsed(
                "MANYHANDS_STACK_SIZE",
                look_up("MANYHANDS_STACK_SIZE"),
                &format!("a number of bytes from {LEAST_STACK} to {MOST_STACK}"),
                stack,
            ),
            keep_threads: switch("MANYHANDS_KEEP_THREADS"),
            rust_min_stack: look_up("RUST_MIN_STACK").and_then(|text| text.trim().parse().ok()),
            #[cfg(feature = "progress")]
            progress_target: look_up("MANYHANDS_PROGRESS"),
        }
    }
}

fn parsed<V>(name: &str, text: Option<String>, wanted: &str, parse: impl Fn(&str) -> Option<V>) -> Variable<V> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
    match parse(text.trim()) {
        Some(value) => Ok(Some(value)),
        None => Err(format!("environment variable {name} is {text:?}; use {wanted}, or unset it")),
    }
}

fn parse_switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The process-wide config that was set last; none before one is set. A forked child starts with its parent's.
static PROCESS_WIDE: Latest<Arc<ParallelConfig>> = Latest::new();

per_process! {
    /// The process-wide config of a program that has set none.
    static UNSET: Arc<ParallelConfig> = Arc::default();
}

per_process! {
    /// The different configs that were process-wide, each once: a program that switches between two of them keeps two.
    /// Its lock admits one thread at a time that sets one; no other code runs under it.
    static PUBLISHED: Mutex<Vec<&'static Arc<ParallelConfig>>> = Mutex::new(Vec::new());
}

crate::sync::thread_local! {
    /// The overrides of this thread.
    static OVERRIDES: std::cell::RefCell<Overrides> = std::cell::RefCell::new(Overrides::default());
}

#[derive(Default)]
struct Overrides {
    /// The newest last, each with the number of its guard. Guards may end in any order, so an entry is found by number.
    stack: Vec<(u64, Arc<ParallelConfig>)>,
    /// The number of the next guard.
    next: u64,
}

/// The config that a call made here and now would use: this thread's newest override, else the process-wide one.
///
/// A copy: what is set later does not change it.
///
/// # Concurrency
/// May be called from any thread. It waits for no other.
///
/// ```
/// use manyhands::config::{override_parallel_config, parallel_config};
/// use manyhands::ParallelConfig;
///
/// {
///     let _serial_here = override_parallel_config(ParallelConfig::builder().enabled(false).build()?);
///     assert!(!parallel_config().enabled());
/// }
/// assert!(parallel_config().enabled());
/// # Ok::<(), manyhands::Error>(())
/// ```
#[must_use]
pub fn parallel_config() -> ParallelConfig {
    ParallelConfig::clone(&current())
}

/// [`parallel_config`] without the copy.
pub(crate) fn current() -> Arc<ParallelConfig> {
    // A thread that is ending may have destroyed its overrides already.
    let newest = OVERRIDES.try_with(|overrides| overrides.borrow().stack.last().map(|(_, config)| Arc::clone(config)));
    newest.ok().flatten().unwrap_or_else(process_wide)
}

fn process_wide() -> Arc<ParallelConfig> {
    Arc::clone(PROCESS_WIDE.load().unwrap_or(&UNSET))
}

/// Makes the result of `change`, of the process-wide config of now, the new one.
fn publish(change: impl FnOnce(&ParallelConfig) -> ParallelConfig) {
    let mut published = PUBLISHED.lock();
    let config = change(&process_wide());
    let known = published.iter().copied().find(|known| ***known == config);
    PROCESS_WIDE.store(known.unwrap_or_else(|| {
        let new: &'static _ = Box::leak(Box::new(Arc::new(config)));
        published.push(new);
        new
    }));
}

/// Sets the process-wide config. Runs that have begun keep the config that they began with.
///
/// An override of a thread still wins over it. Best called once, at the start of `main`; a library should rather use
/// [`ParallelExecutor`](crate::ParallelExecutor) or an override, which change nothing for others. Each different config
/// that was ever set stays in memory, some 200 bytes, so that readers need no lock.
///
/// ```
/// use manyhands::config::{parallel_config, set_parallel_config};
/// use manyhands::ParallelConfig;
/// set_parallel_config(ParallelConfig::builder().max_workers_cpu(3).build()?);
/// assert_eq!(parallel_config().max_workers_cpu().get(), 3);
/// # Ok::<(), manyhands::Error>(())
/// ```
pub fn set_parallel_config(config: ParallelConfig) {
    publish(|_| config);
}

/// Lets calls use workers again, process-wide; the other settings stay.
///
/// Wins over `MANYHANDS_ENABLED`. Runs that have begun, and threads with an override, are not affected.
///
/// ```
/// manyhands::config::disable_parallel_processing();
/// assert!(!manyhands::config::parallel_config().enabled());
/// manyhands::config::enable_parallel_processing();
/// assert!(manyhands::config::parallel_config().enabled());
/// ```
pub fn enable_parallel_processing() {
    switch_process_wide(true);
}

/// Makes every later call run in its calling thread, process-wide; the other settings stay.
///
/// Useful under a debugger, or to see whether a problem comes from running in parallel.
/// Runs that have begun, and threads with an override, are not affected.
///
/// ```
/// use manyhands::{Threads, parallel_map};
///
/// manyhands::config::disable_parallel_processing();
/// let caller = std::thread::current().id();
/// let threads = parallel_map(Threads, &[1, 2, 3], |_| std::thread::current().id())?;
/// assert_eq!(threads, [caller; 3]);
/// # Ok::<(), manyhands::Error>(())
/// ```
pub fn disable_parallel_processing() {
    switch_process_wide(false);
}

fn switch_process_wide(enabled: bool) {
    publish(|now| {
        let mut config = now.clone();
        config.set_enabled(enabled);
        config
    });
}

/// Overrides the config for this thread until the guard is dropped; the workers of calls made meanwhile inherit it.
///
/// Guards may be dropped in any order: each removes its own override. A guard stays on its thread (it is not `Send`).
///
/// ```
/// use manyhands::config::{override_parallel_config, parallel_config};
/// use manyhands::{ParallelConfig, Threads, parallel_map};
///
/// let three = ParallelConfig::builder().max_workers_cpu(3).build()?;
/// let _guard = override_parallel_config(three);
/// let seen = parallel_map(Threads, &[(); 10], |_| parallel_config().max_workers_cpu().get())?;
/// assert_eq!(seen, [3; 10]); // in each worker, too
/// # Ok::<(), manyhands::Error>(())
/// ```
pub fn override_parallel_config(config: ParallelConfig) -> ConfigGuard {
    override_with(Arc::new(config))
}

/// [`override_parallel_config`] without the copy.
pub(crate) fn override_with(config: Arc<ParallelConfig>) -> ConfigGuard {
    let number = OVERRIDES.try_with(|overrides| {
        let mut overrides = overrides.borrow_mut();
        let number = overrides.next;
        overrides.next += 1;
        overrides.stack.push((number, config));
        number
    });
    // In a thread that is ending, and has destroyed its overrides already, the process-wide config holds.
    ConfigGuard { number: number.unwrap_or(u64::MAX), on_this_thread: std::marker::PhantomData }
}

/// Ends an override of [`override_parallel_config`] when it is dropped.
///
/// It cannot be sent to another thread; this does not compile:
///
/// ```compile_fail,E0277
/// let guard = manyhands::config::override_parallel_config(manyhands::ParallelConfig::default());
/// std::thread::spawn(move || drop(guard));
/// ```
#[derive(Debug)]
#[must_use = "the override ends with its guard: keep it in a variable"]
pub struct ConfigGuard {
    /// Of its entry in this thread's overrides.
    number: u64,
    /// A raw pointer is not `Send`, and so neither is the guard.
    on_this_thread: std::marker::PhantomData<*const ()>,
}

impl Drop for ConfigGuard {
    fn drop(&mut self) {
        // A thread that is ending may have destroyed its overrides already; then there is nothing to remove.
        let _ = OVERRIDES.try_with(|overrides| {
            overrides.borrow_mut().stack.retain(|(number, _)| *number != self.number);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned()))
    }

    #[test]
    fn the_environment_fills_only_what_the_program_left_unset() {
        let environment = environment(&[("MANYHANDS_WORKERS", " 7 "), ("MANYHANDS_IO_WORKERS", "8")]);
        let config = ParallelConfig::builder().max_workers_io(9).resolve(&environment);
        assert_eq!((config.max_workers_cpu().get(), config.max_workers_io().get()), (7, 9));
        assert_eq!((config.chunk_size(), config.check()), (None, Ok(())));
    }

    #[cfg(feature = "progress")]
    #[test]
    fn the_progress_target_is_kept_as_it_is_written() {
        assert_eq!(environment(&[("MANYHANDS_PROGRESS", " Bra")]).progress_target.as_deref(), Some(" Bra"));
        assert_eq!(environment(&[]).progress_target, None);
    }

    #[test]
    fn an_unreadable_environment_variable_is_named_with_its_value_and_the_way_out() {
        for (wrong, text) in
            [("MANYHANDS_WORKERS", "0"), ("MANYHANDS_CHUNK_SIZE", "many"), ("MANYHANDS_ENABLED", "maybe")]
        {
            let error = ParallelConfig::builder().resolve(&environment(&[(wrong, text)])).check().unwrap_err();
            let message = error.to_string();
            assert!(message.contains(wrong) && message.contains(text), "{message}");
            assert!(message.contains("unset it"), "{message}");
        }
    }

    #[test]
    fn an_unreadable_variable_of_a_setting_that_the_program_sets_is_no_error() {
        let environment = environment(&[("MANYHANDS_WORKERS", "many")]);
        let set = ParallelConfig::builder().max_workers_cpu(3).resolve(&environment);
        assert_eq!((set.max_workers_cpu().get(), set.check()), (3, Ok(())));
        assert!(ParallelConfig::builder().max_workers_io(3).resolve(&environment).check().is_err());
    }

    #[test]
    fn a_default_config_with_an_unreadable_variable_fails_each_call_that_uses_it() {
        let broken = ParallelConfig::builder().resolve(&environment(&[("MANYHANDS_WORKERS", "many")]));
        assert_eq!(broken.max_workers_cpu(), default_workers_cpu());
        let executor = crate::ParallelExecutor::new(broken.clone());
        assert!(executor.map_threads(&[1, 2], |n| n + 1).unwrap_err().to_string().contains("MANYHANDS_WORKERS"));
        let _guard = override_parallel_config(broken);
        let error = crate::parallel_map(crate::Serial, &[1, 2], |n| n + 1).unwrap_err();
        assert!(error.to_string().contains("MANYHANDS_WORKERS"), "{error}");
    }

    #[test]
    fn guards_may_end_in_any_order() {
        let with = |workers| ParallelConfig::builder().max_workers_cpu(workers).build().unwrap();
        let here = || parallel_config().max_workers_cpu().get();
        let first = override_parallel_config(with(5));
        let second = override_parallel_config(with(6));
        assert_eq!(here(), 6);
        drop(first);
        assert_eq!(here(), 6);
        drop(second);
        assert_ne!(here(), 6);
    }

    #[test]
    fn a_config_survives_a_file() {
        let config = ParallelConfig::builder()
            .enabled(false)
            .chunk_size(3)
            .serial_below_time(Duration::from_micros(9))
            .build()
            .unwrap();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ParallelConfig>(&text).unwrap(), config);
        let unknown = serde_json::from_str::<ParallelConfig>(r#"{"max_worker": 3}"#).unwrap_err();
        assert!(unknown.to_string().contains("max_worker"), "{unknown}");
    }
}
