//! How parallel a program wants to be: one checked value, its builder, and the process-wide one.
//! Never spawns, reads no clock.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::sync::{LazyLock, RwLock};

/// How many workers to use, how to split work, and when not to bother. A config that exists is valid.
///
/// What is left unset is filled from the environment, and what that leaves open from the machine:
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
///
/// Beside them, `MANYHANDS_PROGRESS` (`off`, `bar`, `lines`, `json`) chooses the target of `Progress::auto`, and of no other.
///
/// The environment is read once, at the first call that needs it; it never overrides what the program set. An empty
/// variable is an unset one.
///
/// ```
/// use manyhands::ParallelConfig;
///
/// let config = ParallelConfig::builder().max_workers_cpu(4).chunk_size(16).build()?;
/// assert_eq!(config.max_workers_cpu()?.get(), 4);
/// assert!(ParallelConfig::builder().chunk_size(0).build().unwrap_err().is_config());
///
/// let from_file: ParallelConfig = serde_json::from_str(r#"{"max_workers_io": 16, "enabled": true}"#).unwrap();
/// assert_eq!(from_file.max_workers_io()?.get(), 16);
/// assert!(serde_json::from_str::<ParallelConfig>(r#"{"max_workers_io": 0}"#).is_err());
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "ParallelConfigBuilder", into = "ParallelConfigBuilder")]
pub struct ParallelConfig {
    set: ParallelConfigBuilder,
}

/// Collects the settings of a [`ParallelConfig`] and checks them at its end. Also the shape of a config file.
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
}

impl ParallelConfigBuilder {
    /// False runs everything in the calling thread.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// The most workers for work that computes.
    pub fn max_workers_cpu(mut self, workers: usize) -> Self {
        self.max_workers_cpu = Some(workers);
        self
    }

    /// The most workers for work that waits; may exceed the cores.
    pub fn max_workers_io(mut self, workers: usize) -> Self {
        self.max_workers_io = Some(workers);
        self
    }

    /// Items per chunk, instead of a size chosen by measured item time.
    pub fn chunk_size(mut self, items: usize) -> Self {
        self.chunk_size = Some(items);
        self
    }

    /// False mutes every progress target that the program sets.
    pub fn enable_progress(mut self, enabled: bool) -> Self {
        self.enable_progress = Some(enabled);
        self
    }

    /// Calls with fewer items than this stay in the calling thread.
    pub fn serial_below_items(mut self, items: usize) -> Self {
        self.serial_below_items = Some(items);
        self
    }

    /// Calls that are expected to take less than this in all, by the item time measured in earlier calls of the same
    /// function, start in the calling thread; helpers join when the expectation turns out to be wrong.
    /// Counted in whole microseconds.
    pub fn serial_below_time(mut self, time: Duration) -> Self {
        self.serial_below_micros = Some(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// A configuration error that names the setting: zero workers, chunks of zero items.
    pub fn build(self) -> Result<ParallelConfig, Error> {
        for (name, value) in [
            ("max_workers_cpu", self.max_workers_cpu),
            ("max_workers_io", self.max_workers_io),
            ("chunk_size", self.chunk_size),
        ] {
            if value == Some(0) {
                return Err(Error::config(format!("{name} is 0; use 1 or more, or leave it out to have it chosen")));
            }
        }
        Ok(ParallelConfig { set: self })
    }
}

impl TryFrom<ParallelConfigBuilder> for ParallelConfig {
    type Error = Error;

    fn try_from(builder: ParallelConfigBuilder) -> Result<Self, Error> {
        builder.build()
    }
}

impl From<ParallelConfig> for ParallelConfigBuilder {
    fn from(config: ParallelConfig) -> Self {
        config.set
    }
}

impl ParallelConfig {
    /// Starts a config with everything unset.
    pub fn builder() -> ParallelConfigBuilder {
        ParallelConfigBuilder::default()
    }

    /// Whether calls may use more than the calling thread.
    ///
    /// # Errors
    /// A configuration error when the setting comes from an environment variable that cannot be read; so for every
    /// question below.
    pub fn enabled(&self) -> Result<bool, Error> {
        self.filled(|set| set.enabled, true)
    }

    /// The most workers for work that computes.
    ///
    /// # Errors
    /// See [`ParallelConfig::enabled`].
    pub fn max_workers_cpu(&self) -> Result<NonZeroUsize, Error> {
        let cores = usable_cores();
        let fallback = if cores.get() == 2 { 2 } else { cores.get().saturating_sub(1).max(1) };
        self.filled(|set| set.max_workers_cpu, fallback).map(at_least_one)
    }

    /// The most workers for work that waits.
    ///
    /// # Errors
    /// See [`ParallelConfig::enabled`].
    pub fn max_workers_io(&self) -> Result<NonZeroUsize, Error> {
        let fallback = usable_cores().get().saturating_mul(4).min(32);
        self.filled(|set| set.max_workers_io, fallback).map(at_least_one)
    }

    /// Items per chunk, or `None` when chunks follow the measured item time.
    ///
    /// # Errors
    /// See [`ParallelConfig::enabled`].
    pub fn chunk_size(&self) -> Result<Option<NonZeroUsize>, Error> {
        self.filled(|set| set.chunk_size.map(Some), None).map(|size| size.and_then(NonZeroUsize::new))
    }

    /// Whether progress reaches the targets that the program sets.
    ///
    /// # Errors
    /// See [`ParallelConfig::enabled`].
    pub fn enable_progress(&self) -> Result<bool, Error> {
        self.filled(|set| set.enable_progress, true)
    }

    /// Calls with fewer items than this stay in the calling thread.
    ///
    /// # Errors
    /// See [`ParallelConfig::enabled`].
    pub fn serial_below_items(&self) -> Result<usize, Error> {
        self.filled(|set| set.serial_below_items, 2)
    }

    /// Calls that are expected to take less than this in all start in the calling thread.
    ///
    /// # Errors
    /// See [`ParallelConfig::enabled`].
    pub fn serial_below_time(&self) -> Result<Duration, Error> {
        self.filled(|set| set.serial_below_micros, 50).map(Duration::from_micros)
    }

    /// The program's value, else the environment's, else the fallback.
    fn filled<V>(&self, setting: impl Fn(&ParallelConfigBuilder) -> Option<V>, fallback: V) -> Result<V, Error> {
        if let Some(value) = setting(&self.set) {
            return Ok(value);
        }
        let environment = ENVIRONMENT.as_ref().map_err(Clone::clone)?;
        Ok(setting(environment).unwrap_or(fallback))
    }
}

/// The cores that this process may use: affinity and cgroup quota respected; 1 when the system does not tell.
///
/// ```
/// assert!(manyhands::usable_cores().get() >= 1);
/// ```
#[must_use]
pub fn usable_cores() -> NonZeroUsize {
    // Asking the system reads files on Linux, so it is asked once.
    static CORES: LazyLock<NonZeroUsize> =
        LazyLock::new(|| std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN));
    *CORES
}

static ENVIRONMENT: LazyLock<Result<ParallelConfigBuilder, Error>> =
    LazyLock::new(|| read_environment(|name| std::env::var_os(name).map(|text| text.to_string_lossy().into_owned())));

/// The settings that the environment gives; `look_up` is the environment, so that tests can bring their own.
fn read_environment(look_up: impl Fn(&str) -> Option<String>) -> Result<ParallelConfigBuilder, Error> {
    fn parsed<V>(
        name: &str,
        text: Option<String>,
        wanted: &str,
        parse: impl Fn(&str) -> Option<V>,
    ) -> Result<Option<V>, Error> {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return Ok(None) };
        match parse(text.trim()) {
            Some(value) => Ok(Some(value)),
            None => Err(Error::config(format!("environment variable {name} is {text:?}; use {wanted}, or unset it"))),
        }
    }
    let count = |name| {
        parsed(name, look_up(name), "a whole number of 1 or more", |text| text.parse().ok().filter(|&n: &usize| n > 0))
    };
    let number = |name| parsed(name, look_up(name), "a whole number", |text| text.parse().ok());
    let switch = |name| parsed(name, look_up(name), "true or false", parse_switch);
    Ok(ParallelConfigBuilder {
        enabled: switch("MANYHANDS_ENABLED")?,
        max_workers_cpu: count("MANYHANDS_WORKERS")?,
        max_workers_io: count("MANYHANDS_IO_WORKERS")?,
        chunk_size: count("MANYHANDS_CHUNK_SIZE")?,
        enable_progress: switch("MANYHANDS_ENABLE_PROGRESS")?,
        serial_below_items: number("MANYHANDS_SERIAL_BELOW_ITEMS")?
            .map(|items| usize::try_from(items).unwrap_or(usize::MAX)),
        serial_below_micros: number("MANYHANDS_SERIAL_BELOW_MICROS")?,
    })
}

fn parse_switch(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn at_least_one(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("builder and environment refuse a zero")
}

/// Guards the process-wide config; nothing runs under it.
static PROCESS_WIDE: LazyLock<RwLock<Arc<ParallelConfig>>> = LazyLock::new(|| RwLock::new(Arc::default()));

crate::sync::thread_local! {
    /// The overrides of this thread, the newest last, each with the number of its guard.
    static OVERRIDES: std::cell::RefCell<Overrides> = std::cell::RefCell::new(Overrides::default());
}

#[derive(Default)]
struct Overrides {
    stack: Vec<(u64, Arc<ParallelConfig>)>,
    next: u64,
}

/// The config that a call made here and now would use: this thread's newest override, else the process-wide one.
///
/// ```
/// use manyhands::{ParallelConfig, override_parallel_config, parallel_config};
///
/// {
///     let _serial_here = override_parallel_config(ParallelConfig::builder().enabled(false).build()?);
///     assert!(!parallel_config().enabled()?);
/// }
/// assert!(parallel_config().enabled()?);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[must_use]
pub fn parallel_config() -> ParallelConfig {
    ParallelConfig::clone(&current())
}

/// [`parallel_config`] without the copy.
pub(crate) fn current() -> Arc<ParallelConfig> {
    let newest = OVERRIDES.with(|overrides| overrides.borrow().stack.last().map(|(_, config)| Arc::clone(config)));
    newest.unwrap_or_else(|| Arc::clone(&PROCESS_WIDE.read()))
}

/// Sets the process-wide config. Runs that have begun keep the one that they began with.
///
/// ```
/// use manyhands::{ParallelConfig, parallel_config, set_parallel_config};
/// set_parallel_config(ParallelConfig::builder().max_workers_cpu(3).build()?);
/// assert_eq!(parallel_config().max_workers_cpu()?.get(), 3);
/// # Ok::<(), manyhands::Error>(())
/// ```
pub fn set_parallel_config(config: ParallelConfig) {
    *PROCESS_WIDE.write() = Arc::new(config);
}

/// Lets calls use workers again, process-wide; the other settings stay.
///
/// ```
/// manyhands::disable_parallel_processing();
/// assert!(!manyhands::parallel_config().enabled()?);
/// manyhands::enable_parallel_processing();
/// assert!(manyhands::parallel_config().enabled()?);
/// # Ok::<(), manyhands::Error>(())
/// ```
pub fn enable_parallel_processing() {
    switch_process_wide(true);
}

/// Makes every call run in its calling thread, process-wide; the other settings stay.
/// See [`enable_parallel_processing`].
pub fn disable_parallel_processing() {
    switch_process_wide(false);
}

fn switch_process_wide(enabled: bool) {
    let mut config = PROCESS_WIDE.write();
    let mut changed = ParallelConfig::clone(&config);
    changed.set.enabled = Some(enabled);
    *config = Arc::new(changed);
}

/// Overrides the config for this thread until the guard ends; the workers of calls made meanwhile inherit it.
///
/// Guards may end in any order: each takes away its own override. A guard stays on its thread (it is not `Send`).
///
/// See [`parallel_config`] for an example.
pub fn override_parallel_config(config: ParallelConfig) -> ConfigGuard {
    override_with(Arc::new(config))
}

pub(crate) fn override_with(config: Arc<ParallelConfig>) -> ConfigGuard {
    OVERRIDES.with(|overrides| {
        let mut overrides = overrides.borrow_mut();
        let number = overrides.next;
        overrides.next += 1;
        overrides.stack.push((number, config));
        ConfigGuard { number, on_this_thread: std::marker::PhantomData }
    })
}

/// Ends an override of [`override_parallel_config`] when it is dropped.
///
/// ```compile_fail,E0277
/// let guard = manyhands::override_parallel_config(manyhands::ParallelConfig::default());
/// std::thread::spawn(move || drop(guard)); // a guard does not leave its thread
/// ```
#[derive(Debug)]
#[must_use = "the override ends with its guard: keep it in a variable"]
pub struct ConfigGuard {
    number: u64,
    on_this_thread: std::marker::PhantomData<*const ()>,
}

impl Drop for ConfigGuard {
    fn drop(&mut self) {
        // A thread that is ending may have lost its overrides already; then there is nothing to take away.
        let _ = OVERRIDES.try_with(|overrides| {
            overrides.borrow_mut().stack.retain(|(number, _)| *number != self.number);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_fills_only_what_the_program_left_unset() {
        let environment = read_environment(|name| (name == "MANYHANDS_WORKERS").then(|| " 7 ".to_owned())).unwrap();
        assert_eq!(environment.max_workers_cpu, Some(7));
        assert_eq!(environment.chunk_size, None);
    }

    #[test]
    fn an_environment_variable_that_cannot_be_is_named_with_its_value_and_the_way_out() {
        for (wrong, text) in
            [("MANYHANDS_WORKERS", "0"), ("MANYHANDS_CHUNK_SIZE", "many"), ("MANYHANDS_ENABLED", "maybe")]
        {
            let error = read_environment(|name| (name == wrong).then(|| text.to_owned())).unwrap_err();
            let message = error.to_string();
            assert!(error.is_config() && message.contains(wrong) && message.contains(text), "{message}");
            assert!(message.contains("unset it"), "{message}");
        }
    }

    #[test]
    fn guards_may_end_in_any_order() {
        let with = |workers| ParallelConfig::builder().max_workers_cpu(workers).build().unwrap();
        let here = || parallel_config().max_workers_cpu().unwrap().get();
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
