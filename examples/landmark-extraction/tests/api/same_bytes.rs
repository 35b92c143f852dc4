//! The arrays are the same bytes in every mode and with any number of workers.

use std::fs;

use crate::program::{Set, arrays, assert_same_arrays, json, require_code, table};

#[test]
fn every_mode_and_number_of_workers_writes_the_same_bytes() {
    let set = Set::drawn(10, 4);
    let torn = set.data().join("train/made_0002/frame_0002.png");
    fs::write(&torn, &fs::read(&torn).unwrap()[..200]).unwrap();
    fs::remove_file(set.data().join("dev/made_0004/frame_0002.png")).unwrap();
    require_code(&set.extract("serial", &["--mode", "serial"]), 0);
    for (out, more) in [
        ("one", &["--mode", "threads", "--workers", "1"][..]),
        ("threads", &["--mode", "threads", "--workers", "3", "--checkpoint-every", "1"]),
        ("processes", &["--workers", "2", "--memory", "4G"]),
        ("small", &["--workers", "3", "--memory", "1M"]),
    ] {
        let shown = require_code(&set.extract(out, more), 0);
        assert!(shown.contains("train/made_0002, row 1: frame_0002.png") && shown.contains("torn"), "{shown}");
        assert!(shown.contains("dev/made_0004, row 1: frame 2 is missing"), "{shown}");
        assert_same_arrays(&set.path(out), &set.path("serial"));
    }
    assert_eq!(arrays(&set.path("serial")).len(), 10);
    assert_eq!(
        json(&set.path("small").join("train/extraction_summary.json"))["workers"],
        1,
        "no worker fits, one runs"
    );
    let checkpoint = json(&set.path("threads").join("train/checkpoint.json"));
    assert_eq!((&checkpoint["samples_done"], &checkpoint["samples"]), (&6.into(), &6.into()));
    let rows = table(&set.path("processes").join("train/extraction_metrics.csv"));
    assert_eq!(rows.iter().map(|row| row["frames_torn"].as_str()).collect::<String>(), "010000");
}

#[test]
fn a_stride_takes_every_nth_row_and_mirrored_footage_swaps_the_hands() {
    let set = Set::drawn(3, 5);
    for (out, more) in [("all", &[][..]), ("stride", &["--stride", "2"]), ("mirrored", &["--mirrored"])] {
        require_code(&set.extract(out, &[&["--mode", "threads"][..], more].concat()), 0);
    }
    let row = 4 * landmark_extraction::row::ROW;
    let (all, stride, mirrored) =
        (arrays(&set.path("all")), arrays(&set.path("stride")), arrays(&set.path("mirrored")));
    let mut n_hands = 0;
    for (name, whole) in &all {
        let expected: Vec<&[u8]> = whole[128..].chunks(row).step_by(2).collect();
        assert_eq!(stride[name][128..].chunks(row).collect::<Vec<_>>(), expected, "{}", name.display());
        for (given, swapped) in whole[128..].chunks(row).zip(mirrored[name][128..].chunks(row)) {
            let (left, right) = (4 * 132..4 * 195, 4 * 195..4 * 258);
            n_hands += usize::from(given[left.clone()] != given[right.clone()]);
            assert_eq!((&given[left.clone()], &given[right.clone()]), (&swapped[right], &swapped[left]));
        }
    }
    assert!(n_hands > 0, "no hand was found, so nothing was compared");
}
