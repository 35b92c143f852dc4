//! Tasks of unlike kinds for worker processes: each a name, a function that captures nothing, and its argument.

use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::backend::process::processes::Processes;
use crate::backend::process::{FunctionName, fingerprint};
use crate::backend::task::Detached;
use crate::error::Error;
use crate::job::executor::{ParallelExecutor, Tasks, sealed};
use crate::job::on_failure::OnFailure;
use crate::outcome::Outcome;

/// Tasks of unlike kinds with answers of one type, for worker processes: each a name, a function that captures nothing, and an
/// argument that is a serde type. Run by [`ParallelExecutor::submit_tasks`].
///
/// ```standalone_crate
/// use manyhands::{ParallelExecutor, ProcessTaskSet};
///
/// fn mean(samples: &Vec<f64>) -> f64 {
///     samples.iter().sum::<f64>() / samples.len() as f64
/// }
/// fn length(text: &String) -> f64 {
///     text.len() as f64
/// }
///
/// manyhands::init();
/// let mut tasks = ProcessTaskSet::new();
/// tasks.add("mean", mean, vec![1.0, 3.0]);
/// tasks.add("length", length, "abc".to_owned());
/// let outcome = ParallelExecutor::default().submit_tasks(&tasks).unwrap();
/// assert_eq!(outcome.into_values().unwrap(), [2.0, 3.0]);
/// ```
///
/// ```compile_fail,E0080
/// let factor = 3;
/// manyhands::ProcessTaskSet::new().add("captures", move |n: &i32| n * factor, 7); // pass (7, factor) as the argument
/// ```
pub struct ProcessTaskSet<R> {
    tasks: Vec<ProcessTask<R>>,
    mode: Processes,
}

impl<R> Default for ProcessTaskSet<R> {
    fn default() -> Self {
        Self { tasks: Vec::new(), mode: Processes::new() }
    }
}

impl<R: 'static> ProcessTaskSet<R> {
    /// No tasks yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How the tasks run, with limits if there are to be some.
    ///
    /// ```
    /// use manyhands::{ProcessTaskSet, Processes};
    /// let tasks: ProcessTaskSet<f64> = ProcessTaskSet::new().mode(Processes::new().at_most_once());
    /// assert!(tasks.is_empty());
    /// ```
    #[must_use]
    pub fn mode(self, mode: Processes) -> Self {
        Self { mode, ..self }
    }

    /// Adds a task: `function(&argument)`, called `name` in failures. A function that captures values fails the build.
    pub fn add<A, F>(&mut self, name: impl Into<String>, function: F, argument: A)
    where
        A: Serialize + DeserializeOwned + Send + Sync + 'static,
        F: Fn(&A) -> R + Send + Sync + 'static,
    {
        const {
            assert!(
                size_of::<F>() == 0,
                "a task for another process must capture nothing and be no pointer: name the function itself, and pass what it needs in its argument"
            );
        }
        let name = name.into();
        self.tasks.push(ProcessTask {
            name,
            work: Box::new(Work { function: ManuallyDrop::new(function), argument, answer: PhantomData }),
        });
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

impl<R> fmt::Debug for ProcessTaskSet<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.tasks.iter().map(|task| &task.name)).finish()
    }
}

impl<R> sealed::Sealed for ProcessTaskSet<R> {}

impl<R: Serialize + DeserializeOwned + Send + 'static> Tasks for ProcessTaskSet<R> {
    type Answer = R;

    fn run_with(&self, executor: &ParallelExecutor) -> Result<Outcome<R>, Error> {
        executor
            .job(&self.tasks)
            .mode(self.mode)
            .key(|task| task.name.clone())
            .on_failure(OnFailure::Continue)
            .chunk_size(1)
            .run(|task: &ProcessTask<R>| task.work.call())
    }
}

/// One task. It travels as the place of its maker and its argument's bytes.
struct ProcessTask<R> {
    name: String,
    work: Box<dyn Portable<R>>,
}

/// A function and its argument, whatever their types.
trait Portable<R>: Send + Sync {
    fn call(&self) -> R;
    /// Where the other process finds how to make it anew, and what of.
    fn pack(&self) -> Result<(FunctionName, Vec<u8>), String>;
}

struct Work<A, F, R> {
    /// Of size zero, and in a worker made anew, so never dropped.
    function: ManuallyDrop<F>,
    argument: A,
    answer: PhantomData<fn() -> R>,
}

/// Makes a task of its argument's bytes, and of the fingerprint that it must have.
type Unpack<R> = fn(&FunctionName, &[u8]) -> Result<Box<dyn Portable<R>>, String>;

impl<A, F, R> Portable<R> for Work<A, F, R>
where
    A: Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(&A) -> R + Send + Sync + 'static,
    R: 'static,
{
    fn call(&self) -> R {
        (self.function)(&self.argument)
    }

    fn pack(&self) -> Result<(FunctionName, Vec<u8>), String> {
        let unpack: Unpack<R> = unpack::<A, F, R>;
        let name = FunctionName::of(unpack as *const (), fingerprint::<(A, F, R)>())?;
        let argument = postcard::to_stdvec(&self.argument).map_err(|error| error.to_string())?;
        Ok((name, argument))
    }
}

fn unpack<A, F, R>(name: &FunctionName, argument: &[u8]) -> Result<Box<dyn Portable<R>>, String>
where
    A: Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(&A) -> R + Send + Sync + 'static,
    R: 'static,
{
    if !name.has_fingerprint(fingerprint::<(A, F, R)>()) {
        return Err("another task than the one that was named lies at its place".to_owned());
    }
    let argument = postcard::from_bytes(argument).map_err(|error| error.to_string())?;
    // SAFETY: the function was given to `ProcessTaskSet::add` in this program, which let none pass that captures values.
    let function = unsafe { Detached::leave() }.function::<F>();
    Ok(Box::new(Work { function, argument, answer: PhantomData }))
}

impl<R> Serialize for ProcessTask<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (function, argument) = self.work.pack().map_err(S::Error::custom)?;
        (&self.name, function, argument).serialize(serializer)
    }
}

impl<'de, R: 'static> Deserialize<'de> for ProcessTask<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, function, argument) = <(String, FunctionName, Vec<u8>)>::deserialize(deserializer)?;
        let place = function.place().map_err(D::Error::custom)?;
        // SAFETY: the place was taken from a function of this type in `pack`, for the same answers `R`: the call that the task
        // travels with has matched them. That the executable is the same was seen when the worker was welcomed.
        let unpack = unsafe { std::mem::transmute::<*const (), Unpack<R>>(place) };
        Ok(Self { name, work: unpack(&function, &argument).map_err(D::Error::custom)? })
    }
}
