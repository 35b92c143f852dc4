//! The traits that both public locks and their guards implement alike.

/// `Default`, `From` and `Debug` of a lock, and `Deref` and `Debug` of its guards. Each forwards to the raw lock
/// inside.
macro_rules! lock_traits {
    ($lock:ident, $read:ident, $write:ident) => {
        impl<T: Default> Default for $lock<T> {
            /// A lock around the type's default value.
            fn default() -> Self {
                Self::new(T::default())
            }
        }

        impl<T> From<T> for $lock<T> {
            /// A lock around this value.
            fn from(value: T) -> Self {
                Self::new(value)
            }
        }

        /// Shows the value, unless a writer is inside or waiting; never waits.
        impl<T: ?Sized + fmt::Debug> fmt::Debug for $lock<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut shown = f.debug_struct(stringify!($lock));
                match self.try_read() {
                    Some(value) => shown.field("value", &&*value).finish(),
                    None => shown.finish_non_exhaustive(),
                }
            }
        }

        impl<T: ?Sized> Deref for $read<'_, T> {
            type Target = T;
            #[inline]
            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T: ?Sized> Deref for $write<'_, T> {
            type Target = T;
            #[inline]
            fn deref(&self) -> &T {
                &self.0
            }
        }

        impl<T: ?Sized> DerefMut for $write<'_, T> {
            #[inline]
            fn deref_mut(&mut self) -> &mut T {
                &mut self.0
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $read<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $write<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $read<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }

        impl<T: ?Sized + fmt::Display> fmt::Display for $write<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}
pub(super) use lock_traits;
