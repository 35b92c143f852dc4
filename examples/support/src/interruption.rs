//! Ctrl+C and SIGTERM during a run: the first one lets running items finish, so that nothing is computed twice; the second one ends
//! the process.

use std::io;

use manyhands::CancelToken;
#[cfg(unix)]
use manyhands::Interrupts;

/// Listens for signals as long as it lives.
///
/// ```
/// use consumer_support::Interruption;
///
/// let interruption = Interruption::listen(|signal| eprintln!("{signal}: finishing running items"))?;
/// assert!(!interruption.token().is_cancelled() && interruption.interrupted().is_none());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Interruption {
    #[cfg(unix)]
    interrupts: Interrupts,
    #[cfg(not(unix))]
    token: CancelToken,
}

/// The signal that ended a run early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interrupted {
    /// Its name, such as `SIGINT`.
    pub signal: String,
    /// The exit code for it: 128 plus the signal's number.
    pub exit_code: u8,
}

#[cfg(unix)]
impl Interruption {
    /// Listens from now on. `on_first` gets the name of the first signal, in a thread of its own.
    ///
    /// # Errors
    /// When the system refuses the handler or its thread.
    pub fn listen(on_first: impl FnOnce(&str) + Send + 'static) -> io::Result<Self> {
        Ok(Self { interrupts: Interrupts::listen(move |signal| on_first(&signal.to_string()))? })
    }

    /// The token that the first signal cancels.
    #[must_use]
    pub fn token(&self) -> &CancelToken {
        self.interrupts.token()
    }

    /// The first signal, once it has come.
    #[must_use]
    pub fn interrupted(&self) -> Option<Interrupted> {
        let signal = self.interrupts.signal()?;
        Some(Interrupted { signal: signal.to_string(), exit_code: u8::try_from(signal.exit_code()).unwrap_or(u8::MAX) })
    }
}

/// Without Unix signals Ctrl+C ends the program at once; what is finished is in the journal all the same.
#[cfg(not(unix))]
impl Interruption {
    /// Never calls `on_first`.
    ///
    /// # Errors
    /// None.
    pub fn listen(_on_first: impl FnOnce(&str) + Send + 'static) -> io::Result<Self> {
        Ok(Self { token: CancelToken::new() })
    }

    /// A token that no signal cancels.
    #[must_use]
    pub fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Always none.
    #[must_use]
    pub fn interrupted(&self) -> Option<Interrupted> {
        None
    }
}
