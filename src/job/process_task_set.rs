//! Tasks of unlike kinds for worker processes: each a name, a function that captures nothing, and its argument.

use std::fmt;

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::backend::process::processes::Processes;
use crate::backend::process::{FunctionName, fingerprint};
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
/// assert_eq!(outcome.into_result().unwrap(), [2.0, 3.0]);
/// ```
///
/// ```compile_fail,E0308
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

    /// Adds a task: `function(&argument)`, called `name` in failures. The function is a plain one, or a closure that captures
    /// nothing.
    ///
    /// ```
    /// use manyhands::ProcessTaskSet;
    /// let mut tasks = ProcessTaskSet::new();
    /// tasks.add("double", |n: &i32| n * 2, 7);
    /// assert_eq!(tasks.len(), 1);
    /// ```
    pub fn add<A>(&mut self, name: impl Into<String>, function: fn(&A) -> R, argument: A)
    where
        A: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.tasks.push(ProcessTask { name: name.into(), call: Box::new(Call { function, argument }) });
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
    type Output = R;

    fn run_with(&self, executor: &ParallelExecutor) -> Result<Outcome<R>, Error> {
        executor
            .job(&self.tasks)
            .mode(self.mode)
            .key(|task| task.name.clone())
            .on_failure(OnFailure::Continue)
            .chunk_size(1)
            .run(|task| task.call.call())
    }
}

/// One task. It travels as the place of its maker and its argument's bytes.
struct ProcessTask<R> {
    name: String,
    call: Box<dyn Portable<R>>,
}

/// A function and its argument, whatever their types.
trait Portable<R>: Send + Sync {
    fn call(&self) -> R;
    /// What the worker makes the task of.
    fn pack(&self) -> Result<PackedTask, String>;
}

/// A task as it travels: where `unpack` for its types lies, where its function lies, and its argument's bytes.
#[derive(Serialize, Deserialize)]
struct PackedTask {
    unpack: FunctionName,
    function: FunctionName,
    argument: Vec<u8>,
}

struct Call<A, R> {
    function: fn(&A) -> R,
    argument: A,
}

/// Makes a task of what travelled.
type Unpack<R> = fn(&PackedTask) -> Result<Box<dyn Portable<R>>, String>;

impl<A, R> Portable<R> for Call<A, R>
where
    A: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: 'static,
{
    fn call(&self) -> R {
        (self.function)(&self.argument)
    }

    fn pack(&self) -> Result<PackedTask, String> {
        let unpack: Unpack<R> = unpack::<A, R>;
        let name = |address| FunctionName::of(address, fingerprint::<(A, R)>());
        Ok(PackedTask {
            unpack: name(unpack as *const ())?,
            function: name(self.function as *const ())?,
            argument: postcard::to_stdvec(&self.argument).map_err(|error| error.to_string())?,
        })
    }
}

fn unpack<A, R>(packed: &PackedTask) -> Result<Box<dyn Portable<R>>, String>
where
    A: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: 'static,
{
    if !packed.unpack.has_fingerprint(fingerprint::<(A, R)>()) {
        return Err("another task than the one that was named lies at its place".to_owned());
    }
    let argument = postcard::from_bytes(&packed.argument).map_err(|error| error.to_string())?;
    let place = packed.function.place()?;
    // SAFETY: `pack` took the place of a function of this type in the same executable, together with that of this `unpack`,
    // whose types are the same.
    let function = unsafe { std::mem::transmute::<*const (), fn(&A) -> R>(place) };
    Ok(Box::new(Call { function, argument }))
}

impl<R> Serialize for ProcessTask<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let packed = self.call.pack().map_err(S::Error::custom)?;
        (&self.name, packed).serialize(serializer)
    }
}

impl<'de, R: 'static> Deserialize<'de> for ProcessTask<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, packed) = <(String, PackedTask)>::deserialize(deserializer)?;
        let place = packed.unpack.place().map_err(D::Error::custom)?;
        // SAFETY: `pack` took the place of a function of this type, for the same `R`: the call that the task travels with has
        // matched them. The worker saw that the executable is the same when it was greeted.
        let unpack = unsafe { std::mem::transmute::<*const (), Unpack<R>>(place) };
        Ok(Self { name, call: unpack(&packed).map_err(D::Error::custom)? })
    }
}
