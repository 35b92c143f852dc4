//! Pictures and page: well-formed, self-contained, honest about gaps, the same every time.
//!
//! The page of the synthetic night stays in the test folder (`target/tmp/pictures/index.html`), for a look in a browser.
use std::path::Path;

use proptest::prelude::*;
use roxmltree::Document;
use sleep_analysis::pictures::{
    Band, Drawing, EpochTimes, Fact, Figure, Layout, Link, NightPicture, Page, SpectrogramPicture, Track, TrackColour,
    Warning,
};
use sleep_analysis::{Column, FeatureTable, SleepError, SleepResult, SleepStage};

const EPOCH_NS: i64 = 30_000_000_000;
const EVENING_NS: i64 = 1_772_490_000_000_000_000; // 2026-03-02 22:20:00 UTC
const HOSTILE: &str = "EEG <C3>&\"M2'</svg><script>\u{1} \u{b5}V Schl\u{e4}fer \u{7720}\u{308b}";
const BANDS: [&str; 6] = ["Delta", "Theta", "Alpha", "Sigma", "Beta", "Gamma"];
const NAN: f64 = f64::NAN;

/// Columns of a made-up night: plausible shapes without a claim to physiology.
struct Night {
    starts_ns: Vec<i64>,
    stages: Vec<Option<SleepStage>>,
    frequencies_hz: Vec<f64>,
    density: Vec<f64>,
    bands: Vec<Vec<f64>>,
    heart_rate: Vec<f64>,
    heart_rate_std: Vec<f64>,
    activity: Vec<f64>,
}

impl Night {
    fn new(n_epochs: usize) -> Self {
        let mut noise = Noise(7);
        let frequencies_hz: Vec<f64> = (0..=200).map(|bin| f64::from(bin) * 0.25).collect();
        let starts_ns = (0..n_epochs).map(|idx| EVENING_NS + idx as i64 * EPOCH_NS).collect();
        let stages: Vec<_> = (0..n_epochs).map(|idx| stage_at(idx, n_epochs)).collect();
        let density: Vec<f64> = stages.iter().flat_map(|stage| spectrum(*stage, &frequencies_hz, &mut noise)).collect();
        let bands = relative_bands(&density, frequencies_hz.len());
        let heart_rate: Vec<f64> = (0..n_epochs)
            .map(|idx| match stages[idx] {
                _ if (n_epochs * 6 / 10..n_epochs * 13 / 20).contains(&idx) => NAN,
                Some(SleepStage::Wake) => 68.0 + 4.0 * noise.next(),
                Some(SleepStage::Rem) => 60.0 + 5.0 * noise.next(),
                _ => 56.0 - 5.0 * idx as f64 / n_epochs as f64 + 1.5 * noise.next(),
            })
            .collect();
        let heart_rate_std = heart_rate.iter().map(|rate| rate * (0.03 + 0.02 * noise.next().abs())).collect();
        let activity = stages
            .iter()
            .map(|stage| match stage {
                Some(SleepStage::Wake) => 0.2 + 0.5 * noise.next().abs(),
                _ if noise.next() > 0.9 => 0.4 * noise.next().abs(),
                _ => 0.01 * noise.next().abs(),
            })
            .collect();
        Self { starts_ns, stages, frequencies_hz, density, bands, heart_rate, heart_rate_std, activity }
    }

    fn epochs(&self) -> EpochTimes<'_> {
        EpochTimes { starts_ns: &self.starts_ns, length_ns: EPOCH_NS }
    }

    fn hypnogram(&self) -> NightPicture<'_> {
        NightPicture {
            title: "Synthetic night: hypnogram and features",
            epochs: self.epochs(),
            stages: Some(&self.stages),
            tracks: vec![
                Track::line("Relative delta power", "share of 0.5\u{2013}40 Hz", &self.bands[0]),
                Track::line("Heart rate", "beats/min", &self.heart_rate).coloured(TrackColour::Red),
                Track::filled("Movement activity", "g", &self.activity).coloured(TrackColour::Green),
            ],
        }
    }

    fn trends(&self) -> NightPicture<'_> {
        NightPicture {
            title: "Synthetic night: heart rate and movement",
            stages: None,
            tracks: vec![
                Track::line("Heart rate", "beats/min", &self.heart_rate)
                    .with_spread(&self.heart_rate_std)
                    .coloured(TrackColour::Red),
                Track::filled("Movement activity", "g", &self.activity).coloured(TrackColour::Green),
            ],
            ..self.hypnogram()
        }
    }

    fn spectrogram(&self) -> SpectrogramPicture<'_> {
        let band = |(label, relative)| Band { label, relative };
        SpectrogramPicture {
            title: "Synthetic night: spectrogram and band powers",
            channel: "C3-M2",
            unit: "\u{b5}V\u{b2}/Hz",
            epochs: self.epochs(),
            frequencies_hz: &self.frequencies_hz,
            density: &self.density,
            bands: BANDS.into_iter().zip(self.bands.iter().map(Vec::as_slice)).map(band).collect(),
        }
    }

    fn draw_all(&self, layout: Layout) -> SleepResult<[Drawing; 3]> {
        Ok([self.hypnogram().draw(layout)?, self.spectrogram().draw(layout)?, self.trends().draw(layout)?])
    }

    fn table(&self) -> FeatureTable {
        let mut columns = vec![
            column("heart_rate|hr_mean", &self.heart_rate),
            column("heart_rate|hr_std", &self.heart_rate_std),
            column("movement|activity", &self.activity),
        ];
        columns.extend(self.bands.iter().zip(BANDS).map(|(values, band)| column(&format!("C3-M2|rel_{band}"), values)));
        FeatureTable { epoch_starts_ns: self.starts_ns.clone(), columns }
    }
}

/// Numbers between -1 and 1 from a linear congruential generator.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

fn stage_at(idx: usize, n_epochs: usize) -> Option<SleepStage> {
    let cycle = 5.0 * idx as f64 / n_epochs as f64;
    let deep = if cycle < 2.5 { 0.62 } else { 0.3 };
    match cycle.fract() {
        _ if n_epochs > 100 && (500..512).contains(&idx) => None,
        _ if !(0.15..=4.9).contains(&cycle) || (cycle > 3.45 && cycle < 3.5) => Some(SleepStage::Wake),
        part if part < 0.08 => Some(SleepStage::N1),
        part if part < 0.25 => Some(SleepStage::N2),
        part if part < deep => Some(SleepStage::N3),
        part if part < 0.78 => Some(SleepStage::N2),
        part if part < 0.8 => Some(SleepStage::N1),
        _ => Some(SleepStage::Rem),
    }
}

fn spectrum(stage: Option<SleepStage>, frequencies_hz: &[f64], noise: &mut Noise) -> Vec<f64> {
    let (delta, alpha, sigma) = match stage {
        None => (NAN, NAN, NAN),
        Some(SleepStage::Wake) => (30.0, 12.0, 0.0),
        Some(SleepStage::Rem) => (40.0, 1.0, 0.0),
        Some(SleepStage::N1) => (60.0, 3.0, 0.5),
        Some(SleepStage::N2) => (200.0, 1.0, 5.0),
        Some(SleepStage::N3) => (900.0, 1.0, 2.0),
    };
    let bump = |frequency: f64, centre: f64, width: f64| (-((frequency - centre) / width).powi(2)).exp();
    let power = |frequency: &f64| {
        let smooth = delta / (1.0 + frequency.powf(2.2))
            + alpha * bump(*frequency, 10.0, 1.2)
            + sigma * bump(*frequency, 13.3, 0.8);
        (smooth + 0.15) * (0.6 * noise.next()).exp()
    };
    frequencies_hz.iter().map(power).collect()
}

fn relative_bands(density: &[f64], n_frequencies: usize) -> Vec<Vec<f64>> {
    let edges = [(2, 16), (16, 32), (32, 48), (48, 64), (64, 120), (120, 160)];
    let share = |spectrum: &[f64], (low, high): (usize, usize)| {
        spectrum[low..high].iter().sum::<f64>() / spectrum[2..160].iter().sum::<f64>()
    };
    edges.map(|edge| density.chunks(n_frequencies).map(|spectrum| share(spectrum, edge)).collect()).to_vec()
}

fn column(name: &str, values: &[f64]) -> Column {
    Column::new(name, values.to_vec())
}

fn fact(name: &str, value: &str) -> Fact {
    Fact { name: name.to_owned(), value: value.to_owned() }
}

fn link(path: &str, about: &str) -> Link {
    Link { path: path.to_owned(), about: about.to_owned() }
}

fn figures(night: &Night) -> Vec<Figure> {
    let texts = [
        (
            "hypnogram",
            "Hypnogram and features",
            "Stages as scored, REM as the heavy bar. Blank stretches have no data.",
        ),
        (
            "spectrogram",
            "Spectrogram and band powers",
            "Welch power of each epoch; colours from the 2nd to the 98th percentile.",
        ),
        (
            "heart_rate_movement",
            "Heart rate and movement",
            "Mean of each epoch, with one standard deviation around it.",
        ),
    ];
    let pairs = night.draw_all(Layout::Wide).unwrap().into_iter().zip(night.draw_all(Layout::Narrow).unwrap());
    let figure = |((wide, narrow), (file, heading, caption)): ((Drawing, Drawing), (&str, &str, &str))| Figure {
        heading: heading.to_owned(),
        caption: caption.to_owned(),
        files: vec![link(&format!("{file}.svg"), "SVG"), link(&format!("{file}.png"), "PNG")],
        wide,
        narrow,
    };
    pairs.zip(texts).map(figure).collect()
}

fn page<'a>(night: &Night, table: &'a FeatureTable) -> Page<'a> {
    Page {
        title: "Synthetic night 7",
        subtitle: "2026-03-02 22:20:00 to 2026-03-03 06:20:00 UTC, 8 h 0 min, 4 signals",
        computed: vec![
            "12 features of 960 epochs of 30 s: heart rate, movement, EEG bands.".to_owned(),
            "4 signals aligned to one grid at 25 Hz by nearest sample.".to_owned(),
        ],
        facts: [
            ("Epochs", "960"),
            ("Features", "9"),
            ("Failures", "2"),
            ("Wall time", "1.84 s"),
            ("Mode", "threads"),
            ("Workers", "2"),
            ("Cache hits", "0 of 960 (0 %)"),
            ("Cache entries", "960"),
        ]
        .map(|(name, value)| fact(name, value))
        .to_vec(),
        warnings: vec![
            Warning { subject: "epochs 500 to 511".to_owned(), reason: "EEG \"C3-M2\" has NaN inside".to_owned() },
            Warning {
                subject: "signal \"SpO\u{2082}\"".to_owned(),
                reason: "no sample in the span; left out".to_owned(),
            },
        ],
        figures: figures(night),
        features: Some(table),
        files: vec![
            link("features.csv", "one row per epoch"),
            link("aligned.csv", "all signals on one grid"),
            link("summary.json", "the numbers of this page"),
        ],
    }
}

/// The `d` of every path whose class is this.
fn paths(svg: &str, class: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    let is_meant = |node: &roxmltree::Node<'_, '_>| node.has_tag_name("path") || node.tag_name().name() == "path";
    let nodes = document.descendants().filter(is_meant).filter(|node| node.attribute("class") == Some(class));
    nodes.filter_map(|node| node.attribute("d").map(str::to_owned)).collect()
}

fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).unwrap();
    let nodes = document.descendants().filter(|node| ["text", "tspan"].contains(&node.tag_name().name()));
    nodes.filter_map(|node| node.text().map(str::to_owned)).collect()
}

fn png_size(png: &[u8]) -> (u32, u32) {
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

fn one_track(starts_ns: &[i64], track: Track<'_>) -> String {
    let epochs = EpochTimes { starts_ns, length_ns: EPOCH_NS };
    NightPicture { title: "One", epochs, stages: None, tracks: vec![track] }.draw(Layout::Wide).unwrap().to_svg()
}

fn starts(n_epochs: i64) -> Vec<i64> {
    (0..n_epochs).map(|idx| EVENING_NS + idx * EPOCH_NS).collect()
}

#[test]
fn every_picture_of_any_length_is_well_formed_and_keeps_to_its_paper() {
    for n_epochs in [0, 1, 4, 960, 5000] {
        let night = Night::new(n_epochs);
        for layout in [Layout::Wide, Layout::Narrow] {
            for drawing in night.draw_all(layout).unwrap() {
                let svg = drawing.to_svg();
                let document = Document::parse(&svg).unwrap_or_else(|error| panic!("{n_epochs} epochs: {error}"));
                assert_eq!(document.root_element().tag_name().namespace(), Some("http://www.w3.org/2000/svg"));
                let numbers = attributes(&document, &["x", "y", "width", "height", "d"]);
                assert!(!numbers.contains("NaN") && !numbers.contains("inf"), "{n_epochs} epochs: {}", drawing.title());
                let (width, _) = drawing.size();
                for (x, text) in text_places(&document) {
                    assert!((0.0..=width).contains(&x), "{text} at {x} of {width}");
                }
            }
        }
    }
}

/// The values of these attributes, one after the other.
fn attributes(document: &Document<'_>, names: &[&str]) -> String {
    let all = document.descendants().flat_map(|node| node.attributes().collect::<Vec<_>>());
    all.filter(|attribute| names.contains(&attribute.name()))
        .map(|attribute| format!("{} ", attribute.value()))
        .collect()
}

fn text_places(document: &Document<'_>) -> Vec<(f64, String)> {
    let nodes = document.descendants().filter(|node| node.tag_name().name() == "text");
    nodes.map(|node| (node.attribute("x").unwrap().parse().unwrap(), node.text().unwrap_or("").to_owned())).collect()
}

#[test]
fn empty_and_gap_only_nights_say_no_data_in_every_panel() {
    let gaps = [NAN; 3];
    let density = [NAN; 6];
    for (starts_ns, n) in [(starts(0), 0), (starts(3), 3)] {
        let epochs = EpochTimes { starts_ns: &starts_ns, length_ns: EPOCH_NS };
        let tracks = vec![Track::line("Heart rate", "", &gaps[..n]), Track::filled("Activity", "g", &gaps[..n])];
        let stages = [None; 3];
        let night = NightPicture { title: "Gaps", epochs, stages: Some(&stages[..n]), tracks };
        let band = Band { label: "Delta", relative: &gaps[..n] };
        let spectrogram = SpectrogramPicture {
            title: "Gaps",
            channel: "C3",
            unit: "V",
            epochs,
            frequencies_hz: &[0.0, 1.0],
            density: &density[..2 * n],
            bands: vec![band],
        };
        for layout in [Layout::Wide, Layout::Narrow] {
            let pictures = [(night.draw(layout).unwrap(), 3), (spectrogram.draw(layout).unwrap(), 2)];
            for (drawing, n_panels) in pictures {
                let said = texts(&drawing.to_svg()).iter().filter(|text| *text == "no data").count();
                assert_eq!(said, n_panels, "{n} epochs, {layout:?}");
                assert!(drawing.description().contains("no data"));
                png_size(&drawing.to_png());
            }
        }
    }
}

#[test]
fn a_gap_in_values_or_in_time_breaks_the_line_and_is_never_bridged() {
    let whole: Vec<f64> = (0..100).map(f64::from).collect();
    let runs = |starts_ns: &[i64], values: &[f64]| {
        let line = paths(&one_track(starts_ns, Track::line("Rate", "", values)), "s-s0");
        line[0].matches('M').count()
    };
    assert_eq!(runs(&starts(100), &whole), 1);
    let mut holed = whole.clone();
    holed[40] = NAN;
    holed[41] = f64::INFINITY;
    assert_eq!(runs(&starts(100), &holed), 2);
    let mut late = starts(100);
    late[70..].iter_mut().for_each(|start| *start += 10 * EPOCH_NS);
    assert_eq!(runs(&late, &whole), 2);
}

#[test]
fn the_spread_band_breaks_where_the_spread_is_missing() {
    let values = [60.0; 100];
    let mut spread = [2.0; 100];
    spread[50] = NAN;
    let svg = one_track(&starts(100), Track::line("Rate", "", &values).with_spread(&spread));
    assert_eq!(paths(&svg, "f-s0")[0].matches('M').count(), 2);
    assert_eq!(paths(&svg, "s-s0")[0].matches('M').count(), 1);
}

#[test]
fn a_lone_epoch_between_gaps_is_a_dot() {
    let mut values = vec![NAN; 100];
    values[50] = 61.0;
    let svg = one_track(&starts(100), Track::line("Rate", "", &values));
    let drawn = paths(&svg, "s-s0");
    assert!(drawn[0].is_empty(), "{drawn:?}");
    assert_eq!(drawn[1].matches("h0").count(), 1);
}

#[test]
fn the_hypnogram_shows_rem_as_bars_and_breaks_where_nothing_was_scored() {
    use SleepStage::{N2, Rem, Wake};
    let stages = [Some(Wake), Some(Rem), Some(Rem), None, Some(Rem), Some(N2)];
    let starts_ns = starts(6);
    let epochs = EpochTimes { starts_ns: &starts_ns, length_ns: EPOCH_NS };
    let picture = NightPicture { title: "Stages", epochs, stages: Some(&stages), tracks: Vec::new() };
    let drawing = picture.draw(Layout::Wide).unwrap();
    let svg = drawing.to_svg();
    assert_eq!(paths(&svg, "s-rem")[0].matches('M').count(), 2);
    assert_eq!(paths(&svg, "s-stage")[0].matches('M').count(), 2);
    let rows: Vec<String> =
        texts(&svg).into_iter().filter(|text| SleepStage::TOP_DOWN.iter().any(|stage| stage.label() == text)).collect();
    assert_eq!(rows, ["Wake", "REM", "N1", "N2", "N3"]);
    assert!(drawing.description().contains("REM 1.5 min (60 %)"), "{}", drawing.description());
}

#[test]
fn labels_of_any_kind_cannot_leave_their_place() {
    let night = Night::new(4);
    let mut hypnogram = night.hypnogram();
    hypnogram.title = HOSTILE;
    hypnogram.tracks[0].label = HOSTILE;
    let mut spectrogram = night.spectrogram();
    spectrogram.channel = HOSTILE;
    spectrogram.bands[0].label = HOSTILE;
    for drawing in [hypnogram.draw(Layout::Wide).unwrap(), spectrogram.draw(Layout::Narrow).unwrap()] {
        let svg = drawing.to_svg();
        let document = Document::parse(&svg).unwrap();
        assert!(document.descendants().all(|node| node.tag_name().name() != "script"));
        png_size(&drawing.to_png());
    }
    let shown = HOSTILE.replace('\u{1}', "\u{fffd}");
    let svg = hypnogram.draw(Layout::Wide).unwrap().to_svg();
    // Once as the title, once as the label.
    assert_eq!(texts(&svg).iter().filter(|text| **text == shown).count(), 2, "{:?}", texts(&svg));
}

#[test]
fn the_page_escapes_everything_that_it_is_given() {
    let table = FeatureTable { epoch_starts_ns: vec![0], columns: vec![column(HOSTILE, &[1.5])] };
    let text = HOSTILE.to_owned();
    let html = Page {
        title: HOSTILE,
        subtitle: HOSTILE,
        computed: vec![text.clone()],
        facts: vec![fact(HOSTILE, HOSTILE)],
        warnings: vec![Warning { subject: text.clone(), reason: text.clone() }],
        figures: Vec::new(),
        features: Some(&table),
        files: vec![link("javascript:alert(1)\"><b>.csv", HOSTILE)],
    }
    .to_html();
    assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("href=\"javascript"));
    assert!(html.contains("href=\"./javascript%3Aalert%281%29%22%3E%3Cb%3E.csv\""));
    assert_eq!(html.matches("&lt;script&gt;").count(), 10);
}

#[test]
fn page_and_pictures_refer_to_nothing_outside_but_the_named_files() {
    let night = Night::new(960);
    let table = night.table();
    let html = page(&night, &table).to_html().replace("http://www.w3.org/2000/svg", "");
    for forbidden in ["http:", "https:", "//", "<script", "@import", "url(", "src="] {
        let outside_data =
            html.split("data:image/png;base64,").map(|part| part.trim_start_matches(is_base64)).collect::<String>();
        assert!(!outside_data.contains(forbidden), "{forbidden}");
    }
    let hrefs: Vec<&str> = html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(hrefs.iter().all(|href| href.starts_with("./") || href.starts_with("data:image/png;base64,")));
    for file in ["./features.csv", "./aligned.csv", "./summary.json", "./hypnogram.svg", "./spectrogram.png"] {
        assert!(hrefs.contains(&file), "{file}");
    }
}

fn is_base64(character: char) -> bool {
    character.is_ascii_alphanumeric() || "+/=".contains(character)
}

#[test]
fn every_picture_on_the_page_has_a_name_and_a_description_of_its_own() {
    let night = Night::new(960);
    let table = night.table();
    let html = page(&night, &table).to_html();
    let ids: Vec<&str> = html.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let labels: Vec<&str> =
        html.split("aria-labelledby=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!((ids.len(), labels.len()), (12, 6));
    assert!((1..ids.len()).all(|idx| !ids[..idx].contains(&ids[idx])), "{ids:?}");
    assert!(labels.iter().flat_map(|label| label.split(' ')).all(|label| ids.contains(&label)));
    assert!(html.contains("prefers-color-scheme:dark") && html.contains("name=\"viewport\""));
}

#[test]
fn the_page_names_what_failed_and_says_so_when_nothing_did() {
    let night = Night::new(4);
    let table = night.table();
    let mut page = page(&night, &table);
    let html = page.to_html();
    assert!(html.contains("<strong>epochs 500 to 511</strong>: EEG &quot;C3-M2&quot; has NaN inside"));
    assert!(!html.contains("Nothing failed"));
    page.warnings.clear();
    assert!(page.to_html().contains("Nothing failed and nothing was left out"));
}

#[test]
fn the_table_excerpt_shows_gaps_as_dashes_and_says_how_much_it_leaves_out() {
    let columns = (0..9).map(|idx| column(&format!("hr|f{idx}"), &[NAN; 20])).collect();
    let table = FeatureTable { epoch_starts_ns: starts(20), columns };
    let html = Page { features: Some(&table), ..Page::default() }.to_html();
    assert!(html.contains("12 of 20 epochs, 8 of 9 features"));
    assert_eq!(html.matches("<td>\u{2013}</td>").count(), 12 * 8);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (one, other) = (Night::new(300), Night::new(300));
    let (table, other_table) = (one.table(), other.table());
    assert_eq!(page(&one, &table).to_html(), page(&other, &other_table).to_html());
    let pngs = |night: &Night| night.draw_all(Layout::Narrow).unwrap().map(|drawing| drawing.to_png());
    assert_eq!(pngs(&one), pngs(&other));
}

#[test]
fn the_png_has_twice_the_pixels_and_shows_the_picture() {
    let night = Night::new(120);
    for drawing in night.draw_all(Layout::Wide).unwrap() {
        let png = drawing.to_png();
        let (width, height) = drawing.size();
        assert_eq!(png_size(&png), ((2.0 * width).ceil() as u32, (2.0 * height).ceil() as u32));
        let mut reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let painted = pixels.chunks(4).filter(|pixel| pixel[..3] != [255, 255, 255]).count();
        assert!(painted * 3 > pixels.len() / 4, "{painted} of {} pixels painted", pixels.len() / 4);
    }
}

#[test]
fn the_heat_map_has_low_frequencies_below_and_gaps_left_open() {
    // Two frequencies, three epochs: strong and weak, a gap, weak and strong.
    let density = [100.0, 1.0, NAN, NAN, 1.0, 100.0];
    let starts_ns = starts(3);
    let picture = SpectrogramPicture {
        title: "Corners",
        channel: "C3",
        unit: "V\u{b2}/Hz",
        epochs: EpochTimes { starts_ns: &starts_ns, length_ns: EPOCH_NS },
        frequencies_hz: &[1.0, 2.0],
        density: &density,
        bands: Vec::new(),
    };
    let drawing = picture.draw(Layout::Wide).unwrap();
    let levels = first_heat_map(&drawing.to_svg());
    assert_eq!(levels, [1, 0, 255, 255, 0, 1]);
    assert!(texts(&drawing.to_svg()).iter().any(|text| text.contains("grey: no data")));
}

/// The palette indices of the last heat map in a drawing; the colour bar comes before it.
fn first_heat_map(svg: &str) -> Vec<u8> {
    use base64::Engine;
    let document = Document::parse(svg).unwrap();
    let image = document.descendants().rfind(|node| node.tag_name().name() == "image").unwrap();
    let data = image.attribute("href").unwrap().strip_prefix("data:image/png;base64,").unwrap();
    let png = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut levels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut levels).unwrap();
    levels.truncate(frame.buffer_size());
    levels
}

#[test]
fn lists_that_do_not_fit_are_refused_by_name() {
    let starts_ns = starts(3);
    let epochs = EpochTimes { starts_ns: &starts_ns, length_ns: EPOCH_NS };
    let night = |tracks| NightPicture { title: "", epochs, stages: None, tracks }.draw(Layout::Wide);
    let message = |result: SleepResult<Drawing>| match result {
        Err(SleepError::Config(message)) => message,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        message(night(vec![Track::line("Rate", "", &[1.0])])),
        "\"Rate\" has 1 values for 3 epochs; give one per epoch, NaN where there is none"
    );
    assert!(message(night(vec![Track::line("Rate", "", &[1.0; 3]).with_spread(&[1.0; 2])])).contains("2 values"));
    let at = |starts_ns: &[i64], length_ns| {
        let epochs = EpochTimes { starts_ns, length_ns };
        message(NightPicture { title: "", epochs, stages: None, tracks: Vec::new() }.draw(Layout::Wide))
    };
    assert!(at(&[0, 5, 5], 1).contains("epoch 2 starts at 5 ns"));
    assert!(at(&[0], 0).contains("no length"));
    let spectrogram = |frequencies_hz: &[f64], density: &[f64]| {
        let bands = Vec::new();
        let picture = SpectrogramPicture { title: "", channel: "", unit: "", epochs, frequencies_hz, density, bands };
        message(picture.draw(Layout::Wide))
    };
    assert!(spectrogram(&[0.0, 1.0], &[1.0; 5]).contains("5 values for 3 epochs of 2 frequencies"));
    assert!(spectrogram(&[0.0, 1.0, 5.0], &[1.0; 9]).contains("do not ascend"));
    assert!(spectrogram(&[0.0, NAN], &[1.0; 6]).contains("do not ascend"));
}

#[test]
fn a_very_long_recording_stays_a_small_picture() {
    let n = 200_000;
    let values: Vec<f64> = (0..n).map(|idx| (f64::from(idx) / 50.0).sin()).collect();
    let spread = vec![0.1; values.len()];
    let svg = one_track(&starts(i64::from(n)), Track::line("Rate", "", &values).with_spread(&spread));
    assert!(svg.len() < 150_000, "{} bytes", svg.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_any_times_and_any_values_give_well_formed_pictures(
        title in any::<String>(),
        first in any::<i64>(),
        steps in proptest::collection::vec(1_i64..1 << 60, 0..20),
        values in proptest::collection::vec(proptest::num::f64::ANY, 20),
        length_ns in 1..=i64::MAX,
    ) {
        let starts_ns: Vec<i64> = steps.iter().scan(Some(first), |at, step| {
            let here = (*at)?;
            *at = here.checked_add(*step);
            Some(here)
        }).collect();
        let values = &values[..starts_ns.len()];
        let epochs = EpochTimes { starts_ns: &starts_ns, length_ns };
        let tracks = vec![Track::line(&title, &title, values).with_spread(values), Track::filled("", "", values)];
        let night = NightPicture { title: &title, epochs, stages: None, tracks };
        let band = Band { label: &title, relative: values };
        let spectrogram = SpectrogramPicture {
            title: &title, channel: &title, unit: &title, epochs, frequencies_hz: &[8.0], density: values, bands: vec![band],
        };
        for drawing in [night.draw(Layout::Wide), spectrogram.draw(Layout::Narrow)] {
            let svg = drawing.unwrap().to_svg();
            let document = Document::parse(&svg);
            prop_assert!(document.is_ok(), "{}", svg);
            let numbers = attributes(&document.unwrap(), &["x", "y", "width", "height", "d"]);
            prop_assert!(!numbers.contains("NaN") && !numbers.contains("inf"), "{}", svg);
        }
    }
}

#[test]
fn the_page_and_its_pictures_can_be_looked_at() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pictures");
    std::fs::create_dir_all(&folder).unwrap();
    let night = Night::new(960);
    let table = night.table();
    let page = page(&night, &table);
    std::fs::write(folder.join("index.html"), page.to_html()).unwrap();
    for figure in &page.figures {
        std::fs::write(folder.join(&figure.files[0].path), figure.wide.to_svg()).unwrap();
        std::fs::write(folder.join(&figure.files[1].path), figure.wide.to_png()).unwrap();
        assert!(figure.wide.to_svg().len() < 400_000, "{}", figure.heading);
    }
    let titled = |title: &'static str, n_epochs: usize| Page {
        title,
        figures: figures(&Night::new(n_epochs)),
        ..Page::default()
    };
    for (file, title, n_epochs) in
        [("two_minutes", "Two minutes", 4), ("one_epoch", HOSTILE, 1), ("no_epochs", "Nothing", 0)]
    {
        std::fs::write(folder.join(file).with_extension("html"), titled(title, n_epochs).to_html()).unwrap();
    }
    assert!(page.to_html().len() < 1_500_000, "{} bytes", page.to_html().len());
}
