//! Turns the stage annotations of a scored recording into one sleep stage per epoch.
//!
//! Promises: knows the spellings of EDF+ (`Sleep stage N2`), Noxturnal (`sleep-n2`) and the CAP database (`SLEEP-S2`); what it does
//! not know is left alone. Leaves to others: reading the annotations, scoring where there are none.

use crate::{Annotation, SleepError, SleepResult};

/// A stage of sleep after the AASM manual; stages 3 and 4 of Rechtschaffen and Kales are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SleepStage {
    /// Awake.
    Wake,
    /// Rapid eye movement sleep.
    Rem,
    /// Non-REM stage 1.
    N1,
    /// Non-REM stage 2.
    N2,
    /// Non-REM stage 3, or 3 and 4.
    N3,
}

/// What a stage annotation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The scorer gave a stage.
    Stage(SleepStage),
    /// The scorer said that there is none: movement time, unscored, `?`.
    Unscored,
}

/// The stage that an annotation's text names, or `None` when it is about something else. Upper and lower case are the same.
///
/// ```
/// use sleep_analysis::{Score, SleepStage, score_of_text};
///
/// assert_eq!(score_of_text("Sleep stage N2"), Some(Score::Stage(SleepStage::N2)));
/// assert_eq!(score_of_text("sleep-wake"), Some(Score::Stage(SleepStage::Wake)));
/// assert_eq!(score_of_text("Sleep stage ?"), Some(Score::Unscored));
/// assert_eq!(score_of_text("Limb movement"), None);
/// ```
#[must_use]
pub fn score_of_text(text: &str) -> Option<Score> {
    let text = text.trim().to_lowercase();
    let after_prefix = ["sleep stage ", "sleep-", "stage "].iter().find_map(|prefix| text.strip_prefix(prefix));
    let stage = match after_prefix.unwrap_or(&text) {
        "w" | "wake" => SleepStage::Wake,
        "n1" => SleepStage::N1,
        "n2" => SleepStage::N2,
        "n3" => SleepStage::N3,
        "r" | "rem" => SleepStage::Rem,
        // These say something about sleep only behind a prefix.
        _ => return score_of_suffix(after_prefix?),
    };
    Some(Score::Stage(stage))
}

fn score_of_suffix(suffix: &str) -> Option<Score> {
    Some(match suffix {
        "0" | "s0" => Score::Stage(SleepStage::Wake),
        "1" | "s1" => Score::Stage(SleepStage::N1),
        "2" | "s2" => Score::Stage(SleepStage::N2),
        "3" | "4" | "s3" | "s4" | "n4" => Score::Stage(SleepStage::N3),
        "?" | "m" | "mt" | "n" | "unscored" | "unknown" => Score::Unscored,
        _ => return None,
    })
}

/// The stage of each epoch, `None` where nothing is scored.
///
/// An epoch has the stage that holds at its middle; of annotations that overlap there, the one that begins last. An annotation without
/// a duration lasts until the next stage annotation, and the last one for one window. Cost: sorting the annotations, then a binary
/// search per epoch. All times are nanoseconds since 1970-01-01 UTC.
///
/// ```
/// use sleep_analysis::{Annotation, SleepStage, stages_of_epochs};
///
/// let scored = |onset_ns, text: &str| Annotation { onset_ns, duration_ns: Some(30), text: text.to_string() };
/// let annotations = [scored(0, "Sleep stage W"), scored(30, "Sleep stage N1")];
/// let stages = stages_of_epochs(&annotations, &[0, 30, 60], 30)?;
/// assert_eq!(stages, [Some(SleepStage::Wake), Some(SleepStage::N1), None]);
/// # Ok::<(), sleep_analysis::SleepError>(())
/// ```
///
/// # Errors
/// [`SleepError::Config`] when the window is not positive.
pub fn stages_of_epochs(
    annotations: &[Annotation],
    epoch_starts_ns: &[i64],
    window_ns: i64,
) -> SleepResult<Vec<Option<SleepStage>>> {
    if window_ns <= 0 {
        return Err(SleepError::Config(format!(
            "a window of {window_ns} ns holds no epoch; use a positive one, such as 30 s"
        )));
    }
    let stretches = stretches(annotations, window_ns);
    let stage_at = |time_ns: i64| {
        let n_begun = stretches.partition_point(|stretch| stretch.start_ns <= time_ns);
        let mut may_cover = stretches[..n_begun].iter().rev().take_while(|stretch| stretch.latest_end_ns > time_ns);
        match may_cover.find(|stretch| stretch.end_ns > time_ns)?.score {
            Score::Stage(stage) => Some(stage),
            Score::Unscored => None,
        }
    };
    Ok(epoch_starts_ns.iter().map(|start_ns| stage_at(start_ns.saturating_add(window_ns / 2))).collect())
}

/// A stretch of time with one score.
struct Stretch {
    start_ns: i64,
    end_ns: i64,
    /// The latest end of this stretch and all that begin ahead of it.
    latest_end_ns: i64,
    score: Score,
}

fn stretches(annotations: &[Annotation], window_ns: i64) -> Vec<Stretch> {
    let mut scored: Vec<_> = annotations.iter().filter_map(|each| Some((each, score_of_text(&each.text)?))).collect();
    scored.sort_by_key(|(annotation, _)| annotation.onset_ns);
    let next_starts = scored.iter().skip(1).map(|(next, _)| Some(next.onset_ns)).chain([None]);
    let mut latest_end_ns = i64::MIN;
    let stretch = |((annotation, score), next_ns): (&(&Annotation, Score), Option<i64>)| {
        let start_ns = annotation.onset_ns;
        let duration_ns = annotation.duration_ns.filter(|duration| *duration > 0);
        let stated_ns = duration_ns.map(|duration| start_ns.saturating_add(duration));
        let end_ns = stated_ns.or(next_ns).unwrap_or(start_ns.saturating_add(window_ns));
        latest_end_ns = latest_end_ns.max(end_ns);
        Stretch { start_ns, end_ns, latest_end_ns, score: *score }
    };
    scored.iter().zip(next_starts).map(stretch).collect()
}
