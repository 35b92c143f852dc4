//! Which epochs a grid has, and what is refused.

use serde_json::Value;
use sleep_analysis::{EpochGrid, EpochGridSettings, SleepError, SleepResult, parse_duration_ns, parse_time_ns};

use crate::golden::{golden, json};

const S: i64 = 1_000_000_000;

#[test]
fn every_golden_grid_is_met_to_the_nanosecond() {
    let Some(folder) = golden("sleep/epoch_grid") else { return };
    let description = json(&folder.join("cases.json"));
    let cases = description["cases"].as_array().unwrap();
    assert!(cases.len() >= 19);
    for case in cases {
        let name = &case["name"];
        match case["error_class"].as_str() {
            None => {
                let starts: Vec<i64> = grid_of(case).unwrap().starts_ns().collect();
                let expected: Vec<i64> =
                    case["epoch_start_ns"].as_array().unwrap().iter().map(|start| start.as_i64().unwrap()).collect();
                assert_eq!(starts, expected, "{name}");
            }
            Some("config") => assert!(matches!(grid_of(case), Err(SleepError::Config(_))), "{name}"),
            Some("range") => assert!(matches!(grid_of(case), Err(SleepError::Range(_))), "{name}"),
            Some(other) => panic!("{name}: unknown class {other}"),
        }
    }
}

#[test]
fn golden_durations_and_times_are_read_as_their_nanoseconds() {
    let Some(folder) = golden("sleep/epoch_grid") else { return };
    for case in json(&folder.join("cases.json"))["cases"].as_array().unwrap() {
        for (text, expected) in [("window_length", "window_ns"), ("step_size", "step_ns")] {
            if let Some(text) = case[text].as_str() {
                assert_eq!(parse_duration_ns(text).ok(), case[expected].as_i64(), "{text}");
            }
        }
        for (text, expected) in [("start_override", "start_override_ns"), ("end_override", "end_override_ns")] {
            if let Some(text) = case[text].as_str() {
                assert_eq!(parse_time_ns(text).ok(), case[expected].as_i64(), "{text}");
            }
        }
    }
}

#[test]
fn the_last_epoch_starts_strictly_before_the_end() {
    let grid = |end| EpochGrid::over_spans([(0, end)], EpochGridSettings::adjoining(30 * S)).unwrap().n_epochs();
    assert_eq!([grid(60 * S - 1), grid(60 * S), grid(60 * S + 1)], [2, 2, 3]);
}

#[test]
fn a_grid_that_travelled_is_checked_again() {
    let grid = EpochGrid::over_spans([(5, 100)], EpochGridSettings::adjoining(30)).unwrap();
    let bytes = postcard::to_allocvec(&grid).unwrap();
    assert_eq!(postcard::from_bytes::<EpochGrid>(&bytes), Ok(grid));
    for broken in [(0_i64, 0_i64, 1_i64, 1_usize), (0, 1, -1, 1), (0, 1, 1, 0), (i64::MAX, 1, 1, 5)] {
        let bytes = postcard::to_allocvec(&broken).unwrap();
        assert!(postcard::from_bytes::<EpochGrid>(&bytes).is_err(), "{broken:?}");
    }
}

fn grid_of(case: &Value) -> SleepResult<EpochGrid> {
    let span = |span: &Value| (span[0].as_i64().unwrap(), span[1].as_i64().unwrap());
    let settings = EpochGridSettings {
        window_ns: case["window_ns"].as_i64().unwrap(),
        step_ns: case["step_ns"].as_i64().unwrap(),
        start_ns: case["start_override_ns"].as_i64(),
        end_ns: case["end_override_ns"].as_i64(),
    };
    EpochGrid::over_spans(case["signal_spans_ns"].as_array().unwrap().iter().map(span), settings)
}
