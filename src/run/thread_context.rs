//! The state of a thread that a run depends on, for another thread that works for it.
//!
//! Promise: the thread of a stream and the one that reads an iterator see the config, the worker status, the cache
//! computations and the `tracing` span of the thread that started them, so code of the caller behaves there as it does in
//! that thread.

use crate::backend::thread_pool;
use crate::config::{self, ParallelConfig, override_parallel_config};
use crate::primitives::compute_context::{self, Computation};
use std::sync::Arc;

/// The context of a thread.
#[derive(Clone)]
pub(crate) struct ThreadContext {
    config: ParallelConfig,
    /// Whether the thread runs an item of another call. A nested call shares the workers of the outer one.
    is_worker_thread: bool,
    /// What the thread computes for a cache. An item that asks for the same key would wait for itself.
    computations: Vec<Arc<Computation>>,
    subscriber: tracing::Dispatch,
    span: tracing::Span,
}

impl ThreadContext {
    /// The context of the calling thread.
    pub(crate) fn here() -> Self {
        Self {
            config: config::parallel_config(),
            is_worker_thread: thread_pool::is_worker_thread(),
            computations: compute_context::current(),
            subscriber: tracing::dispatcher::get_default(Clone::clone),
            span: tracing::Span::current(),
        }
    }

    /// Runs work in this context.
    pub(crate) fn scope<A>(self, work: impl FnOnce() -> A) -> A {
        let _config = override_parallel_config(self.config);
        let _computations = compute_context::work_for_also(&self.computations);
        let work = || thread_pool::marked(self.is_worker_thread, work);
        tracing::dispatcher::with_default(&self.subscriber, || self.span.in_scope(work))
    }
}
