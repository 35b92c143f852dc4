//! What a page says of each split, and of the error against a known truth, as tables that become lists in a narrow window.

use consumer_support::escape;
use consumer_support::page::section;

use super::lists::clip;
use super::{PartError, RanModels, SplitView};
use crate::sample::{RunTotals, SampleFigures, SampleStatus};

/// Columns of the table of splits after the name.
const COLUMNS: [&str; 13] = [
    "samples done",
    "failed",
    "frames",
    "torn",
    "missing",
    "with a face",
    "with a hand",
    "with a body",
    "frames per s of a worker",
    "work",
    "frames per s in this run",
    "wall time of this run",
    "busy / CPU time of this run",
];

pub(super) fn html(splits: &[SplitView<'_>], models: RanModels<'_>) -> String {
    if splits.is_empty() {
        return section("Splits", "<p>There is no split to show.</p>\n");
    }
    let rows: Vec<_> = splits.iter().map(|split| (name_with_progress(split), cells(split, models))).collect();
    let bodies = if models == RanModels::Made { " The small model looks for no bodies." } else { "" };
    let note = format!(
        "<p class=\"note\">Speed and times are those of the last run, the counts those of all runs.{bodies}</p>\n"
    );
    section("Splits", &(table("split", &COLUMNS, &rows) + &note))
}

/// How far the landmarks are from the truth; no section where that is not known.
pub(super) fn errors_html(errors: &[PartError]) -> String {
    const COLUMNS: [&str; 6] =
        ["mean, px", "largest, px", "mean, % of region", "largest, % of region", "frames right", "frames wrong"];
    if errors.is_empty() {
        return String::new();
    }
    let number = |value: f64| if value.is_finite() { format!("{value:.2}") } else { "\u{2013}".to_owned() };
    let row = |error: &PartError| {
        let cells = vec![
            number(error.mean_px),
            number(error.largest_px),
            number(error.mean_share * 100.0),
            number(error.largest_share * 100.0),
            error.n_right.to_string(),
            error.n_wrong.to_string(),
        ];
        (escape(&clip(&error.part)), cells)
    };
    let note = "<p class=\"note\">Distances between the landmarks and the truth of the drawn frames, none of which the model was trained \
                with. The region is the square around the part. A frame is right when the part was found where it is, and not found where \
                it is not; the left and the right hand count one by one.</p>\n";
    section("Error against the truth", &(table("part", &COLUMNS, &errors.iter().map(row).collect::<Vec<_>>()) + note))
}

/// Heads and cells are markup already.
fn table(first: &str, columns: &[&str], rows: &[(String, Vec<String>)]) -> String {
    let heads: String = columns.iter().map(|name| format!("<th scope=\"col\">{name}</th>")).collect();
    let row = |(head, cells): &(String, Vec<String>)| {
        let cells: String =
            columns.iter().zip(cells).map(|(name, cell)| format!("<td data-label=\"{name}\">{cell}</td>")).collect();
        format!("<tr><th scope=\"row\">{head}</th>{cells}</tr>\n")
    };
    format!(
        "<div class=\"scroll\"><table class=\"cards\">\n<thead><tr><th scope=\"col\">{first}</th>{heads}</tr></thead>\n\
         <tbody>\n{}</tbody>\n</table></div>\n",
        rows.iter().map(row).collect::<String>()
    )
}

/// The name above a bar of what is done.
fn name_with_progress(split: &SplitView<'_>) -> String {
    let (n_done, n_samples) = (split.figures.len(), split.n_samples.max(split.figures.len()));
    format!(
        "{}<progress max=\"{}\" value=\"{n_done}\" aria-label=\"samples done\"></progress>",
        escape(&clip(split.name)),
        n_samples.max(1),
    )
}

fn cells(split: &SplitView<'_>, models: RanModels<'_>) -> Vec<String> {
    let sum = |count: fn(&SampleFigures) -> usize| split.figures.iter().map(count).sum::<usize>();
    let n_failed = split.figures.iter().filter(|figures| figures.status == SampleStatus::Failed).count();
    let n_read = sum(|figures| figures.frames_ok);
    let totals = RunTotals::of(split.figures, 0.0);
    let wall = split.wall.as_secs_f64();
    let is_measured = wall > 0.0 && split.frames_of_this_run > 0;
    let none = "\u{2013}".to_owned();
    let per_second = |value: f64| if value > 0.0 { format!("{value:.1}") } else { "\u{2013}".to_owned() };
    let cpu = split.cpu.map_or(none.clone(), |cpu| duration(cpu.as_secs_f64()));
    vec![
        format!("{} of {}", split.figures.len(), split.n_samples.max(split.figures.len())),
        alarming(n_failed),
        sum(|figures| figures.num_frames).to_string(),
        alarming(sum(|figures| figures.frames_torn)),
        alarming(sum(|figures| figures.frames_missing)),
        share(sum(|figures| figures.frames_with_face), n_read),
        share(sum(|figures| figures.frames_with_hand), n_read),
        if models == RanModels::Made { none.clone() } else { share(sum(|figures| figures.frames_with_pose), n_read) },
        per_second(totals.average_fps),
        duration(totals.total_processing_time),
        if is_measured { format!("{:.1}", split.frames_of_this_run as f64 / wall) } else { none.clone() },
        duration(wall),
        format!("{} / {cpu}", duration(split.busy.as_secs_f64())),
    ]
}

/// Zero is good, everything else is to be seen.
fn alarming(count: usize) -> String {
    if count == 0 { "0".to_owned() } else { format!("<strong class=\"bad\">{count}</strong>") }
}

/// A share of the frames that were read, with a bar.
fn share(part: usize, whole: usize) -> String {
    if whole == 0 {
        return "\u{2013}".to_owned();
    }
    let percent = 100.0 * part as f64 / whole as f64;
    format!(
        "<span class=\"share\"><span class=\"bar\"><i style=\"width:{percent:.1}%\"></i></span>{percent:.1}\u{a0}%</span>"
    )
}

/// Such as `41 ms`, `3.2 s`, `12 min 5 s` or `3 h 12 min`.
fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let text = match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 60.0 => format!("{s:.1} s"),
        s if s < 3600.0 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    };
    text.replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_keep_to_units_that_a_reader_counts_in() {
        let texts = [0.0414, 3.24, 725.4, 11_540.0].map(|seconds| duration(seconds).replace('\u{a0}', " "));
        assert_eq!(texts, ["41 ms", "3.2 s", "12 min 5 s", "3 h 12 min"]);
    }
}
