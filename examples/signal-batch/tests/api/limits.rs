//! Limits: which units pass, why the others fail, and how many of each batch and each metric.

use signal_batch::Table;
use signal_batch::limits::{Limits, Reason};

const LIMITS: &str = "[metrics.rms]\nmin = 0.25\nmax = 0.75\n[metrics.snr_db]\nmin = 20\n";

fn judge(csv: &str) -> signal_batch::limits::Judgement {
    Limits::from_toml(LIMITS).unwrap().judge(&Table::from_csv(csv).unwrap()).unwrap()
}

#[test]
fn a_unit_fails_with_each_reason_and_its_unit() {
    let judged = judge("file,unit,rms,snr_db\na,mV,0.75,20\nb,mV,0.125,19\nc,mV,,30\n");
    let sentences = |at: usize| judged.units[at].reasons.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(judged.units[0].passed && sentences(0).is_empty());
    assert_eq!(sentences(1), ["rms is 0.125 mV, below the limit 0.25 mV", "snr_db is 19 dB, below the limit 20 dB"]);
    assert_eq!(sentences(2), ["rms is missing, and has a limit"]);
    assert_eq!(judged.units.iter().map(|unit| unit.score).collect::<Vec<_>>(), [100.0, 85.0, 50.0]);
    assert_eq!(judged.failed_worst_first().iter().map(|unit| unit.unit.as_str()).collect::<Vec<_>>(), ["c", "b"]);
}

#[test]
fn a_capture_that_could_not_be_measured_fails_for_that_reason_alone() {
    let judged = judge("file,rms,snr_db,error\na,,,it has no samples\n");
    assert_eq!(judged.units[0].reasons, [Reason::NotMeasured { error: "it has no samples".into() }]);
    assert_eq!(judged.units[0].score, 0.0);
}

#[test]
fn yields_are_counted_for_all_for_each_metric_and_for_each_batch_the_worst_first() {
    let judged = judge("file,batch,rms,snr_db\na,x,0.5,30\nb,y,0.5,10\nc,y,9,30\nd,y,0.5,5\ne,x,0.5,40\nf,x,-1,nan\n");
    assert_eq!((judged.n_passed(), judged.yield_percent()), (2, 100.0 / 3.0));
    let metrics: Vec<_> = judged.metrics.iter().map(|one| (one.metric.as_str(), one.passed, one.missing)).collect();
    assert_eq!(metrics, [("snr_db", 3, 1), ("rms", 4, 0)]);
    assert_eq!((judged.metrics[1].below, judged.metrics[1].above), (1, 1));
    let batches: Vec<_> = judged.batches.iter().map(|one| (one.batch.as_str(), one.units, one.passed)).collect();
    assert_eq!(batches, [("y", 3, 0), ("x", 3, 2)]);
}

#[test]
fn a_limit_of_what_the_table_lacks_is_refused_with_its_line_and_the_nearest() {
    let limits = Limits::from_toml("[metrics.rms]\nmax = 1\n[metrics.peek]\nmax = 1\n").unwrap();
    let refused = limits.judge(&Table::from_csv("file,rms,peak\na,1,2\n").unwrap()).unwrap_err().to_string();
    assert!(refused.contains("line 3") && refused.contains("\"peak\""), "{refused}");
}

#[test]
fn a_file_of_limits_is_refused_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("limits.toml");
    std::fs::write(&path, "[metrics.rms]\nmin = 2\nmax = 1\n").unwrap();
    let refused = Limits::read(&path).unwrap_err().to_string();
    assert!(refused.contains("limits.toml") && refused.contains("line 1"), "{refused}");
    std::fs::write(&path, b"\xff").unwrap();
    assert!(Limits::read(&path).unwrap_err().to_string().contains("UTF-8"));
    assert!(Limits::read(&folder.path().join("absent")).is_err());
}

#[test]
fn a_unit_that_was_not_measured_has_no_score_whatever_stands_in_its_row() {
    let limits = Limits::from_toml("[metrics.rms]\nmin = 0\nmax = 1\n").unwrap();
    let table = Table::from_csv("file,rms,error\na,0.5,\nb,0.5,cut off\n").unwrap();
    let judgement = limits.judge(&table).unwrap();
    assert_eq!((judgement.units[0].score, judgement.units[1].score, judgement.n_passed()), (100.0, 0.0, 1));
    assert_eq!((judgement.metrics[0].passed, judgement.metrics[0].missing), (1, 1));
}
