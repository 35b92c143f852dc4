//! The commands with `--device`: the same features, the same best period, one line where there is no device, and no run that mixes devices
//! in silence.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use transit_search::synthetic_curve;

use crate::command::{printed, program, table};
use crate::device_searches::device;

/// Runs the command; its drivers have no adapter, or those of the system.
fn run(arguments: &[&str], out: &Path, adapters: Adapters) -> Output {
    let mut command = program();
    // Drivers look for a window system there, and say so when it is missing.
    command.env("XDG_RUNTIME_DIR", out.parent().unwrap());
    if adapters == Adapters::None {
        command.env("VK_DRIVER_FILES", "/dev/null").env("VK_ICD_FILENAMES", "/dev/null");
    }
    command.args(arguments).arg("--out").arg(out).output().unwrap()
}

#[derive(Clone, Copy, PartialEq)]
enum Adapters {
    None,
    Any,
}

fn lines(text: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(text).lines().map(str::to_owned).collect()
}

fn assert_done(ended: &Output) {
    assert_eq!(ended.status.code(), Some(0), "{}", printed(ended));
}

/// A light curve in a file, and the arguments of a search of it.
fn search(folder: &Path) -> Vec<String> {
    let curve = synthetic_curve(4).curve;
    let columns = curve.time().iter().zip(curve.flux()).zip(curve.error());
    let text: String = columns.map(|((time, flux), error)| format!("{time},{flux},{error}\n")).collect();
    let file = folder.join("curve.csv");
    fs::write(&file, format!("time_days,flux,flux_err\n{text}")).unwrap();
    let grid = "--period-start 1 --period-stop 9.013 --periods 1500 --durations 0.1,0.2 --device";
    ["bls", file.to_str().unwrap()].into_iter().chain(grid.split(' ')).map(str::to_owned).collect()
}

fn bls(folder: &Path, device: &[&str], name: &str, adapters: Adapters) -> (Output, PathBuf) {
    let arguments = search(folder);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(device.iter().copied()).collect();
    let table = folder.join(name);
    (run(&arguments, &table, adapters), table)
}

#[test]
fn without_an_adapter_the_files_are_those_of_the_cores_and_one_line_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let files = |device: &str| {
        let out = folder.path().join(device);
        let ended = run(&["extract", "--made", "12", "--workers", "2", "--device", device], &out, Adapters::None);
        assert_done(&ended);
        assert!(printed(&ended).contains("device   cpu\n"), "{}", printed(&ended));
        (lines(&ended.stderr), table(&out), fs::read(out.join("index.html")).unwrap())
    };
    let (cores, device) = (files("cpu"), files("gpu"));
    assert_eq!((&cores.0, device.0.len()), (&Vec::new(), 1), "{:?}", device.0);
    assert!(device.0[0].contains("computing on the cores: "), "{:?}", device.0);
    assert!(cores.1 == device.1 && cores.2 == device.2);

    let (cores, device) = (
        bls(folder.path(), &["cpu"], "cpu.csv", Adapters::None),
        bls(folder.path(), &["gpu"], "gpu.csv", Adapters::None),
    );
    assert_done(&device.0);
    assert_eq!(device.0.stdout, cores.0.stdout);
    assert_eq!(lines(&device.0.stderr).len(), 1, "{}", printed(&device.0));
    assert!(fs::read(device.1).unwrap() == fs::read(cores.1).unwrap());
}

#[test]
fn little_work_looks_for_no_device_and_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ended = run(&["extract", "--made", "4"], &out, Adapters::Any);
    assert_done(&ended);
    assert!(printed(&ended).contains("device   cpu\n") && ended.stderr.is_empty(), "{}", printed(&ended));
}

#[test]
fn features_of_a_device_are_those_of_the_cores_in_all_modes() {
    if device().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cores = folder.path().join("cores");
    assert_done(&run(&["extract", "--made", "12", "--device", "cpu"], &cores, Adapters::Any));
    for mode in ["serial", "threads", "processes"] {
        let out = folder.path().join(mode);
        let arguments = ["extract", "--made", "12", "--mode", mode, "--workers", "2", "--device", "gpu", "--json"];
        let ended = run(&arguments, &out, Adapters::Any);
        assert_done(&ended);
        assert!(table(&out) == table(&cores), "{mode}");
        let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
        let ran = summary["device"].as_str().unwrap();
        assert!(ran.starts_with("gpu (") && ran.ends_with(", f32)"), "{summary}");
        let report: Value = serde_json::from_slice(&fs::read(out.join("run/summary.json")).unwrap()).unwrap();
        assert!(report.to_string().contains(ran), "{report}");
        assert!(fs::read_to_string(out.join("index.html")).unwrap().contains(ran));
    }
}

#[test]
fn a_run_goes_on_where_it_was_begun_or_not_at_all() {
    if device().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (cores, gpu) = (folder.path().join("cores"), folder.path().join("gpu"));
    assert_done(&run(&["extract", "--made", "3", "--device", "cpu"], &cores, Adapters::Any));
    assert_done(&run(&["extract", "--made", "3", "--device", "gpu"], &gpu, Adapters::Any));
    for (out, device, begun, adapters) in [
        (&cores, "gpu", "was begun on cpu", Adapters::Any),
        (&gpu, "cpu", "was begun on gpu (", Adapters::Any),
        (&gpu, "gpu", "was begun on gpu (", Adapters::None),
        (&gpu, "auto", "was begun on gpu (", Adapters::None),
    ] {
        let ended = run(&["extract", "--made", "5", "--resume", "--device", device], out, adapters);
        let said = printed(&ended);
        assert_eq!(ended.status.code(), Some(2), "{device}: {said}");
        assert!(said.contains(begun) && said.contains("another folder with --out"), "{device}: {said}");
    }
    for (out, ran) in [(&cores, "cpu"), (&gpu, "gpu (")] {
        let ended = run(&["extract", "--made", "5", "--resume", "--json"], out, Adapters::Any);
        assert_done(&ended);
        let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
        assert_eq!(summary["resumed"], 3);
        assert!(summary["device"].as_str().unwrap().starts_with(ran), "{summary}");
    }
    assert!(table(&cores) == table(&gpu));
}

#[test]
fn a_search_on_a_device_has_the_best_period_of_the_cores_and_says_what_computed_each() {
    if device().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (cores, device) = (
        bls(folder.path(), &["cpu"], "cpu.csv", Adapters::Any),
        bls(folder.path(), &["gpu"], "gpu.csv", Adapters::Any),
    );
    assert_done(&device.0);
    assert_eq!(lines(&device.0.stdout)[0], lines(&cores.0.stdout)[0]);
    assert!(lines(&device.0.stdout)[1].starts_with("device gpu ("), "{}", printed(&device.0));
    let rows = |path: &Path| -> Vec<csv::StringRecord> {
        csv::Reader::from_path(path).unwrap().records().map(Result::unwrap).collect()
    };
    let (cores, device) = (rows(&cores.1), rows(&device.1));
    let mut n_device = 0;
    for (of_cores, of_device) in cores.iter().zip(&device) {
        let is_same = of_cores.iter().zip(of_device).all(|(one, other)| one == other);
        match &of_device[8] {
            "cpu" => assert!(is_same, "{of_cores:?} {of_device:?}"),
            _ => n_device += 1,
        }
    }
    assert!((1000..1500).contains(&n_device), "{n_device} of {} rows are the device's", device.len());
}

#[test]
fn exact_numbers_are_not_asked_of_a_device() {
    let folder = tempfile::tempdir().unwrap();
    let (ended, table) = bls(folder.path(), &["gpu", "--exact"], "gpu.csv", Adapters::Any);
    assert_eq!(ended.status.code(), Some(2), "{}", printed(&ended));
    assert!(printed(&ended).contains("leave out one of them") && !table.exists(), "{}", printed(&ended));
    let unknown = bls(folder.path(), &["cuda"], "cuda.csv", Adapters::Any).0;
    assert_eq!(unknown.status.code(), Some(2));
    assert!(printed(&unknown).contains("give auto, cpu or gpu"), "{}", printed(&unknown));
}
