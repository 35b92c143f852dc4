//! A cell for a value that a locking protocol guards: std's, or loom's, which fails the model when an access is not
//! ordered after the one before it. The lock in `primitives/lock/raw.rs` holds its value in one.

#[cfg(manyhands_loom)]
use loom::cell::UnsafeCell as InnerUnsafeCell;
#[cfg(not(manyhands_loom))]
use std::cell::UnsafeCell as InnerUnsafeCell;

use crate::sync::backend::const_unless_modelled;

/// A value that a locking protocol guards. Build a lock of your own around it.
///
/// With loom an access that is not ordered after the one before it fails the model. The check is made at the moment of
/// the call; how long the reference lives is not checked.
///
/// ```
/// use manyhands::sync::{AtomicBool, Ordering, UnsafeCell};
///
/// /// A value that is put in once and then may be looked at.
/// struct Once(UnsafeCell<Option<u32>>, AtomicBool);
/// let once = Once(UnsafeCell::new(None), AtomicBool::new(false));
/// // SAFETY: no other thread has the value yet.
/// unsafe { *once.0.exclusive() = Some(5) };
/// once.1.store(true, Ordering::Release);
/// if once.1.load(Ordering::Acquire) {
///     // SAFETY: the value was put in before the flag was set, and is not changed any more.
///     assert_eq!(unsafe { *once.0.shared() }, Some(5));
/// }
/// ```
#[derive(Debug)]
pub struct UnsafeCell<T: ?Sized>(InnerUnsafeCell<T>);

impl<T> UnsafeCell<T> {
    const_unless_modelled! {
        /// A cell around a value.
        ///
        /// ```
        /// use manyhands::sync::UnsafeCell;
        ///
        /// let cell = UnsafeCell::new(5);
        /// assert_eq!(cell.into_inner(), 5);
        /// ```
        pub fn new(value: T) -> Self {
            Self(InnerUnsafeCell::new(value))
        }
    }

    /// The value. The cell is owned, so no reference to it is alive.
    ///
    /// ```
    /// use manyhands::sync::UnsafeCell;
    ///
    /// let cell = UnsafeCell::new(vec![1]);
    /// // SAFETY: no other thread has the cell, and no reference to its value is alive.
    /// unsafe { cell.exclusive().push(2) };
    /// assert_eq!(cell.into_inner(), [1, 2]);
    /// ```
    pub fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

#[cfg(not(manyhands_loom))]
impl<T: ?Sized> UnsafeCell<T> {
    /// The value to read.
    ///
    /// # Safety
    /// The value must not be changed while the reference lives.
    ///
    /// ```
    /// use manyhands::sync::UnsafeCell;
    ///
    /// let cell = UnsafeCell::new([1, 2]);
    /// // SAFETY: no other thread has the cell, and this one does not change the value.
    /// let (first, second) = unsafe { (cell.shared(), cell.shared()) };
    /// assert_eq!(first, second);
    /// ```
    #[inline]
    pub unsafe fn shared(&self) -> &T {
        // SAFETY: the caller's promise.
        unsafe { &*self.0.get() }
    }

    /// The value to change.
    ///
    /// # Safety
    /// There must be no other reference to the value while this one lives.
    ///
    /// A lock that spins, in full:
    ///
    /// ```
    /// use manyhands::sync::{AtomicBool, Ordering, UnsafeCell, yield_now};
    ///
    /// struct SpinLock {
    ///     is_taken: AtomicBool,
    ///     total: UnsafeCell<u64>,
    /// }
    ///
    /// // SAFETY: `add` is the only access to the value, and admits one thread at a time.
    /// unsafe impl Sync for SpinLock {}
    ///
    /// impl SpinLock {
    ///     fn add(&self, n: u64) {
    ///         while self.is_taken.swap(true, Ordering::Acquire) {
    ///             yield_now();
    ///         }
    ///         // SAFETY: this thread has set the flag, so no other thread has a reference to the value.
    ///         unsafe { *self.total.exclusive() += n };
    ///         self.is_taken.store(false, Ordering::Release);
    ///     }
    /// }
    ///
    /// let lock = SpinLock { is_taken: AtomicBool::new(false), total: UnsafeCell::new(0) };
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| lock.add(1));
    ///     scope.spawn(|| lock.add(2));
    /// });
    /// assert_eq!(lock.total.into_inner(), 3);
    /// ```
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "that is what the cell is for")]
    pub unsafe fn exclusive(&self) -> &mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0.get() }
    }
}

#[cfg(manyhands_loom)]
impl<T: ?Sized> UnsafeCell<T> {
    /// The value to read.
    ///
    /// # Safety
    /// The value must not be changed while the reference lives.
    pub unsafe fn shared(&self) -> &T {
        // SAFETY: the caller's promise, checked by loom as far as the moment of this access.
        self.0.with(|value| unsafe { &*value })
    }

    /// The value to change.
    ///
    /// # Safety
    /// There must be no other reference to the value while this one lives.
    pub unsafe fn exclusive(&self) -> &mut T {
        // SAFETY: the caller's promise, checked by loom as far as the moment of this access.
        self.0.with_mut(|value| unsafe { &mut *value })
    }
}
