//! An executor: a config that many calls share.

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
use std::sync::Arc;

/// Runs calls under one config, whatever the process-wide one says. The threads are the process's kept ones.
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
    #[must_use]
    pub fn new(config: ParallelConfig) -> Self {
        Self { config: Arc::new(config) }
    }

    /// The config that every call of this executor uses.
    #[must_use]
    pub fn config(&self) -> &ParallelConfig {
        &self.config
    }

    /// A [`Job`] under this executor's config.
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

    /// Calls a function for each item on threads, and gives all answers in input order.
    ///
    /// # Errors
    /// As [`parallel_map`](crate::parallel_map).
    pub fn map_threads<T, R, F>(&self, items: &[T], function: F) -> Result<Vec<R>, Error>
    where
        F: Fn(&T) -> R,
        Threads: Mode<T, MapFn<F>>,
    {
        self.job(items).run(function)?.into_result()
    }

    /// Calls a function for each item in processes of their own, and gives all answers in input order; see
    /// [`Processes`](crate::Processes).
    ///
    /// # Errors
    /// As [`parallel_map`](crate::parallel_map), and when no worker can be had.
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

    /// [`map_threads`](ParallelExecutor::map_threads) that shows each answer, with its item's index, as it is finished;
    /// in the calling thread, in no certain order. A config without progress shows none.
    ///
    /// # Errors
    /// As [`parallel_map`](crate::parallel_map).
    ///
    /// # Panics
    /// When the callback panics: its panic goes on here, once all workers are done.
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
        let mut answers: Vec<Option<R>> = std::iter::repeat_with(|| None).take(items.len()).collect();
        let mut first_failure: Option<ItemFailure<Never>> = None;
        let shows = self.config.enable_progress()?;
        self.job(items).map(function).for_each(|index, answer| {
            match answer {
                Ok(value) => {
                    if shows {
                        show(index, &value);
                    }
                    answers[index] = Some(value);
                }
                Err(failure) => {
                    if first_failure.as_ref().is_none_or(|first| failure.index < first.index) {
                        first_failure = Some(failure);
                    }
                }
            }
            ControlFlow::Continue(())
        })?;
        match first_failure {
            Some(failure) => Err(Error::item(failure)),
            None => Ok(answers.into_iter().flatten().collect()),
        }
    }

    /// Runs tasks of unlike kinds side by side; gives their answers in the order in which they were added. Every task is run,
    /// whatever becomes of the others. Those of a [`TaskSet`] run on threads, those of a
    /// [`ProcessTaskSet`](crate::ProcessTaskSet) in processes of their own.
    ///
    /// # Errors
    /// A configuration that cannot be, and for processes that no worker can be had. Failed tasks are in the outcome, by name.
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

/// Tasks that an executor can run: a [`TaskSet`] or a [`ProcessTaskSet`](crate::ProcessTaskSet).
pub trait Tasks: sealed::Sealed {
    /// What each of them gives.
    type Output;

    /// Runs all of them.
    #[doc(hidden)]
    fn run_with(&self, executor: &ParallelExecutor) -> Result<Outcome<Self::Output>, Error>;
}

pub(crate) mod sealed {
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

/// Tasks of unlike kinds with answers of one type: each a name, a function and its argument.
#[derive(Default)]
pub struct TaskSet<'a, R> {
    tasks: Vec<NamedTask<'a, R>>,
}

struct NamedTask<'a, R> {
    name: String,
    call: Box<dyn Fn() -> R + Send + Sync + 'a>,
}

impl<'a, R> TaskSet<'a, R> {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self { tasks: Vec::new() }
    }

    /// Adds a task: `function(&argument)`, called `name` in failures.
    pub fn add<A, F>(&mut self, name: impl Into<String>, function: F, argument: A)
    where
        A: Send + Sync + 'a,
        F: Fn(&A) -> R + Send + Sync + 'a,
    {
        self.tasks.push(NamedTask { name: name.into(), call: Box::new(move || function(&argument)) });
    }

    /// The number of tasks.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// True when there are no tasks.
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
