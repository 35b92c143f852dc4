//! A token that asks running work to stop. Holds no threads and no signal handlers.

use crate::sync::{Arc, AtomicBool, Ordering};

/// Asks every run that it was given to, to stop: items in hand finish, nothing new starts.
///
/// Clones are the same token. A child is cancelled with its parent, and can be cancelled alone.
///
/// # Concurrency
/// Any thread may cancel and ask, at any time; neither blocks. Asking costs one relaxed load per generation.
///
/// ```
/// use manyhands::{CancelToken, Job};
///
/// let token = CancelToken::new();
/// token.cancel();
/// let outcome = Job::new(&[1, 2, 3]).cancel(&token).run(|n| n * 2)?;
/// assert_eq!(outcome.unfinished().count(), 3);
/// # Ok::<(), manyhands::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CancelToken {
    generation: Arc<Generation>,
}

#[derive(Debug, Default)]
struct Generation {
    cancelled: AtomicBool,
    parent: Option<Arc<Generation>>,
}

impl CancelToken {
    /// A token that is not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A token that is cancelled with this one, and whose own cancellation leaves this one as it is.
    ///
    /// ```
    /// let night = manyhands::CancelToken::new();
    /// let subject = night.child();
    /// subject.cancel();
    /// assert!(subject.is_cancelled() && !night.is_cancelled());
    /// ```
    #[must_use]
    pub fn child(&self) -> Self {
        let parent = Some(Arc::clone(&self.generation));
        Self { generation: Arc::new(Generation { cancelled: AtomicBool::new(false), parent }) }
    }

    /// Asks for the stop. Asking again changes nothing.
    pub fn cancel(&self) {
        // Relaxed: the flag hands over no data; a worker that sees it an item later is as good.
        self.generation.cancelled.store(true, Ordering::Relaxed);
    }

    /// True once this token or one that it descends from was cancelled.
    #[must_use]
    #[inline] // Asked before each item, from code that is compiled in the caller's crate.
    pub fn is_cancelled(&self) -> bool {
        let mut next = Some(&self.generation);
        while let Some(generation) = next {
            // Relaxed: see `cancel`.
            if generation.cancelled.load(Ordering::Relaxed) {
                return true;
            }
            next = generation.parent.as_ref();
        }
        false
    }
}
