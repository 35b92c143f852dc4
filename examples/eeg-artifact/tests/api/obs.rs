//! OBS.

use eeg_artifact::{Pipeline, SerialExecutor, Step};
use serde_json::json;

use crate::golden::{CASES, Case, rows_of};

fn rms(row: &[f64]) -> f64 {
    (row.iter().map(|value| value * value).sum::<f64>() / row.len() as f64).sqrt()
}

#[test]
fn obs_removes() {
    for name in CASES {
        let Some(case) = Case::open(name) else { return };
        for n in 0..6 {
            let mut recording = case.recording();
            Pipeline::new([Step::from_json("obs", &json!({"n_components": n})).unwrap()])
                .run(&mut recording, &SerialExecutor)
                .unwrap();
            for (row, aas) in rows_of(&recording).iter().zip(case.rows("aas_realign")) {
                eprintln!("{name} {n} obs {} aas {}", rms(row) * 1e6, rms(&aas) * 1e6);
            }
        }
    }
}
