//! [`ProcessTaskSet`]: tasks of different kinds for worker processes. A task is sent as the addresses of its functions and the
//! bytes of its argument; its counterpart for threads is in `executor.rs`.

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

/// Tasks of different kinds with values of one type, for worker processes: each has a name, a function that captures
/// nothing, and an argument that is a serde type.
///
/// [`ParallelExecutor::submit_tasks`] runs them. Cost: each task's argument and value are encoded and decoded.
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
/// A function that captures a variable is a compile error:
///
/// ```compile_fail,E0308
/// let factor = 3;
/// manyhands::ProcessTaskSet::new().add("captures", move |n: &i32| n * factor, 7); // pass (7, factor) as the argument
/// ```
#[must_use = "tasks do nothing until an executor runs them"]
pub struct ProcessTaskSet<R> {
    tasks: Vec<NamedTask<R>>,
    mode: Processes,
}

impl<R> Default for ProcessTaskSet<R> {
    fn default() -> Self {
        Self { tasks: Vec::new(), mode: Processes::new() }
    }
}

impl<R: 'static> ProcessTaskSet<R> {
    /// An empty set.
    ///
    /// ```
    /// assert!(manyhands::ProcessTaskSet::<u32>::new().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// The mode in which the tasks run, for example with limits.
    ///
    /// ```
    /// use manyhands::{ProcessTaskSet, Processes};
    /// let tasks: ProcessTaskSet<f64> = ProcessTaskSet::new().mode(Processes::new().at_most_once());
    /// assert!(tasks.is_empty());
    /// ```
    pub fn mode(self, mode: Processes) -> Self {
        Self { mode, ..self }
    }

    /// Adds a task that calls `function(&argument)`. Failures show its name. The function is a plain function, or a
    /// closure that captures nothing.
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
        self.tasks.push(NamedTask { name: name.into(), call: Box::new(Call { function, argument }) });
    }

    /// The number of tasks.
    ///
    /// ```
    /// assert_eq!(manyhands::ProcessTaskSet::<u32>::new().len(), 0);
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// True when there are no tasks.
    ///
    /// ```
    /// assert!(manyhands::ProcessTaskSet::<u32>::new().is_empty());
    /// ```
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

/// One task. It is sent as a [`PackedTask`].
struct NamedTask<R> {
    name: String,
    call: Box<dyn Portable<R>>,
}

/// A function and its argument, with their types erased.
trait Portable<R>: Send + Sync {
    /// Calls the function.
    fn call(&self) -> R;
    /// The form in which a worker receives the task.
    fn pack(&self) -> Result<PackedTask, String>;
}

/// A task as it is sent: the address of `unpack` for its types, the address of its function, and its argument's bytes.
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

/// Rebuilds a task in the worker.
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
        let name = |address| FunctionName::of(address, fingerprint::<(A, R)>()).map_err(|error| error.to_string());
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
        return Err("the function at this address has other types than the task".to_owned());
    }
    let argument = postcard::from_bytes(&packed.argument).map_err(|error| error.to_string())?;
    let place = packed.function.place()?;
    // SAFETY: `pack` took the address of a function of this type in the same executable, together with that of this `unpack`,
    // whose types are the same.
    let function = unsafe { std::mem::transmute::<*const (), fn(&A) -> R>(place) };
    Ok(Box::new(Call { function, argument }))
}

impl<R> Serialize for NamedTask<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let packed = self.call.pack().map_err(S::Error::custom)?;
        (&self.name, packed).serialize(serializer)
    }
}

impl<'de, R: 'static> Deserialize<'de> for NamedTask<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (name, packed) = <(String, PackedTask)>::deserialize(deserializer)?;
        let place = packed.unpack.place().map_err(D::Error::custom)?;
        // SAFETY: `pack` took the address of a function of this type, for the same `R`: the call that carries the task has checked
        // the types. The worker checked in its handshake that the executable is the same.
        let unpack = unsafe { std::mem::transmute::<*const (), Unpack<R>>(place) };
        Ok(Self { name, call: unpack(&packed).map_err(D::Error::custom)? })
    }
}
