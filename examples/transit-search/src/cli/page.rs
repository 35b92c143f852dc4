//! The page that ranks the candidates, with pictures of the best ones.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use consumer_support::escape;
use consumer_support::page::{self, Warning, section, warning_list};
use consumer_support::picture::Drawing;
use manyhands::report::write_atomically;
use transit_search::{Extraction, best_fit};

use super::Refusal;
use super::chart::Chart;
use super::samples::Sample;
use super::worker::Row;

/// The number of candidates with pictures.
const PICTURED: usize = 6;
/// The number of candidates in the table.
const RANKED: usize = 100;
/// Beside the style that all pages share.
const STYLE: &str = ".pictures img { width: 50%; }\n";

/// Writes `index.html` and the folder of its pictures. Candidates are ranked by the depth of the best box over its error, and by nothing
/// else.
pub(super) fn write(
    out: &Path,
    samples: &[Sample],
    rows: &[Result<Row, String>],
    (extraction, ran): (&Extraction, &str),
) -> Result<(), Refusal> {
    let mut ranked: Vec<(&Sample, &Row)> =
        samples.iter().zip(rows).filter_map(|(sample, row)| Some((sample, row.as_ref().ok()?))).collect();
    ranked.retain(|(_, row)| row.get("bls_snr").is_finite());
    ranked.sort_by(|a, b| b.1.get("bls_snr").total_cmp(&a.1.get("bls_snr"))); // equal ones keep their order
    let folder = out.join("pictures");
    fs::create_dir_all(&folder).map_err(|why| format!("{} cannot be made: {why}", folder.display()))?;
    let mut figures = String::new();
    for (rank, (sample, row)) in ranked.iter().take(PICTURED).enumerate() {
        // A file that changed since has no picture, but is in the table.
        let Some(charts) = charts(sample, row, extraction) else { continue };
        for (kind, chart) in ["periodogram", "folded"].into_iter().zip(charts) {
            let name = format!("{:02}-{kind}.svg", rank + 1);
            write_atomically(folder.join(&name), |file| file.write_all(chart.to_svg().as_bytes()))
                .map_err(|why| why.to_string())?;
            let _ = write!(figures, "<img src=\"pictures/{name}\" alt=\"{kind} of {}\">", escape(&sample.name));
        }
    }
    let html = page(&ranked, (&figures, ran), samples, rows);
    write_atomically(out.join("index.html"), |file| file.write_all(html.as_bytes())).map_err(|why| why.to_string())
}

/// The power over the period, and the flux over the phase.
fn charts(sample: &Sample, row: &Row, extraction: &Extraction) -> Option<[Drawing; 2]> {
    let (curve, catalogue) = sample.read().ok()?;
    let fits = extraction.search(&curve, &catalogue).ok()?.run(&curve).ok()?;
    let (_, best) = best_fit(&fits)?;
    let periodogram = Chart {
        title: &format!("{}: best at {:.5} days", sample.name, best.period),
        axes: ["period, days", "power"],
        points: fits.iter().map(|fit| (fit.period, fit.power)).collect(),
        is_line: true,
    };
    let (period, middle) = (row.get("bls_period"), row.get("bls_t0"));
    let hours = |time: f64| ((time - middle + period / 2.0).rem_euclid(period) - period / 2.0) * 24.0;
    let near = 2.0 * row.get("bls_duration") * 24.0;
    let folded = Chart {
        title: &format!("{}: depth {:.0} ppm", sample.name, row.get("bls_depth") * 1e6),
        axes: ["hours from mid-transit", "flux"],
        points: curve
            .time()
            .iter()
            .zip(curve.flux())
            .map(|(&time, &flux)| (hours(time), flux))
            .filter(|(hours, _)| hours.abs() < near)
            .collect(),
        is_line: false,
    };
    Some([periodogram.draw(), folded.draw()])
}

fn page(
    ranked: &[(&Sample, &Row)],
    (figures, ran): (&str, &str),
    samples: &[Sample],
    rows: &[Result<Row, String>],
) -> String {
    let order = format!(
        "{} samples, by the depth of the best box over its error. Boxes were searched for on: {ran}.",
        samples.len()
    );
    let table_link = "<p>The whole table is <a href=\"features.csv\">features.csv</a>.</p>\n";
    let failed = samples.iter().zip(rows).filter_map(|(sample, row)| {
        Some(Warning { subject: sample.name.clone(), reason: row.as_ref().err()?.clone() })
    });
    let failed: Vec<Warning> = failed.collect();
    let mut sections = vec![
        page::header("Transit candidates", &order, table_link),
        section("Best candidates", &format!("<div class=\"pictures\">{figures}</div>\n{}", ranking(ranked))),
    ];
    if !failed.is_empty() {
        sections.push(section("Failed", &warning_list(&failed, "")));
    }
    page::start("Transit candidates", STYLE) + &sections.concat() + page::END
}

fn ranking(ranked: &[(&Sample, &Row)]) -> String {
    let mut table = "<div class=\"scroll\"><table>\n<tr><th>sample</th><th>target</th><th>period, days</th>\
                     <th>depth, ppm</th><th>duration, h</th><th>depth / error</th></tr>\n"
        .to_owned();
    for (sample, row) in ranked.iter().take(RANKED) {
        let _ = writeln!(
            table,
            "<tr><td>{}</td><td>{}</td><td>{:.5}</td><td>{:.0}</td><td>{:.2}</td><td>{:.1}</td></tr>",
            escape(&sample.name),
            escape(&row.target_id),
            row.get("bls_period"),
            row.get("bls_depth") * 1e6,
            row.get("bls_duration") * 24.0,
            row.get("bls_snr")
        );
    }
    table + "</table></div>\n"
}
