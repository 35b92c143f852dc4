//! Tasks that a worker process can run: their functions are `fn` pointers, so only an address is sent.
//!
//! A closure without captures coerces to a pointer. One that captures a variable does not, and the compiler names the
//! variable. A pointer holds no captured value, not even one of size zero, so a safe program cannot send a value to a
//! worker in this way. How the address is sent and checked is left to `process/`; a worker runs the same executable.

use std::fmt;
use std::mem::transmute;
use std::ops::Deref;
use std::ptr::null;

use crate::backend::task::{
    Context, Init, MapFn, NoContext, OwnedFn, Shared, SharedOf, StateOf, Task, TryInit, TryMapFn, TryOwnedFn,
    WorkerState,
};

/// A task that worker processes can run: its function, and the one that makes a worker's state, are `fn` pointers.
/// Sealed.
///
/// `Processes` and [`AnyMode`](crate::AnyMode) have this bound. A plain function and a closure without captures coerce
/// to a pointer where the job's mode is set before its function. Elsewhere write `function as fn(&_) -> _`. A call
/// through a pointer is not inlined, which costs a few nanoseconds per item.
///
/// ```
/// use manyhands::job::{MapFn, ProcessTask};
/// use manyhands::{AnyMode, Job};
///
/// fn needs_process_task<K: ProcessTask<u32>>() -> bool {
///     true
/// }
/// assert!(needs_process_task::<MapFn<fn(&u32) -> u32>>());
///
/// let squares = Job::new(&[2_u32, 3]).mode(AnyMode::Serial).run(|n| n * n)?.into_result()?; // the closure coerces
/// assert_eq!(squares, [4, 9]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "worker processes cannot run `{Self}`: its function is no `fn` pointer",
    label = "needs a plain function, or a closure that captures nothing",
    note = "set the mode before `worker_state` and `map`, or write `function as fn(&_) -> _`",
    note = "pass what the function needs with `.shared(&value)`; for `AnyMode` without processes use `LocalMode`"
)]
pub trait ProcessTask<T>: Task<T, Context: ProcessContext> {
    /// The address of the function, valid in every process of this executable.
    #[doc(hidden)]
    fn address(&self) -> *const ();

    /// Calls the function at an address.
    ///
    /// # Safety
    /// [`address`](ProcessTask::address) gave this address in a process that runs the same executable, for a task of this
    /// very type.
    #[doc(hidden)]
    unsafe fn call_at(
        address: *const (),
        shared: &SharedOf<T, Self>,
        state: &mut StateOf<T, Self>,
        item: &T,
    ) -> Result<Self::Output, Self::Error>;
}

/// A context that worker processes can prepare: a `fn` pointer makes a worker's state. Sealed.
///
/// [`NoContext`] and [`Shared`] always are such contexts. A shared value is sent to each worker once per call.
///
/// ```
/// use manyhands::{AnyMode, Job};
///
/// let job = Job::new(&[1_u64, 2]).mode(AnyMode::Serial).worker_state(|| vec![0_u64; 4]); // no captures: coerces
/// let values = job.run(|buffer, n| buffer.len() as u64 * n)?.into_result()?;
/// assert_eq!(values, [4, 8]);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "worker processes cannot prepare `{Self}`: its function is no `fn` pointer",
    label = "the function that makes a worker's state must be a plain function, or a closure that captures nothing",
    note = "set the mode before `worker_state`, or write `.worker_state(init as fn() -> _)`"
)]
pub trait ProcessContext: Context {
    /// The address of the function that makes a worker's state; null when there is none.
    #[doc(hidden)]
    fn init_address(&self) -> *const ();

    /// Makes a worker's state with the function at an address.
    ///
    /// # Safety
    /// [`init_address`](ProcessContext::init_address) gave this address in a process that runs the same executable, for a
    /// context of this very type.
    #[doc(hidden)]
    unsafe fn make_state_at(address: *const (), shared: &Self::Shared) -> Result<Self::State, String>;
}

impl ProcessContext for NoContext {
    fn init_address(&self) -> *const () {
        null()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn make_state_at(_: *const (), (): &()) -> Result<(), String> {
        Ok(())
    }
}

impl<D: Deref> ProcessContext for Shared<D> {
    fn init_address(&self) -> *const () {
        null()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn make_state_at(_: *const (), _: &D::Target) -> Result<(), String> {
        Ok(())
    }
}

impl<S> ProcessContext for WorkerState<NoContext, Init<fn() -> S>> {
    fn init_address(&self) -> *const () {
        self.init.0 as *const ()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn make_state_at(address: *const (), (): &()) -> Result<S, String> {
        // SAFETY: the caller guarantees that the address is that of a function of this type.
        let init = unsafe { transmute::<*const (), fn() -> S>(address) };
        Ok(init())
    }
}

impl<S, E: fmt::Display> ProcessContext for WorkerState<NoContext, TryInit<fn() -> Result<S, E>>> {
    fn init_address(&self) -> *const () {
        self.init.0 as *const ()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn make_state_at(address: *const (), (): &()) -> Result<S, String> {
        // SAFETY: the caller guarantees that the address is that of a function of this type.
        let init = unsafe { transmute::<*const (), fn() -> Result<S, E>>(address) };
        init().map_err(|error| format!("{error:#}"))
    }
}

impl<D: Deref, S> ProcessContext for WorkerState<Shared<D>, Init<fn(&D::Target) -> S>> {
    fn init_address(&self) -> *const () {
        self.init.0 as *const ()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn make_state_at(address: *const (), shared: &D::Target) -> Result<S, String> {
        // SAFETY: the caller guarantees that the address is that of a function of this type.
        let init = unsafe { transmute::<*const (), fn(&D::Target) -> S>(address) };
        Ok(init(shared))
    }
}

impl<D: Deref, S, E: fmt::Display> ProcessContext for WorkerState<Shared<D>, TryInit<fn(&D::Target) -> Result<S, E>>> {
    fn init_address(&self) -> *const () {
        self.init.0 as *const ()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn make_state_at(address: *const (), shared: &D::Target) -> Result<S, String> {
        // SAFETY: the caller guarantees that the address is that of a function of this type.
        let init = unsafe { transmute::<*const (), fn(&D::Target) -> Result<S, E>>(address) };
        init(shared).map_err(|error| format!("{error:#}"))
    }
}

impl<T, R> ProcessTask<T> for MapFn<fn(&T) -> R> {
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn call_at(address: *const (), (): &(), (): &mut (), item: &T) -> Result<R, Self::Error> {
        // SAFETY: the caller guarantees that the address is that of a function of this type.
        let function = unsafe { transmute::<*const (), fn(&T) -> R>(address) };
        Ok(function(item))
    }
}

impl<T, R, E> ProcessTask<T> for TryMapFn<fn(&T) -> Result<R, E>> {
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn call_at(address: *const (), (): &(), (): &mut (), item: &T) -> Result<R, E> {
        // SAFETY: the caller guarantees that the address is that of a function of this type.
        let function = unsafe { transmute::<*const (), fn(&T) -> Result<R, E>>(address) };
        function(item)
    }
}

impl<T, D: Deref, R> ProcessTask<T> for MapFn<fn(&D::Target, &T) -> R, Shared<D>> {
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn call_at(
        address: *const (),
        shared: &D::Target,
        (): &mut (),
        item: &T,
    ) -> Result<R, <Self as Task<T>>::Error> {
        // SAFETY: the caller guarantees that the address is that of a function of this type.
        let function = unsafe { transmute::<*const (), fn(&D::Target, &T) -> R>(address) };
        Ok(function(shared, item))
    }
}

impl<T, D: Deref, R, E> ProcessTask<T> for TryMapFn<fn(&D::Target, &T) -> Result<R, E>, Shared<D>> {
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn call_at(address: *const (), shared: &D::Target, (): &mut (), item: &T) -> Result<R, E> {
        // SAFETY: the caller guarantees that the address is that of a function of this type.
        let function = unsafe { transmute::<*const (), fn(&D::Target, &T) -> Result<R, E>>(address) };
        function(shared, item)
    }
}

impl<T, S, C, I, R> ProcessTask<T> for MapFn<fn(&mut S, &T) -> R, WorkerState<C, I>>
where
    WorkerState<C, I>: ProcessContext + Context<State = S>,
{
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn call_at(
        address: *const (),
        _: &SharedOf<T, Self>,
        state: &mut S,
        item: &T,
    ) -> Result<R, <Self as Task<T>>::Error> {
        // SAFETY: the caller guarantees that the address is that of a function of this type.
        let function = unsafe { transmute::<*const (), fn(&mut S, &T) -> R>(address) };
        Ok(function(state, item))
    }
}

impl<T, S, C, I, R, E> ProcessTask<T> for TryMapFn<fn(&mut S, &T) -> Result<R, E>, WorkerState<C, I>>
where
    WorkerState<C, I>: ProcessContext + Context<State = S>,
{
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller fulfils the requirements of the trait.
    unsafe fn call_at(address: *const (), _: &SharedOf<T, Self>, state: &mut S, item: &T) -> Result<R, E> {
        // SAFETY: the caller guarantees that the address is that of a function of this type.
        let function = unsafe { transmute::<*const (), fn(&mut S, &T) -> Result<R, E>>(address) };
        function(state, item)
    }
}

impl<T: Clone, R> ProcessTask<T> for OwnedFn<fn(T) -> R> {
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn call_at(address: *const (), (): &(), (): &mut (), item: &T) -> Result<R, <Self as Task<T>>::Error> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let function = unsafe { transmute::<*const (), fn(T) -> R>(address) };
        Ok(function(item.clone()))
    }
}

impl<T: Clone, R, E> ProcessTask<T> for TryOwnedFn<fn(T) -> Result<R, E>> {
    fn address(&self) -> *const () {
        self.function as *const ()
    }

    // SAFETY: the caller keeps the promise that the trait asks for.
    unsafe fn call_at(address: *const (), (): &(), (): &mut (), item: &T) -> Result<R, E> {
        // SAFETY: the caller promises that a function of this type lies at the address.
        let function = unsafe { transmute::<*const (), fn(T) -> Result<R, E>>(address) };
        function(item.clone())
    }
}
