//! [`ParallelExecutor`]: a config that many calls share, and [`TaskSet`]: tasks of different kinds. Both are thin layers over
//! [`Job`].

use std::fmt;
use std::ops::ControlFlow;

use crate::backend::mode::{Mode, Threads};
#[cfg(feature = "processes")]
use crate::backend::process::Processes;
use crate::backend::task::MapFn;
use crate::config::ParallelConfig;
use crate::error::Error;
use crate::failure::ItemFailure;
use crate::job::Job;
use crate::job::on_failure::OnFailure;
use crate::never::Never;
use crate::outcome::Outcome;
use crate::panics::OneByOne;
use std::sync::Arc;

/// Runs calls with its own config instead of the process-wide one.
///
/// Cost: cloning copies a pointer. An executor owns no threads: all executors share the threads of the process.
///
/// ```
/// use manyhands::{ParallelConfig, ParallelExecutor};
///
/// let executor = ParallelExecutor::new(ParallelConfig::builder().max_workers_cpu(2).build()?);
/// assert_eq!(executor.map_threads(&[1, 2, 3], |n| n * 2)?, [2, 4, 6]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ParallelExecutor {
    config: Arc<ParallelConfig>,
}

impl ParallelExecutor {
    /// An executor with this config.
    ///
    /// ```
    /// use manyhands::{ParallelConfig, ParallelExecutor};
    /// let executor = ParallelExecutor::new(ParallelConfig::builder().enabled(false).build()?);
    /// assert_eq!(executor.job(&[1, 2]).run(|n| n + 1)?.tally().workers, 1);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn new(config: ParallelConfig) -> Self {
        Self { config: Arc::new(config) }
    }

    /// The config of every call of this executor.
    ///
    /// ```
    /// use manyhands::{ParallelConfig, ParallelExecutor};
    /// let config = ParallelConfig::builder().max_workers_cpu(3).build()?;
    /// assert_eq!(ParallelExecutor::new(config.clone()).config(), &config);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    #[must_use]
    pub fn config(&self) -> &ParallelConfig {
        &self.config
    }

    /// A [`Job`] over these items with this executor's config.
    ///
    /// ```
    /// let executor = manyhands::ParallelExecutor::default();
    /// let outcome = executor.job(&[1, 2]).chunk_size(1).run(|n| n + 1)?;
    /// assert_eq!(outcome.into_result()?, [2, 3]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn job<'a, T>(&self, items: &'a [T]) -> Job<'a, T> {
        Job::new(items).with_config(Arc::clone(&self.config))
    }

    /// Calls a function for each item on threads, and returns all values in input order.
    ///
    /// # Errors
    /// As [`parallel_map`](crate::parallel_map).
    ///
    /// ```
    /// let executor = manyhands::ParallelExecutor::default();
    /// assert_eq!(executor.map_threads(&["a", "bc"], |text| text.len())?, [1, 2]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn map_threads<T, R, F>(&self, items: &[T], function: F) -> Result<Vec<R>, Error>
    where
        F: Fn(&T) -> R,
        Threads: Mode<T, MapFn<F>>,
    {
        self.job(items).run(function)?.into_result()
    }

    /// Calls a function for each item in worker processes, and returns all values in input order. See
    /// [`Processes`](crate::Processes) for bounds and costs.
    ///
    /// # Errors
    /// As [`parallel_map`](crate::parallel_map), and when no worker process can be started.
    ///
    /// ```standalone_crate
    /// manyhands::init();
    /// let executor = manyhands::ParallelExecutor::default();
    /// assert_eq!(executor.map_processes(&[1, 2, 3], |n: &i32| n * 2).unwrap(), [2, 4, 6]);
    /// ```
    #[cfg(feature = "processes")]
    pub fn map_processes<T, R>(&self, items: &[T], function: fn(&T) -> R) -> Result<Vec<R>, Error>
    where
        Processes: Mode<T, MapFn<fn(&T) -> R>>,
    {
        self.job(items).mode(Processes::new()).run(function)?.into_result()
    }

    /// [`map_threads`](ParallelExecutor::map_threads) with a callback that gets each value and its item's index as it finishes.
    ///
    /// The callback runs in the calling thread, in no particular order. It is not called with a config that disables
    /// progress.
    ///
    /// # Errors
    /// As [`parallel_map`](crate::parallel_map).
    ///
    /// # Panics
    /// When the callback panics: its panic is raised here, once all workers are done.
    ///
    /// ```
    /// let executor = manyhands::ParallelExecutor::default();
    /// let mut seen = 0;
    /// let lengths = executor.map_with_progress(&["a", "bc"], |text| text.len(), |_index, &length| seen += length)?;
    /// assert_eq!((lengths, seen), (vec![1, 2], 3));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn map_with_progress<T, R, F, C>(&self, items: &[T], function: F, mut show: C) -> Result<Vec<R>, Error>
    where
        F: Fn(&T) -> R,
        C: FnMut(usize, &R),
        Threads: Mode<T, MapFn<F>>,
    {
        let values = std::iter::repeat_with(|| None).take(items.len()).collect::<Vec<Option<R>>>();
        let mut values = OneByOne::from(values);
        let mut first_failure: Option<ItemFailure<Never>> = None;
        let shows = self.config.enable_progress();
        let (kept, first) = (&mut values, &mut first_failure);
        self.job(items).map(function).for_each(move |index, result| {
            match result {
                Ok(value) => {
                    let value = kept[index].insert(value);
                    if shows {
                        show(index, value);
                    }
                }
                Err(failure) => {
                    if first.as_ref().is_none_or(|first| failure.index < first.index) {
                        *first = Some(failure);
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        match first_failure {
            Some(failure) => Err(Error::item(failure)),
            None => Ok(values.into_vec().into_iter().flatten().collect()),
        }
    }

    /// Runs tasks of different kinds in parallel, and returns their results in the order in which they were added.
    ///
    /// Every task runs, even when others fail. Tasks of a [`TaskSet`] run on threads, tasks of a
    /// [`ProcessTaskSet`](crate::ProcessTaskSet) in worker processes.
    ///
    /// # Errors
    /// An invalid configuration; for processes, also that no worker process can be started. Failed tasks are in the
    /// outcome, by name.
    ///
    /// ```
    /// use manyhands::{ParallelExecutor, TaskSet};
    ///
    /// fn mean(samples: &Vec<f64>) -> f64 {
    ///     samples.iter().sum::<f64>() / samples.len() as f64
    /// }
    /// fn largest(samples: &[f64; 3]) -> f64 {
    ///     samples.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    /// }
    /// let mut tasks = TaskSet::new();
    /// tasks.add("mean", mean, vec![1.0, 3.0]);
    /// tasks.add("largest", largest, [5.0, 7.0, 6.0]);
    /// let outcome = ParallelExecutor::default().submit_tasks(&tasks)?;
    /// assert_eq!(outcome.into_result()?, [2.0, 7.0]);
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn submit_tasks<S: Tasks>(&self, tasks: &S) -> Result<Outcome<S::Output>, Error> {
        tasks.run_with(self)
    }
}

/// Tasks that an executor can run: a [`TaskSet`] or a [`ProcessTaskSet`](crate::ProcessTaskSet). You cannot implement
/// it.
///
/// ```
/// use manyhands::{Error, Outcome, ParallelExecutor, TaskSet, job::Tasks};
///
/// fn run_all<S: Tasks>(tasks: &S) -> Result<Outcome<S::Output>, Error> {
///     ParallelExecutor::default().submit_tasks(tasks)
/// }
/// let mut tasks = TaskSet::new();
/// tasks.add("double", |n: &i32| n * 2, 4);
/// assert_eq!(run_all(&tasks)?.into_result()?, [8]);
/// # Ok::<(), Error>(())
/// ```
pub trait Tasks: sealed::Sealed {
    /// The value of each task.
    type Output;

    /// Runs all of them.
    #[doc(hidden)]
    fn run_with(&self, executor: &ParallelExecutor) -> Result<Outcome<Self::Output>, Error>;
}

pub(crate) mod sealed {
    #[expect(unnameable_types, reason = "a seal: no other crate adds a kind of task set")]
    pub trait Sealed {}
    impl<R> Sealed for super::TaskSet<'_, R> {}
}

impl<R: Send> Tasks for TaskSet<'_, R> {
    type Output = R;

    fn run_with(&self, executor: &ParallelExecutor) -> Result<Outcome<R>, Error> {
        executor
            .job(&self.tasks)
            .key(|task| task.name.clone())
            .on_failure(OnFailure::Continue)
            .chunk_size(1)
            .run(|task| (task.call)())
    }
}

/// Tasks of different kinds with values of one type, for threads: each has a name, a function and an argument.
///
/// [`ParallelExecutor::submit_tasks`] runs them. A set can run several times. For worker processes use
/// [`ProcessTaskSet`](crate::ProcessTaskSet).
///
/// ```
/// use manyhands::{ParallelExecutor, TaskSet};
///
/// let mut tasks = TaskSet::new();
/// tasks.add("length", |text: &String| text.len(), "abc".to_owned());
/// tasks.add("half", |n: &usize| n / 2, 10);
/// let outcome = ParallelExecutor::default().submit_tasks(&tasks)?;
/// assert_eq!(outcome.into_result()?, [3, 5]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Default)]
#[must_use = "tasks do nothing until an executor runs them"]
pub struct TaskSet<'a, R> {
    tasks: Vec<NamedTask<'a, R>>,
}

struct NamedTask<'a, R> {
    name: String,
    call: Box<dyn Fn() -> R + Send + Sync + 'a>,
}

impl<'a, R> TaskSet<'a, R> {
    /// An empty set.
    ///
    /// ```
    /// assert!(manyhands::TaskSet::<u32>::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self { tasks: Vec::new() }
    }

    /// Adds a task that calls `function(&argument)`. Failures show its name.
    ///
    /// ```
    /// let mut tasks = manyhands::TaskSet::new();
    /// tasks.add("invert", |n: &i32| 1 / n, 0);
    /// let outcome = manyhands::ParallelExecutor::default().submit_tasks(&tasks)?;
    /// assert_eq!(outcome.failures()[0].key.as_deref(), Some("invert"));
    /// # Ok::<(), manyhands::Error>(())
    /// ```
    pub fn add<A, F>(&mut self, name: impl Into<String>, function: F, argument: A)
    where
        A: Send + Sync + 'a,
        F: Fn(&A) -> R + Send + Sync + 'a,
    {
        self.tasks.push(NamedTask { name: name.into(), call: Box::new(move || function(&argument)) });
    }

    /// The number of tasks.
    ///
    /// ```
    /// let mut tasks = manyhands::TaskSet::new();
    /// tasks.add("double", |n: &i32| n * 2, 4);
    /// assert_eq!(tasks.len(), 1);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// True when there are no tasks.
    ///
    /// ```
    /// assert!(manyhands::TaskSet::<()>::new().is_empty());
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

impl<R> fmt::Debug for TaskSet<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.tasks.iter().map(|task| &task.name)).finish()
    }
}
