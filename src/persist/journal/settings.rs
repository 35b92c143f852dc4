//! The settings of a journal: plain data, which the parts of the journal read. `mod.rs` has the builder that sets them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::encoding::Format;
use crate::persist::place::absolute;

/// What a resumed run does when the version, the configuration, the type of the results or an item's fingerprint differs
/// from the recorded one. As text: `refuse`, `recompute`.
///
/// | what differs | `Refuse` | `Recompute` |
/// |---|---|---|
/// | version, configuration or type of the results | [`Changed`](crate::journal::JournalError::Changed), before any item | items without a record under the new one are computed; earlier records stay |
/// | fingerprint of an item that is resumed | [`Changed`](crate::journal::JournalError::Changed) | that item is computed |
/// | fingerprint of an item that is computed again anyway | it is computed | it is computed |
/// | the run gives no fingerprint | it is not compared | it is not compared |
///
/// ```
/// use manyhands::journal::OnChange;
///
/// assert_eq!(OnChange::default(), OnChange::Refuse);
/// assert_eq!("recompute".parse(), Ok(OnChange::Recompute));
/// assert_eq!(OnChange::Recompute.to_string(), "recompute");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnChange {
    /// It returns an error that says what changed, before it runs any item.
    #[default]
    Refuse,
    /// It computes the affected items again: all of them after another version, configuration or type, one item after
    /// another fingerprint. Records of the earlier version stay in the file, and count again for a run that goes back to it.
    Recompute,
}

/// Which recorded items a resumed run computes again. Unfinished items are always computed. As text: `failed`, `all`,
/// `nothing`.
///
/// | the record | `Failed` | `All` | `Nothing` |
/// |---|---|---|---|
/// | none | computed | computed | computed |
/// | a value | resumed | computed | resumed |
/// | a failure | computed | computed | resumed, as a failure |
///
/// Attempts of a recorded failure count on when the item is computed again, unless its fingerprint has changed.
///
/// ```
/// use manyhands::journal::RetryRecorded;
///
/// assert_eq!(RetryRecorded::default(), RetryRecorded::Failed);
/// assert_eq!("all".parse(), Ok(RetryRecorded::All));
/// assert_eq!("some".parse::<RetryRecorded>().unwrap_err().to_string(), r#""some" is none of failed, all, nothing"#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RetryRecorded {
    /// The failed ones.
    #[default]
    Failed,
    /// All of them.
    All,
    /// None: recorded failures are results of this run too.
    Nothing,
}

/// A text that names no variant of a setting.
///
/// ```
/// let error = "maybe".parse::<manyhands::journal::OnChange>().unwrap_err();
/// assert_eq!(error.to_string(), r#""maybe" is none of refuse, recompute"#);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSetting {
    text: String,
    names: Vec<&'static str>,
}

impl fmt::Display for UnknownSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is none of {}", self.text, self.names.join(", "))
    }
}

impl std::error::Error for UnknownSetting {}

/// The value whose name this text is, exactly: neither case nor spaces are ignored. The names are collected only for
/// the error, so a text that is known costs no allocation.
fn parse<T: Copy + fmt::Display>(text: &str, all: &[(&'static str, T)]) -> Result<T, UnknownSetting> {
    let found = all.iter().find(|(name, _)| *name == text);
    let names = || all.iter().map(|(name, _)| *name).collect();
    found.map(|(_, value)| *value).ok_or_else(|| UnknownSetting { text: text.to_owned(), names: names() })
}

impl fmt::Display for OnChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Refuse => "refuse",
            Self::Recompute => "recompute",
        })
    }
}

impl FromStr for OnChange {
    type Err = UnknownSetting;

    fn from_str(text: &str) -> Result<Self, UnknownSetting> {
        parse(text, &[("refuse", Self::Refuse), ("recompute", Self::Recompute)])
    }
}

impl fmt::Display for RetryRecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Failed => "failed",
            Self::All => "all",
            Self::Nothing => "nothing",
        })
    }
}

impl FromStr for RetryRecorded {
    type Err = UnknownSetting;

    fn from_str(text: &str) -> Result<Self, UnknownSetting> {
        parse(text, &[("failed", Self::Failed), ("all", Self::All), ("nothing", Self::Nothing)])
    }
}

/// A journal's settings, without the closures over its items.
#[derive(Debug, Clone)]
pub(crate) struct JournalSettings {
    pub(crate) path: PathBuf,
    pub(crate) version: String,
    /// JSON with sorted names, or why the value has none.
    pub(crate) configuration: Result<String, String>,
    /// The type of the results, as [`type_shape`](crate::encoding::type_shape) describes it. The job fills it in, which
    /// knows the type.
    pub(crate) value_type: String,
    /// How results are written.
    pub(crate) format: Format,
    /// Read twice: by the store for the version and the configuration, by the look-up for fingerprints.
    pub(crate) on_change: OnChange,
    pub(crate) retry: RetryRecorded,
    /// How long the oldest uncommitted row waits. The writer cuts it to a year.
    pub(crate) commit_every: Duration,
}

impl JournalSettings {
    /// A program may change its current folder while the run goes on. A path that cannot be made absolute is refused when
    /// the run opens it.
    pub(crate) fn make_absolute(&mut self) {
        if let Ok(path) = absolute(&self.path) {
            self.path = path;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_the_text_that_it_parses_from() {
        for on_change in [OnChange::Refuse, OnChange::Recompute] {
            assert_eq!(on_change.to_string().parse(), Ok(on_change));
        }
        for retry in [RetryRecorded::Failed, RetryRecorded::All, RetryRecorded::Nothing] {
            assert_eq!(retry.to_string().parse(), Ok(retry));
        }
    }
}
