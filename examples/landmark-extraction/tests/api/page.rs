//! The page of a run: well-formed, of bounded size, honest about what failed, with the landmarks where they belong.
//!
//! The page stays in the test folder (`target/tmp/landmark-page`), for a look in a browser.

use std::fs;
use std::path::Path;
use std::time::Duration;

use consumer_support::page::{Fact, Link, Warning};
use landmark_extraction::page::{
    PartError, RanModels, RunView, ShownFrame, SplitView, Why, choose, rows_to_show, write_page,
};
use landmark_extraction::picture::Picture;
use landmark_extraction::row::{FACE, LEFT_HAND, POSE, RIGHT_HAND, ROW};
use landmark_extraction::sample::{SampleFigures, SampleStatus};
use manyhands_test_support::rng::Rng;
use roxmltree::Document;

const HOSTILE: &str = "<b>&\"'</section><script>\u{1}alert(1)</script> \u{7720}\u{308b}";

fn figures(id: &str, ok: usize, face: usize, hand: usize) -> SampleFigures {
    SampleFigures {
        sample_id: id.to_owned(),
        split: "train".to_owned(),
        num_frames: ok + 2,
        frames_ok: ok,
        frames_torn: 1,
        frames_missing: 1,
        frames_with_pose: ok,
        frames_with_right_hand: hand,
        frames_with_hand: hand,
        frames_with_face: face,
        processing_time: 1.25,
        ..SampleFigures::default()
    }
}

fn failed(id: &str, error: &str) -> SampleFigures {
    let error = error.to_owned();
    SampleFigures { sample_id: id.to_owned(), status: SampleStatus::Failed, error, ..SampleFigures::default() }
}

/// A page without anything but this.
fn empty<'a>() -> RunView<'a> {
    RunView {
        title: "data",
        subtitle: "",
        models: RanModels::Made,
        splits: vec![],
        facts: vec![],
        errors: vec![],
        shown: vec![],
        warnings: vec![],
        files: vec![],
    }
}

/// The page's text nodes and elements; fails unless it is well-formed.
fn parsed(html: &str) -> Document<'_> {
    let body = html.strip_prefix("<!DOCTYPE html>\n").unwrap();
    // The head's two void elements are the only ones that XML has no like of.
    let start = body.find("<body>").unwrap();
    let end = body.rfind("</html>").unwrap();
    Document::parse(&body[start..end]).unwrap_or_else(|error| panic!("{error}"))
}

/// A row with a hand of fingers that spread from the wrist, and a face of rings.
fn row_with(parts: &[std::ops::Range<usize>]) -> Vec<f32> {
    let mut row = vec![f32::NAN; ROW];
    for part in parts {
        let step = if *part == POSE { 4 } else { 3 };
        for (index, point) in row[part.clone()].chunks_exact_mut(step).enumerate() {
            let (angle, radius) = (index as f32 * 0.7, 0.05 + 0.1 * (index % 7) as f32 / 7.0);
            let center = if *part == LEFT_HAND { 0.7 } else { 0.35 };
            point.fill(1.0);
            point[0] = center + radius * angle.cos();
            point[1] = 0.5 + radius * angle.sin();
        }
    }
    row
}

#[test]
fn a_page_shows_models_splits_frames_failures_and_warnings_and_escapes_all_text() {
    let picture = gradient(320, 180);
    let found = row_with(&[POSE, LEFT_HAND, FACE]);
    let nothing = vec![f32::NAN; ROW];
    let train = [figures("wave", 8, 4, 6), failed(HOSTILE, HOSTILE)];
    let split = SplitView {
        name: HOSTILE,
        n_samples: 5,
        figures: &train,
        wall: Duration::from_secs(4),
        busy: Duration::from_secs(7),
        cpu: Some(Duration::from_millis(6900)),
        frames_of_this_run: 10,
    };
    let shown = |title, name, row| ShownFrame { title, name, picture: &picture, row };
    let run = RunView {
        title: HOSTILE,
        subtitle: HOSTILE,
        models: RanModels::Files { folder: Path::new(HOSTILE) },
        splits: vec![split],
        facts: vec![Fact { name: HOSTILE.into(), value: HOSTILE.into() }],
        errors: vec![PartError {
            part: HOSTILE.into(),
            mean_px: 0.81,
            largest_px: 3.0,
            mean_share: 0.011,
            largest_share: f64::NAN,
            n_right: 40,
            n_wrong: 1,
        }],
        shown: vec![shown(HOSTILE, HOSTILE, &found), shown(HOSTILE, "b.png", &nothing)],
        warnings: vec![Warning { subject: HOSTILE.into(), reason: "is torn".into() }],
        files: vec![Link { path: HOSTILE.into(), about: HOSTILE.into() }],
    };
    let html = run.to_html();
    assert_eq!(html, run.to_html());
    let page = parsed(&html);
    assert!(page.descendants().all(|node| !node.has_tag_name("script")));
    let text: String = page.descendants().filter_map(|node| node.text().filter(|_| node.is_text())).collect();
    for part in [
        "The MediaPipe models of the folder",
        "2 of 5",
        "50.0\u{a0}%", // 4 faces in 8 frames that were read
        "75.0\u{a0}%",
        "8.01.2\u{a0}s2.54.0\u{a0}s", // 10 rows in 1.25 s of a worker; this run: 10 frames in 4 s
        "7.0\u{a0}s / 6.9\u{a0}s",
        "0.81",
        "1.10",
        "body, left hand, face",
        "nothing found",
        "is torn",
    ] {
        assert!(text.contains(part), "{part:?} is not on the page: {text}");
    }
    assert_eq!(page.descendants().filter(|node| node.has_tag_name("img")).count(), 2);
    assert_eq!(page.descendants().filter(|node| node.has_tag_name("h3")).count(), 1, "frames of one title share it");
}

#[test]
fn the_made_models_are_named_with_the_way_to_real_ones_and_an_empty_run_says_so() {
    let html = empty().to_html();
    let page = parsed(&html);
    let text: String = page.descendants().filter_map(|node| node.text().filter(|_| node.is_text())).collect();
    for part in
        ["not for real footage", "models unpack WHEEL", "There is no split", "no frame to show", "No sample failed"]
    {
        assert!(text.contains(part), "{part:?} is not on the page: {text}");
    }
}

#[test]
fn a_page_of_a_huge_run_stays_below_five_megabytes_and_counts_what_it_leaves_out() {
    let mut rng = Rng::for_test("page size");
    let noise: Vec<u8> = (0..288 * 288 * 3).map(|_| rng.next_u64() as u8).collect();
    let noise = Picture::new(288, 288, noise).unwrap();
    let row = vec![f32::NAN; ROW];
    let shown = (0..40).map(|_| ShownFrame { title: "noise", name: "n.png", picture: &noise, row: &row }).collect();
    let samples: Vec<_> =
        (0..5000).map(|index| failed(&format!("sample {index}"), &"long reason ".repeat(200))).collect();
    let split = SplitView {
        name: "train",
        n_samples: 5000,
        figures: &samples,
        wall: Duration::ZERO,
        busy: Duration::ZERO,
        cpu: None,
        frames_of_this_run: 0,
    };
    let warnings =
        (0..5000).map(|index| Warning { subject: format!("frame {index}"), reason: "is torn ".repeat(100) }).collect();
    let html = RunView { shown, splits: vec![split], warnings, ..empty() }.to_html();
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    assert_eq!(html.matches("4800 more").count(), 2);
    assert!(html.contains("of 40 frames are not shown"));
    parsed(&html);
}

/// The pixels of the one picture on a page.
fn drawn(picture: &Picture, row: &[f32]) -> Picture {
    let html = RunView { shown: vec![ShownFrame { title: "t", name: "n", picture, row }], ..empty() }.to_html();
    let start = html.find("base64,").unwrap() + 7;
    let end = start + html[start..].find('"').unwrap();
    Picture::decode(&base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &html[start..end]).unwrap())
        .unwrap()
}

#[test]
fn landmarks_are_drawn_where_they_are_in_colours_of_their_parts() {
    let picture = Picture::new(576, 288, vec![0; 576 * 288 * 3]).unwrap();
    let plain = drawn(&picture, &vec![f32::NAN; ROW]);
    assert_eq!((plain.width(), plain.height()), (268, 134));
    assert!(plain.rgb().iter().all(|byte| *byte == 0));
    let parts = [(LEFT_HAND, [0xff, 0x9d, 0x3c]), (RIGHT_HAND, [0x5c, 0xb8, 0xff])];
    for (part, colour) in parts {
        let mut row = vec![f32::NAN; ROW];
        // All points on the middle of the picture's left half, but the last one.
        for point in row[part.clone()].chunks_exact_mut(3) {
            point.copy_from_slice(&[0.25, 0.5, 0.0]);
        }
        row[part.end - 3] = 0.75;
        let shown = drawn(&picture, &row);
        let pixel = |x: usize, y: usize| &shown.rgb()[(y * 268 + x) * 3..][..3];
        assert_eq!(pixel(67, 67), colour, "a point");
        assert_eq!(pixel(134, 67), colour, "a bone between two points");
        assert_eq!(pixel(201, 67), colour, "the last point");
        assert!(
            shown.rgb().chunks_exact(3).take(55 * 268).all(|pixel| pixel == [0; 3]),
            "something is drawn far above"
        );
    }
    // A body that is hidden is not drawn, and neither is what is beyond any canvas.
    let mut hidden = row_with(&[POSE]);
    hidden[POSE].chunks_exact_mut(4).for_each(|point| point[3] = 0.2);
    assert_eq!(drawn(&picture, &hidden), plain);
    let mut far = row_with(&[LEFT_HAND, FACE]);
    far.iter_mut().for_each(|number| *number *= 1e30);
    assert_eq!(drawn(&picture, &far), plain);
    for (width, height) in [(1, 1), (2000, 10), (3, 900)] {
        drawn(&gradient(width, height), &row_with(&[POSE, LEFT_HAND, RIGHT_HAND, FACE]));
    }
}

#[test]
fn samples_to_show_are_the_first_the_worst_and_random_ones_by_the_seed() {
    let samples: Vec<_> =
        (0..20)
            .map(|index| {
                if index == 0 || index == 5 {
                    failed("f", "no frames")
                } else {
                    figures("s", 10, 10 - index / 2, index)
                }
            })
            .collect();
    let worst = 4; // Faces of 8 and hands of 4 frames; later ones have more hands than they lack faces.
    let mut samples = samples;
    samples[worst].frames_with_pose = 0;
    let chosen = choose(&samples, 3, 7);
    assert_eq!(chosen, choose(&samples, 3, 7));
    let indices: Vec<_> = chosen.iter().map(|chosen| chosen.index).collect();
    assert_eq!((chosen[0].index, chosen[0].why, chosen[1].index, chosen[1].why), (1, Why::First, worst, Why::Worst));
    assert_eq!(chosen.len(), 5);
    assert!(chosen[2..].iter().all(|chosen| chosen.why == Why::Random));
    let mut unique = indices.clone();
    unique.sort_unstable();
    unique.dedup();
    assert!(unique.len() == 5 && !unique.contains(&0) && !unique.contains(&5), "{indices:?}");
    assert!((0..50).any(|seed| choose(&samples, 3, seed) != chosen), "the seed changes nothing");
    assert_eq!(choose(&[], 3, 7), []);
    assert_eq!(
        [rows_to_show(0, 3), rows_to_show(1, 3), rows_to_show(2, 1), rows_to_show(5, 5)],
        [vec![], vec![0], vec![0], vec![0, 1, 2, 3, 4]]
    );
}

fn gradient(width: usize, height: usize) -> Picture {
    let pixel = |at: usize| {
        let (x, y) = (at % width, at / width);
        [(x * 255 / width) as u8, (y * 255 / height) as u8, 96]
    };
    Picture::new(width, height, (0..width * height).flat_map(pixel).collect()).unwrap()
}

#[test]
fn a_page_is_written_for_a_look() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("landmark-page");
    fs::create_dir_all(&folder).unwrap();
    let mut frames: Vec<(String, Picture, Vec<f32>)> =
        vec![("frame_0001.png".into(), gradient(384, 216), row_with(&[POSE, LEFT_HAND, RIGHT_HAND, FACE]))];
    if let Some(golden) = crate::golden::golden() {
        let array = fs::read(golden.join("samples_expected/train/wave.npy")).unwrap();
        let rows: Vec<f32> = array[array.len() - 10 * ROW * 4..]
            .chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
            .collect();
        for row in rows_to_show(10, 4) {
            let name = format!("frame_{:04}.png", row + 1);
            let picture = Picture::read(golden.join("samples/train/wave").join(&name)).unwrap();
            frames.push((name, picture, rows[row * ROW..][..ROW].to_vec()));
        }
    }
    let samples: Vec<_> = (0..14).map(|index| figures(&format!("s{index}"), 10, 10 - index / 3, index / 2)).collect();
    let bad = [figures("wave", 9, 9, 7), failed("empty", "no frames; put PNG files into its folder")];
    let split = |name, n_samples, figures| SplitView {
        name,
        n_samples,
        figures,
        wall: Duration::from_millis(3210),
        busy: Duration::from_millis(6123),
        cpu: Some(Duration::from_millis(6050)),
        frames_of_this_run: 168,
    };
    let fact = |name: &str, value: &str| Fact { name: name.into(), value: value.into() };
    let run = RunView {
        title: "corpus",
        subtitle: "16 samples in 2 splits, 1 December 2026",
        models: RanModels::Made,
        splits: vec![split("train", 40, &samples[..]), split("dev", 2, &bad[..])],
        facts: vec![
            fact("Mode", "2 processes"),
            fact("Memory per worker", "64 MB"),
            fact("Speed-up against a serial sample", "1.91"),
            fact("Frames per second", "52.3"),
        ],
        errors: ["hand", "face"]
            .map(|part| PartError {
                part: part.into(),
                mean_px: 0.8,
                largest_px: 4.2,
                mean_share: 0.011,
                largest_share: 0.05,
                n_right: 399,
                n_wrong: 1,
            })
            .to_vec(),
        shown: frames
            .iter()
            .enumerate()
            .map(|(index, (name, picture, row))| ShownFrame {
                title: if index < 1 { "train/s12 (least found)" } else { "train/wave (first)" },
                name,
                picture,
                row,
            })
            .collect(),
        warnings: vec![Warning {
            subject: "train/s1/frame_0004.png".into(),
            reason: "is torn: ends within the chunk at byte 33; write or copy it again".into(),
        }],
        files: vec![Link { path: "train/extraction_metrics.csv".into(), about: "the figures of each sample".into() }],
    };
    write_page(&folder, &run).unwrap();
    assert_eq!(fs::read_to_string(folder.join("index.html")).unwrap(), run.to_html());
}
