//! Turns the stage annotations of a scored recording into one sleep stage per epoch.
//!
//! Promises: knows the spellings of EDF+ (`Sleep stage N2`), Noxturnal (`sleep-n2`) and the CAP database (`SLEEP-S2`); what it does
//! not know is left alone. Leaves to others: reading the annotations, scoring where there are none.

use crate::{Annotation, SleepError, SleepResult, SleepStage};

/// What a stage annotation says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The scorer gave a stage.
    Stage(SleepStage),
    /// The scorer marked that there is none: movement time, unscored, `?`.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn annotation(onset_ns: i64, duration_ns: Option<i64>, text: &str) -> Annotation {
        Annotation { onset_ns, duration_ns, text: text.to_string() }
    }

    #[test]
    fn the_spellings_of_several_scoring_programs_are_known() {
        let stages = [
            (SleepStage::Wake, "Sleep stage W,SLEEP-S0,sleep-wake,Wake,w,Stage 0"),
            (SleepStage::N1, "Sleep stage 1,Sleep stage N1,SLEEP-S1,sleep-n1,N1"),
            (SleepStage::N2, "Sleep stage 2,Sleep stage N2,SLEEP-S2,sleep-n2, n2 "),
            (SleepStage::N3, "Sleep stage 3,Sleep stage 4,SLEEP-S3,SLEEP-S4,sleep-n3,Stage N3"),
            (SleepStage::Rem, "Sleep stage R,SLEEP-REM,sleep-rem,REM,Sleep stage REM"),
        ];
        for (stage, texts) in stages {
            for text in texts.split(',') {
                assert_eq!(score_of_text(text), Some(Score::Stage(stage)), "{text}");
            }
        }
        for text in ["Sleep stage ?", "SLEEP-MT", "SLEEP-UNSCORED", "sleep-unknown"] {
            assert_eq!(score_of_text(text), Some(Score::Unscored), "{text}");
        }
        for text in ["", "1", "s2", "?", "m", "sleep-talk", "Sleep stage 7", "lights off", "wake up"] {
            assert_eq!(score_of_text(text), None, "{text}");
        }
    }

    #[test]
    fn an_epoch_has_the_stage_at_its_middle() {
        let annotations = [annotation(0, Some(14), "W"), annotation(14, Some(26), "N1")];
        assert_eq!(stages_of_epochs(&annotations, &[0, 30], 30), Ok(vec![Some(SleepStage::N1), None]));
    }

    #[test]
    fn of_overlapping_annotations_the_later_one_holds_until_it_ends() {
        let annotations = [annotation(10, Some(10), "sleep-unscored"), annotation(0, Some(100), "N2")];
        let n2 = Some(SleepStage::N2);
        assert_eq!(stages_of_epochs(&annotations, &[0, 10, 20, 90, 100], 10), Ok(vec![n2, None, n2, n2, None]));
    }

    #[test]
    fn without_a_duration_a_stage_lasts_to_the_next_and_the_last_for_one_window() {
        let annotations = [annotation(0, None, "W"), annotation(25, None, "Arousal"), annotation(40, Some(0), "REM")];
        let (wake, rem) = (Some(SleepStage::Wake), Some(SleepStage::Rem));
        assert_eq!(stages_of_epochs(&annotations, &[-10, 0, 30, 40, 50], 10), Ok(vec![None, wake, wake, rem, None]));
    }

    #[test]
    fn times_at_the_ends_of_64_bits_overflow_nothing() {
        let annotations = [annotation(i64::MAX, Some(i64::MAX), "W"), annotation(i64::MIN, Some(5), "N1")];
        let stages = stages_of_epochs(&annotations, &[i64::MIN, i64::MAX], i64::MAX);
        assert_eq!(stages, Ok(vec![None, None]));
    }
}
