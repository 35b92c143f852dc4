//! Pictures and pages: well-formed, of bounded size, readable at both widths, honest about gaps, the same every time.
//!
//! The pages of the made recording stay in the test folder (`target/tmp/eeg-pictures`), for a look in a browser.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

use consumer_support::picture::{Anchor, Drawing, Mark, Point, TextStyle};
use eeg_artifact::pictures::{
    ChannelEpochs, ChannelSignals, ChannelSpectra, ChannelTemplate, Cleaned, Fact, Figure, FileOutcome, FileRow,
    Fundamental, Layout, LeftOutPicture, Link, ModeTimes, NumberTable, OverviewPage, RecordingPage, ScalingPicture,
    SignalPicture, SpectrumPicture, TemplatePicture, Trace, TriggerPicture, Warning, figure,
};
use roxmltree::Document;

const LAYOUTS: [Layout; 2] = [Layout::Wide, Layout::Narrow];
const HOSTILE: &str =
    "EEG <C3>&\"M2'</svg><script>\u{1} \u{b5}V Schl\u{e4}fer \u{7720}\u{308b}\u{7720}\u{308b}\u{7720}\u{308b}";
const NAN: f64 = f64::NAN;

/// Everything that the pictures show, owned.
struct Made {
    sfreq: f64,
    names: Vec<String>,
    before: Vec<f64>,
    after: Vec<f64>,
    truth: Vec<f64>,
    triggers: Vec<i64>,
    triggers_s: Vec<f64>,
    shifts: Vec<f64>,
    gaps: Vec<usize>,
    template: Vec<f64>,
    spread: Vec<f64>,
    frequencies_hz: Vec<f64>,
    densities: [Vec<f64>; 3],
    left_out: Vec<Vec<bool>>,
}

impl Made {
    /// Plausible shapes without a claim to physiology: volumes of 20 slices, with a gap after each.
    fn new(n_channels: usize, seconds: f64, sfreq: f64) -> Self {
        let mut noise = Noise(11);
        let n_samples = (seconds * sfreq) as usize;
        let n_triggers = (seconds * 10.0) as usize;
        let triggers: Vec<i64> = (0..n_triggers).map(|idx| trigger_at(idx, sfreq)).collect();
        let artifact = |time: f64| 2e-3 * (TAU * 10.0 * time).sin().powi(9) + 5e-4 * (TAU * 60.0 * time).sin();
        let time = |idx: usize| idx as f64 / sfreq;
        let truth: Vec<f64> =
            (0..n_samples).map(|idx| 2e-5 * (TAU * 9.7 * time(idx)).sin() + 1e-5 * noise.next()).collect();
        let before = truth.iter().enumerate().map(|(idx, eeg)| eeg + artifact(time(idx))).collect();
        let after = truth.iter().map(|eeg| eeg + 3e-6 * noise.next()).collect();
        let frequencies_hz: Vec<f64> = (0..=1200).map(|bin| f64::from(bin) * 0.1).collect();
        let densities =
            [0.0, 1.0, 2.0].map(|kind| frequencies_hz.iter().map(|hz| density(*hz, kind, &mut noise)).collect());
        let left_out = (0..n_channels).map(|channel| {
            (0..n_triggers).map(|epoch| epoch % 97 < 3 || (epoch * 7 + channel * 13) % 101 == 0).collect()
        });
        Self {
            sfreq,
            names: (0..n_channels).map(|idx| format!("EEG Fp{}", idx + 1)).collect(),
            before,
            after,
            truth,
            triggers_s: triggers.iter().map(|sample| *sample as f64 / sfreq).collect(),
            shifts: (0..n_triggers).map(|_| (noise.next() * 8.0).round() / 4.0).collect(),
            gaps: (0..n_triggers.saturating_sub(1)).filter(|idx| idx % 20 == 19).collect(),
            triggers,
            template: (0..500).map(|idx| artifact(f64::from(idx) / 5000.0)).collect(),
            spread: (0..500).map(|idx| 1e-4 * (1.0 + (f64::from(idx) / 80.0).sin())).collect(),
            frequencies_hz,
            densities,
            left_out: left_out.collect(),
        }
    }

    fn trace<'a>(&self, samples: &'a [f64]) -> Trace<'a> {
        Trace { samples, sfreq: self.sfreq, start_s: 2.0 }
    }

    fn signals(&self) -> SignalPicture<'_> {
        let channel = |name| ChannelSignals {
            name,
            before: self.trace(&self.before),
            after: self.trace(&self.after),
            truth: Some(self.trace(&self.truth)),
        };
        let channels = self.names.iter().map(|name| channel(name)).collect();
        SignalPicture { title: "Before and after", channels, triggers_s: &self.triggers_s }
    }

    fn template(&self) -> TemplatePicture<'_> {
        let channel = |name| ChannelTemplate { name, mean: &self.template, spread: &self.spread, n_epochs: 30 };
        let channels = self.names.iter().map(|name| channel(name)).collect();
        TemplatePicture { title: "Template and spread", sfreq: 5000.0, start_s: -0.01, channels }
    }

    fn spectrum(&self) -> SpectrumPicture<'_> {
        let [before, after, truth] = &self.densities;
        let channel = |name| ChannelSpectra { name, before, after, truth: Some(truth) };
        SpectrumPicture {
            title: "Spectrum before and after",
            frequencies_hz: &self.frequencies_hz,
            limit_hz: 100.0,
            channels: self.names.iter().map(|name| channel(name)).collect(),
            fundamental: Some(Fundamental { name: "slice", frequency_hz: 10.0 }),
        }
    }

    fn triggers(&self) -> TriggerPicture<'_> {
        TriggerPicture {
            title: "Triggers and their shifts",
            sfreq: self.sfreq,
            samples: &self.triggers,
            shifts: &self.shifts,
            gaps: &self.gaps,
        }
    }

    fn left_out(&self) -> LeftOutPicture<'_> {
        let channel = |(name, left_out)| ChannelEpochs { name, left_out };
        let names = self.names.iter().map(String::as_str);
        let channels = names.zip(self.left_out.iter().map(Vec::as_slice)).map(channel).collect();
        LeftOutPicture { title: "Epochs left out of templates", channels }
    }

    fn draw_all(&self, layout: Layout) -> Vec<Drawing> {
        vec![
            self.signals().draw(layout),
            self.template().draw(layout),
            self.spectrum().draw(layout),
            self.triggers().draw(layout),
            self.left_out().draw(layout),
        ]
    }

    fn figures(&self) -> Vec<Figure> {
        let files = |stem: &str| vec![link(&format!("{stem}.svg"), "SVG")];
        let (signals, template, spectrum) = (self.signals(), self.template(), self.spectrum());
        let (triggers, left_out) = (self.triggers(), self.left_out());
        vec![
            figure(signals.title, "Each panel has a scale of its own.", files("signals"), |layout| {
                signals.draw(layout)
            }),
            figure(template.title, "The mean of the last block.", files("template"), |layout| template.draw(layout)),
            figure(spectrum.title, "Welch's method, segments of 10 s.", files("spectrum"), |layout| {
                spectrum.draw(layout)
            }),
            figure(triggers.title, "Shifts of the alignment.", files("triggers"), |layout| triggers.draw(layout)),
            figure(left_out.title, "Epochs unlike the others.", files("left_out"), |layout| left_out.draw(layout)),
            figure("Scaling", "One recording, all steps.", files("scaling"), |layout| scaling().draw(layout)),
        ]
    }

    fn page(&self) -> String {
        let row = |name: &String| (name.clone(), vec![1520.0, 21.3, 20.9, 0.987, 37.1]);
        let columns = [
            "RMS before, \u{b5}V",
            "RMS after, \u{b5}V",
            "residual at harmonics, \u{b5}V",
            "correlation",
            "SNR gain, dB",
        ];
        RecordingPage {
            title: "made_recording.edf",
            subtitle: "64 channels, 60 min at 5000 Hz",
            computed: vec!["High-pass at 1 Hz.".to_owned(), "Averaged artifact subtraction, 30 epochs.".to_owned()],
            warnings: vec![Warning {
                subject: "channel \"Fp1\"".to_owned(),
                reason: "is flat from 12 s on".to_owned(),
            }],
            facts: vec![fact("Residual at harmonics, before", "1520 \u{b5}V"), fact("Time", "12.4 s")],
            figures: self.figures(),
            tables: vec![NumberTable {
                heading: "Quality per channel".to_owned(),
                about: "Against the truth.".to_owned(),
                row_name: "channel".to_owned(),
                columns: columns.map(str::to_owned).to_vec(),
                rows: self.names.iter().map(row).collect(),
            }],
            files: vec![link("cleaned.edf", "the cleaned recording"), link("report.json", "this page's numbers")],
        }
        .to_html()
    }
}

fn trigger_at(idx: usize, sfreq: f64) -> i64 {
    let jitter = if idx.is_multiple_of(7) { 1.0 } else { 0.0 };
    ((idx as f64 / 10.0 + (idx / 20) as f64 * 0.35) * sfreq + jitter).round() as i64
}

fn density(hz: f64, kind: f64, noise: &mut Noise) -> f64 {
    let artifact = if kind == 0.0 && hz > 1.0 && hz % 10.0 < 0.05 { 1e-7 } else { 0.0 };
    (artifact + 3e-11 / (1.0 + hz) + 1e-13 * kind) * noise.next().exp()
}

/// Numbers between -1 and 1 from a linear congruential generator.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

fn scaling() -> ScalingPicture<'static> {
    let times = |mode, start: f64| ModeTimes {
        mode,
        seconds: [1_usize, 2, 3, 4, 6, 8, 16].map(|workers| (workers, start / (workers as f64).powf(0.8))).to_vec(),
    };
    let modes = vec![times("threads", 41.0), times("io", 43.0), times("processes", 52.0)];
    ScalingPicture { title: "Time over workers", serial_s: 40.0, modes }
}

fn fact(name: &str, value: &str) -> Fact {
    Fact { name: name.to_owned(), value: value.to_owned() }
}

fn link(path: &str, about: &str) -> Link {
    Link { path: path.to_owned(), about: about.to_owned() }
}

/// Names from a file that means harm, and triggers outside of everything.
fn hostile() -> Made {
    let mut hostile = Made::new(2, 4.0, 250.0);
    hostile.names = vec![HOSTILE.to_owned(), "x".repeat(5000)];
    (hostile.triggers[0], hostile.frequencies_hz[7]) = (i64::MIN, NAN);
    *hostile.triggers.last_mut().unwrap() = i64::MAX;
    hostile.gaps = vec![usize::MAX];
    hostile
}

/// All pictures of recordings that have little, nothing, or odd values in them, and of the usual ones.
fn all_drawings(layout: Layout) -> Vec<(String, Drawing)> {
    let mut made =
        vec![("usual".to_owned(), Made::new(4, 30.0, 250.0)), ("many".to_owned(), Made::new(64, 120.0, 250.0))];
    made.push(("none".to_owned(), Made::new(0, 0.0, 250.0)));
    made.push(("no samples".to_owned(), Made::new(2, 0.0, 250.0)));
    for value in [NAN, f64::INFINITY, 0.0, -3e-5, 1e200, 5e-324, -1.5e-20, 1e6] {
        let mut odd = Made::new(3, 4.0, 250.0);
        for row in
            [&mut odd.before, &mut odd.after, &mut odd.truth, &mut odd.template, &mut odd.spread, &mut odd.shifts]
        {
            row.fill(value);
        }
        odd.densities.iter_mut().for_each(|row| row.fill(value));
        made.push((format!("all {value:e}"), odd));
    }
    for sfreq in [NAN, 0.0, -250.0, 1e300] {
        made.push((format!("sfreq {sfreq}"), Made { sfreq, ..Made::new(2, 4.0, 250.0) }));
    }
    made.push(("hostile".to_owned(), hostile()));
    let one = Made { triggers: vec![5], gaps: vec![0], ..Made::new(1, 0.1, 250.0) };
    made.push(("one trigger".to_owned(), one));
    let drawn = |(name, made): (String, Made)| {
        made.draw_all(layout)
            .into_iter()
            .map(move |drawing| (format!("{name}, {}", drawing.title), drawing))
            .collect::<Vec<_>>()
    };
    let mut drawings: Vec<(String, Drawing)> = made.into_iter().flat_map(drawn).collect();
    drawings.push(("scaling".to_owned(), scaling().draw(layout)));
    let seconds = (1..=64).map(|workers| (workers, 10.0)).collect();
    let many = ScalingPicture { title: "", serial_s: 9.0, modes: vec![ModeTimes { mode: "threads", seconds }] };
    drawings.push(("scaling to 64".to_owned(), many.draw(layout)));
    for serial_s in [NAN, 0.0, 1e-300, 1e300] {
        let modes = vec![ModeTimes { mode: HOSTILE, seconds: vec![(0, NAN), (1, 2.0), (usize::MAX, 1.0)] }];
        let picture = ScalingPicture { title: HOSTILE, serial_s, modes };
        drawings.push((format!("scaling, {serial_s}"), picture.draw(layout)));
    }
    drawings
}

/// The left end, the right end and the base line of every text.
fn text_spans(drawing: &Drawing) -> Vec<(f64, f64, f64, &str)> {
    let span = |(x, y): Point, text: &str, style: TextStyle| {
        let broad = text.chars().filter(|letter| *letter >= '\u{3000}').count() as f64 * style.size * 0.4;
        let width = style.width_of(text) + broad;
        let left = match style.anchor {
            Anchor::Start => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::End => x - width,
        };
        (left, left + width, y)
    };
    let marks = drawing.marks.iter();
    marks
        .flat_map(|mark| match mark {
            Mark::Text { at, text, style } => {
                let (left, right, base) = span(*at, text, *style);
                vec![(left, right, base, text.as_str())]
            }
            Mark::Caption { at, name, remark } => {
                let (left, right, base) = span(*at, name, TextStyle::NAME);
                let (_, end, _) = span((right + 8.0, at.1), remark, TextStyle::REMARK);
                vec![(left, if remark.is_empty() { right } else { end }, base, name.as_str())]
            }
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn no_text_is_cut_and_none_covers_another_whatever_is_drawn() {
    for layout in LAYOUTS {
        for (name, drawing) in all_drawings(layout) {
            let spans = text_spans(&drawing);
            for (idx, (left, right, base, text)) in spans.iter().enumerate() {
                let inside = *left >= -0.1 && *right <= drawing.width + 0.1 && *base <= drawing.height;
                assert!(inside, "{name}, {layout:?}: {text:?} spans {left} to {right} of {}", drawing.width);
                for (other_left, other_right, other_base, other) in &spans[idx + 1..] {
                    let apart = right <= other_left || other_right <= left || (base - other_base).abs() >= 10.0;
                    assert!(apart, "{name}, {layout:?}: {text:?} and {other:?} at {base} and {other_base}");
                }
            }
        }
    }
}

#[test]
fn every_picture_is_well_formed_and_keeps_to_its_paper() {
    for layout in LAYOUTS {
        for (name, drawing) in all_drawings(layout) {
            let svg = drawing.to_svg();
            let document = Document::parse(&svg).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(document.descendants().all(|node| node.tag_name().name() != "script"), "{name}");
            for (x, y) in points(&drawing) {
                let inside = (-1.0..=drawing.width + 1.0).contains(&x) && (0.0..=drawing.height).contains(&y);
                assert!(inside, "{name}, {layout:?}: ({x}, {y}) of {} by {}", drawing.width, drawing.height);
            }
        }
    }
}

fn points(drawing: &Drawing) -> Vec<Point> {
    let of = |mark: &Mark| match mark {
        Mark::Lines { runs: lists, .. } | Mark::Areas { outlines: lists, .. } => lists.concat(),
        Mark::Dots { centres, .. } => centres.clone(),
        Mark::Box { corner: (x, y), width, height, .. } => vec![(*x, *y), (x + width, y + height)],
        _ => Vec::new(),
    };
    drawing.marks.iter().flat_map(of).collect()
}

#[test]
fn what_is_missing_or_the_same_everywhere_is_said() {
    let mut made = Made::new(1, 4.0, 250.0);
    let told =
        |made: &Made| made.draw_all(Layout::Wide).iter().map(|drawing| drawing.description.clone()).collect::<Vec<_>>();
    assert!(told(&made)[0].contains("after \u{2212}3"), "{:?}", told(&made));
    made.after[10] = NAN;
    assert!(told(&made)[0].contains("1 sample without a value"));
    made.after.fill(0.0);
    assert!(told(&made)[0].contains("after constant, 0 \u{b5}V"));
    made.after.fill(NAN);
    assert!(told(&made)[0].contains("after no data: no sample has a value"));
    made.template.fill(2e-3);
    assert!(told(&made)[1].contains("constant, 2000 \u{b5}V"));
    made.densities[1].fill(0.0);
    assert!(told(&made)[2].contains("after no data"));
    made.shifts.clear();
    assert!(told(&made)[3].contains("no trigger was moved"));
    let empty = Made::new(0, 0.0, 250.0);
    assert!(told(&empty)[3].contains("no data: there are no triggers"));
    assert!(told(&empty)[4].contains("no data: there are no epochs"));
}

#[test]
fn a_peak_of_one_sample_in_an_hour_is_drawn() {
    let mut row = vec![0.0; 360_000];
    row[123_456] = 8e-4;
    let trace = Trace { samples: &row, sfreq: 100.0, start_s: 0.0 };
    let channels = vec![ChannelSignals { name: "Cz", before: trace, after: trace, truth: None }];
    let drawing = SignalPicture { title: "", channels, triggers_s: &[] }.draw(Layout::Narrow);
    let is_signal = |mark: &&Mark| matches!(mark, Mark::Lines { colour, .. } if colour.class() == "s1");
    let Some(Mark::Lines { runs, .. }) = drawing.marks.iter().filter(is_signal).nth(1) else {
        panic!("the first is the legend's, the second the signal");
    };
    let heights: Vec<f64> = runs.concat().iter().map(|point| point.1).collect();
    let (top, bottom) = heights.iter().fold((f64::MAX, f64::MIN), |(top, bottom), y| (top.min(*y), bottom.max(*y)));
    assert!(bottom - top > 50.0 && heights.iter().filter(|y| **y < bottom - 1.0).count() == 1);
}

#[test]
fn a_page_of_64_channels_and_an_hour_stays_below_two_megabytes_and_is_the_same_every_time() {
    let made = Made::new(64, 3600.0, 50.0);
    let html = made.page();
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    keep("hour.html", &html);
    let short = Made::new(3, 8.0, 250.0);
    assert_eq!(short.page(), short.page());
    keep("index.html", &short.page());
}

#[test]
fn a_page_of_values_that_jump_at_every_sample_stays_below_two_megabytes() {
    let jump = |low: f64, high: f64| move |idx: usize| if idx.is_multiple_of(2) { low } else { high };
    let mut made = Made::new(64, 600.0, 50.0);
    for row in [&mut made.before, &mut made.after, &mut made.truth, &mut made.shifts] {
        *row = (0..row.len()).map(jump(-123.45e-6, 123.45e-6)).collect();
    }
    made.template = (0..7000).map(jump(-1e-3, 1e-3)).collect();
    made.spread = (0..7000).map(jump(1e-5, 1e-4)).collect();
    made.frequencies_hz = (0..10_000).map(|bin| f64::from(bin) * 0.01).collect();
    made.densities = [0, 1, 2].map(|_| (0..10_000).map(jump(1e-16, 1e-8)).collect());
    // Neighbouring cells differ at the finest resolution that is drawn.
    let alternating = |epoch: usize| (epoch / 56).is_multiple_of(2) || epoch.is_multiple_of(56);
    made.left_out = vec![(0..6000).map(alternating).collect(); 64];
    let html = made.page();
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    keep("jumps.html", &html);
}

/// Leaves a page in the test folder, for a look in a browser.
fn keep(name: &str, html: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("eeg-pictures");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), html).unwrap();
}

#[test]
fn pages_escape_and_bound_everything_that_they_are_given() {
    let warning = || Warning { subject: HOSTILE.to_owned(), reason: "y".repeat(100_000) };
    let table = NumberTable {
        heading: HOSTILE.to_owned(),
        about: HOSTILE.to_owned(),
        row_name: HOSTILE.to_owned(),
        columns: vec![HOSTILE.to_owned(); 50],
        rows: vec![(HOSTILE.to_owned(), vec![NAN, 1.5]); 5000],
    };
    let page = RecordingPage {
        title: HOSTILE,
        subtitle: HOSTILE,
        computed: vec![HOSTILE.to_owned()],
        warnings: vec![warning(); 5000],
        facts: vec![fact(HOSTILE, HOSTILE)],
        figures: hostile().figures(),
        tables: vec![table],
        files: vec![link(HOSTILE, HOSTILE)],
    };
    let html = page.to_html();
    assert!(!html.contains("<script") && html.matches("</svg>").count() == html.matches("<svg ").count());
    keep("hostile.html", &html);
    assert!(html.contains("4800 more") && html.contains("The first 256 of 5000 rows and 12 of 50 columns."));
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
}

#[test]
fn the_overview_names_failed_files_and_links_the_others() {
    let cleaned = |idx: usize| Cleaned {
        page: format!("recording {idx}/index.html"),
        n_channels: 32,
        minutes: 10.25,
        n_triggers: 6000,
        rms_before_uv: 1520.4,
        rms_after_uv: if idx == 1 { NAN } else { 2.31 },
        harmonics_before_db: 24.25,
        harmonics_after_db: -0.31,
        n_warnings: idx,
    };
    let row = |file: &str, outcome| FileRow { file: file.to_owned(), outcome };
    let torn = "is cut off in record 7 of 90; copy it again";
    let rows = vec![
        row("sub-01_task-rest_eeg.edf", FileOutcome::Cleaned(cleaned(0))),
        row(HOSTILE, FileOutcome::Cleaned(cleaned(1))),
        row("a_very_long_name_of_a_recording_without_any_space_in_it_20260301.vhdr", FileOutcome::Cleaned(cleaned(2))),
        row("torn.edf", FileOutcome::Failed { reason: torn.to_owned() }),
        row("odd.edf", FileOutcome::Failed { reason: HOSTILE.to_owned() }),
        row("late.edf", FileOutcome::NotStarted),
    ];
    let page = OverviewPage {
        title: "Six recordings",
        subtitle: "3 cleaned, 2 failed, 1 not started",
        facts: vec![fact("Workers", "2")],
        failures: vec![Warning { subject: "torn.edf".to_owned(), reason: torn.to_owned() }],
        files: vec![link("report.json", "the numbers of this page")],
    };
    let mut html = Vec::new();
    page.write(&mut html, rows.into_iter().map(Ok)).unwrap();
    let html = String::from_utf8(html).unwrap();
    assert!(html.contains("<a href=\"./recording%200/index.html\">sub-01_task-rest_eeg.edf</a>"));
    assert!(html.contains("<span class=\"failed\">failed</span>: is cut off in record 7 of 90"));
    assert!(html.contains("cleaned, 2 warnings") && html.contains("10.2") && !html.contains("<script"));
    assert_eq!(html.matches("\u{2013}</td>").count(), 1);
    keep("overview.html", &html);
}

#[test]
fn an_overview_of_nothing_and_an_error_among_rows_are_told() {
    let page = OverviewPage { title: "None", ..OverviewPage::default() };
    let mut html = Vec::new();
    page.write(&mut html, []).unwrap();
    let html = String::from_utf8(html).unwrap();
    assert!(html.contains("There is no recording to show.") && html.contains("No file failed."));
    let lost = std::io::Error::other("lost");
    assert_eq!(page.write(&mut Vec::new(), [Err(lost)]).unwrap_err().to_string(), "lost");
}
