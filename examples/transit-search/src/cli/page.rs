//! The page that ranks the candidates, with pictures of the best ones.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use manyhands::write_atomically;
use transit_search::{Extraction, best_fit};

use super::Refusal;
use super::chart::{Chart, escaped};
use super::extract::Row;
use super::samples::Sample;

/// So many have pictures.
const PICTURED: usize = 6;
/// So many are in the table.
const RANKED: usize = 100;

/// Writes `index.html` and the folder of its pictures. By how well the box stands out of the noise, and nothing else.
pub(super) fn write(
    out: &Path,
    samples: &[Sample],
    rows: &[Result<Row, String>],
    extraction: &Extraction,
) -> Result<(), Refusal> {
    let mut ranked: Vec<(&Sample, &Row)> =
        samples.iter().zip(rows).filter_map(|(sample, row)| Some((sample, row.as_ref().ok()?))).collect();
    ranked.retain(|(_, row)| row.get("bls_snr").is_finite());
    ranked.sort_by(|a, b| b.1.get("bls_snr").total_cmp(&a.1.get("bls_snr"))); // equal ones stay in their order
    let folder = out.join("pictures");
    fs::create_dir_all(&folder).map_err(|why| format!("{} cannot be made: {why}", folder.display()))?;
    let mut figures = String::new();
    for (rank, (sample, row)) in ranked.iter().take(PICTURED).enumerate() {
        // A file that changed since has no picture, and is in the table all the same.
        let Some(charts) = charts(sample, row, extraction) else { continue };
        for (kind, chart) in ["periodogram", "folded"].into_iter().zip(charts) {
            let name = format!("{:02}-{kind}.svg", rank + 1);
            write_atomically(folder.join(&name), |file| file.write_all(chart.as_bytes()))
                .map_err(|why| why.to_string())?;
            let _ = write!(figures, "<img src=\"pictures/{name}\" alt=\"{kind} of {}\">", escaped(&sample.name));
        }
    }
    let html = page(&ranked, &figures, samples, rows);
    write_atomically(out.join("index.html"), |file| file.write_all(html.as_bytes())).map_err(|why| why.to_string())
}

/// The power over the period, and the flux over the phase.
fn charts(sample: &Sample, row: &Row, extraction: &Extraction) -> Option<[String; 2]> {
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
    Some([periodogram.to_svg(), folded.to_svg()])
}

fn page(ranked: &[(&Sample, &Row)], figures: &str, samples: &[Sample], rows: &[Result<Row, String>]) -> String {
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Transit candidates</title><style>\
         body{{font-family:sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}table{{border-collapse:collapse}}\
         td,th{{padding:.2rem .6rem;text-align:right;border-bottom:1px solid #ddd}}img{{width:50%}}</style></head><body>\
         <h1>Transit candidates</h1><p>{} samples, by the depth of the best box over its error. \
         The whole table is <a href=\"features.csv\">features.csv</a>.</p>{figures}<table><tr><th>sample</th><th>target</th>\
         <th>period, days</th><th>depth, ppm</th><th>duration, h</th><th>depth / error</th></tr>",
        samples.len()
    );
    for (sample, row) in ranked.iter().take(RANKED) {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{:.5}</td><td>{:.0}</td><td>{:.2}</td><td>{:.1}</td></tr>",
            escaped(&sample.name),
            escaped(&row.target_id),
            row.get("bls_period"),
            row.get("bls_depth") * 1e6,
            row.get("bls_duration") * 24.0,
            row.get("bls_snr")
        );
    }
    html += "</table>";
    let failed: Vec<String> = samples
        .iter()
        .zip(rows)
        .filter_map(|(sample, row)| {
            Some(format!("<li>{}: {}</li>", escaped(&sample.name), escaped(row.as_ref().err()?)))
        })
        .collect();
    if !failed.is_empty() {
        let _ = write!(html, "<h2>Failed</h2><ul>{}</ul>", failed.concat());
    }
    html + "</body></html>\n"
}
