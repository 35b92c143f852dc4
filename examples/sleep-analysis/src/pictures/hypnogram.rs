//! The hypnogram: Wake, REM, N1, N2, N3 from top to bottom, one step line, REM as a heavy bar of its own colour.

use consumer_support::picture::{Anchor, Colour, Mark, Point, TextStyle};

use super::canvas::{Canvas, Panel};
use super::clock::span_text;
use super::timeline::{Cell, Timeline};
use crate::SleepStage;

/// The scored stages of a night, one per epoch.
pub(super) type Stages<'a> = &'a [Option<SleepStage>];

pub(super) fn draw_hypnogram(canvas: &mut Canvas, stages: Stages<'_>) {
    canvas.caption("Hypnogram", "scored stages");
    let panel = canvas.panel(canvas.layout.pick(150.0, 125.0));
    draw_rows(canvas, panel);
    let Some(timeline) = canvas.timeline.clone().filter(|_| stages.iter().any(Option::is_some)) else {
        canvas.no_data(panel);
        return;
    };
    draw_steps(canvas, panel, &timeline, stages);
    note_shares(canvas, panel, timeline.step_ns, stages);
}

/// How long each stage took, as text.
pub(super) fn describe_stages(stages: Stages<'_>, step_ns: i128) -> String {
    let scored = stages.iter().flatten().count();
    if scored == 0 {
        return "Hypnogram: no data".to_owned();
    }
    let part = |stage: SleepStage| format!("{} {}", stage.label(), share_text(stages, stage, step_ns));
    let parts = SleepStage::TOP_DOWN.map(part).join(", ");
    format!("Hypnogram of {} scored: {parts}", span_text(scored as i128 * step_ns))
}

fn draw_rows(canvas: &mut Canvas, panel: Panel) {
    let lines =
        SleepStage::TOP_DOWN.map(|stage| vec![(panel.left, row(panel, stage)), (panel.right, row(panel, stage))]);
    canvas.push(Mark::Lines { runs: lines.to_vec(), colour: Colour::Grid, width: 1.0 });
    for stage in SleepStage::TOP_DOWN {
        let style = TextStyle::TICK.anchored(Anchor::End);
        let style = if stage == SleepStage::Rem { style.bold().coloured(Colour::Accent) } else { style };
        canvas.text((panel.left - 6.0, row(panel, stage) + 4.0), stage.label(), style);
    }
}

fn draw_steps(canvas: &mut Canvas, panel: Panel, timeline: &Timeline, stages: Stages<'_>) {
    let runs = timeline.runs(|idx| stages[idx]);
    let steps = runs.iter().map(|run| step_line(run, panel)).collect();
    canvas.push(Mark::Lines { runs: steps, colour: Colour::Strong, width: 1.5 });
    let rem = runs.iter().flat_map(|run| stretches(run)).filter(|stretch| stretch.0 == SleepStage::Rem);
    let bars = rem.map(|(stage, left, right)| vec![(left, row(panel, stage)), (right, row(panel, stage))]).collect();
    canvas.push(Mark::Lines { runs: bars, colour: Colour::Accent, width: 6.0 });
}

fn step_line(run: &[(Cell, SleepStage)], panel: Panel) -> Vec<Point> {
    let ends = |(stage, left, right): (SleepStage, f64, f64)| [(left, row(panel, stage)), (right, row(panel, stage))];
    stretches(run).into_iter().flat_map(ends).collect()
}

/// Neighbours of one stage as one stretch from a left to a right pixel.
fn stretches(run: &[(Cell, SleepStage)]) -> Vec<(SleepStage, f64, f64)> {
    run.chunk_by(|one, other| one.1 == other.1)
        .map(|same| (same[0].1, same[0].0.left, same[same.len() - 1].0.right))
        .collect()
}

fn note_shares(canvas: &mut Canvas, panel: Panel, step_ns: i128, stages: Stages<'_>) {
    for stage in SleepStage::TOP_DOWN {
        let colour = if stage == SleepStage::Rem { Colour::Accent } else { Colour::Muted };
        let text = share_text(stages, stage, step_ns);
        canvas.margin_text(panel, row(panel, stage) + 4.0, text, TextStyle::LABEL.coloured(colour));
    }
}

/// Minutes, and the share of what was scored.
fn share_text(stages: Stages<'_>, stage: SleepStage, step_ns: i128) -> String {
    let count = stages.iter().flatten().filter(|scored| **scored == stage).count();
    let minutes = count as f64 * step_ns as f64 / 60e9;
    let percent = 100.0 * count as f64 / stages.iter().flatten().count() as f64;
    let decimals = usize::from(minutes < 10.0 && minutes.fract() != 0.0);
    format!("{minutes:.decimals$} min ({percent:.0} %)")
}

fn row(panel: Panel, stage: SleepStage) -> f64 {
    let idx = SleepStage::TOP_DOWN.iter().position(|row| *row == stage).unwrap_or(0);
    panel.top + (idx as f64 + 0.5) * panel.height() / SleepStage::TOP_DOWN.len() as f64
}
