//! What a step is and which parameters it has, for `eeg-artifact steps` and for messages.

/// A step as it is listed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepAbout {
    /// Its name in pipelines.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Whether channels are processed in parallel.
    pub parallel_safe: bool,
    /// Its parameters.
    pub parameters: &'static [ParameterAbout],
}

/// A parameter as it is listed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ParameterAbout {
    /// Its name.
    pub name: &'static str,
    /// The value where none is given, as text; none where one must be given.
    pub usual: Option<&'static str>,
    /// What it is.
    pub about: &'static str,
}

/// A step that can be listed.
pub(super) trait Described {
    /// How it is listed.
    const ABOUT: StepAbout;
}

impl ParameterAbout {
    /// A parameter that must be given.
    pub(super) const fn required(name: &'static str, about: &'static str) -> Self {
        Self { name, usual: None, about }
    }

    /// A parameter with a usual value.
    pub(super) const fn optional(name: &'static str, usual: &'static str, about: &'static str) -> Self {
        Self { name, usual: Some(usual), about }
    }
}
