//! MediaPipe in Python: the script that times it, and a start of it up to its first landmarks.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use manyhands_test_support::python::{environment, run};
use serde_json::Value;

use crate::options::{Options, frames, models, script};

const PACKAGES: [&str; 4] = ["mediapipe==0.10.21", "ai-edge-litert", "opencv-python-headless", "numpy<2"];

/// Starts three solutions, and gives one frame to each.
const START: &str = "
import sys, glob, cv2
import mediapipe as mp
s = mp.solutions
parts = [s.face_mesh.FaceMesh(static_image_mode=True, max_num_faces=1), s.hands.Hands(static_image_mode=True, max_num_hands=2), s.pose.Pose(static_image_mode=True)]
frame = cv2.cvtColor(cv2.imread(sorted(glob.glob(sys.argv[1] + '/*.png'))[0]), cv2.COLOR_BGR2RGB)
for part in parts:
    part.process(frame)
";

/// Milliseconds per frame of face mesh, hands and pose: of work, and on the wall.
#[derive(Debug)]
pub(crate) struct Times {
    pub(crate) work: [f64; 3],
    pub(crate) wall: [f64; 3],
    pub(crate) memory_mb: f64,
    /// Frames in which each was found.
    pub(crate) n_found: [u64; 3],
}

/// The Python of the peers, where it can be had.
pub(crate) fn python(options: &Options) -> Option<PathBuf> {
    match options.with_peers {
        true => environment(&PACKAGES),
        false => {
            println!("SKIPPED: the peers, because of --without-peers");
            None
        }
    }
}

/// One process of the script, which pins itself to the first core.
pub(crate) fn times(python: &Path, peer: &str, rounds: usize) -> Times {
    let mut command = Command::new(python);
    command.arg("-I").arg(script()).args([models(), frames()]).args(["--peer", peer, "--rounds", &rounds.to_string()]);
    command.env("GLOG_minloglevel", "3").env("TF_CPP_MIN_LOG_LEVEL", "3");
    let output = command.output().expect("it can be started");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_str(text.trim().lines().last().unwrap_or_default()).expect("it prints JSON");
    let of = |figure: &str| {
        ["face_mesh", "hands", "pose"].map(|task| said["tasks"][task][figure].as_f64().expect("a number"))
    };
    let n_found =
        ["face_mesh", "hands", "pose"].map(|task| said["tasks"][task]["frames_with"].as_u64().expect("a number"));
    Times {
        n_found,
        work: of("median_cpu_ms"),
        wall: of("median_ms"),
        memory_mb: said["rss_peak_mb"].as_f64().expect("a number"),
    }
}

/// Seconds from the start of Python to the landmarks of the first frame.
pub(crate) fn seconds_to_first(python: &Path) -> f64 {
    let begun = Instant::now();
    run(python, START, &[&frames()]);
    begun.elapsed().as_secs_f64()
}
