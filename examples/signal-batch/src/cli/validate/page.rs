//! The page of `validate`: yields, and every unit that fails, the worst first.

use consumer_support::page::{Fact, Link};
use consumer_support::{escape, page};
use signal_batch::limits::Judgement;

use super::rows::{BATCH_HEAD, METRIC_HEAD, batch_rows, metric_rows, sentences};
use super::units::Units;

/// `index.html`.
pub(super) fn page(units: &Units, judgement: &Judgement) -> String {
    let title = "Units by limits";
    let failed = judgement.units.len() - judgement.n_passed();
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let facts = [
        fact("Units", judgement.units.len().to_string()),
        fact("Passed", judgement.n_passed().to_string()),
        fact("Failed", failed.to_string()),
        fact("Yield", format!("{:.2} %", judgement.yield_percent())),
        fact("Score", format!("{:.2} of 100", judgement.score())),
        fact("Version", env!("CARGO_PKG_VERSION").to_owned()),
    ];
    let link = |path: &str, about: &str| Link { path: path.to_owned(), about: about.to_owned() };
    let files = [link("verdicts.csv", "a row for each unit"), link("validation.json", "all of it, for programs")];
    let mut html = page::start(title, STYLE) + &page::header(title, &units.source, &page::facts_list(&facts));
    html += &page::section("Metrics, the fewest passed first", &table(&METRIC_HEAD, 2, &metric_rows(judgement)));
    if judgement.batches.len() > 1 {
        html += &page::section("Batches, the smallest yield first", &table(&BATCH_HEAD, 1, &batch_rows(judgement)));
    }
    html += &page::section("Failed units, the worst first", &failures(judgement));
    html += &page::section("Score", FORMULA);
    html + &page::section("Files", &page::file_list(&files)) + page::END
}

const STYLE: &str = "\
.scroll{overflow-x:auto}\n\
.scroll table{border-collapse:collapse;font-variant-numeric:tabular-nums}\n\
.scroll th,.scroll td{padding:.25em .75em .25em 0;text-align:right;vertical-align:top}\n\
.scroll th{font-weight:600}\n\
.scroll th.text,.scroll td.text{text-align:left}\n\
.scroll td.text{white-space:normal;overflow-wrap:anywhere}\n";

const FORMULA: &str = "<p>Score of a unit, 0 to 100: the mean over the limited metrics of 100 \u{b7} max(0, 1 \u{2212} e/w). \
    Here e is how far the value lies outside of its limits, 0 within; w is max \u{2212} min, or the limit without its sign where \
    there is one. A missing value counts 0. A unit that passes has 100.</p>\n";

fn failures(judgement: &Judgement) -> String {
    let failed = judgement.failed_worst_first();
    if failed.is_empty() {
        return "<p>Every unit passed.</p>\n".to_owned();
    }
    let row = |unit: &&signal_batch::limits::Verdict| {
        vec![unit.unit.clone(), unit.batch.clone(), sentences(&unit.reasons), format!("{:.2}", unit.score)]
    };
    table(&["unit", "batch", "why", "score"], 3, &failed.iter().map(row).collect::<Vec<_>>())
}

/// A table whose first columns are texts.
fn table(head: &[&str], n_texts: usize, rows: &[Vec<String>]) -> String {
    let class = |column: usize| if column < n_texts { " class=\"text\"" } else { "" };
    let heads: String =
        head.iter().enumerate().map(|(at, name)| format!("<th{}>{}</th>", class(at), escape(name))).collect();
    let line = |row: &Vec<String>| {
        let cells: String =
            row.iter().enumerate().map(|(at, cell)| format!("<td{}>{}</td>", class(at), escape(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let lines: String = rows.iter().map(line).collect();
    format!("<div class=\"scroll\">\n<table>\n<tr>{heads}</tr>\n{lines}</table>\n</div>\n")
}
