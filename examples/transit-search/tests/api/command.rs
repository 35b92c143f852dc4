//! The command, as people start it: what it writes, how it ends, and what a kill costs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use transit_search::{FEATURE_NAMES, synthetic_curve};

use crate::fits::fits_of;
use crate::golden::golden;

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_transit-search"));
    command.env("MANYHANDS_PROGRESS", "off").stdin(Stdio::null());
    command
}

fn run(arguments: &[&str], out: &Path) -> Output {
    program().args(arguments).arg("--out").arg(out).output().unwrap()
}

pub(crate) fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

pub(crate) fn table(out: &Path) -> Vec<u8> {
    fs::read(out.join("features.csv")).unwrap()
}

/// Each row: its sample, and its fields by column name.
fn rows(out: &Path) -> Vec<(String, csv::StringRecord)> {
    let mut reader = csv::Reader::from_path(out.join("features.csv")).unwrap();
    let head: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let expected: Vec<&str> = ["sample", "label", "target_id", "toi"].into_iter().chain(FEATURE_NAMES).collect();
    assert_eq!(head, expected);
    reader.records().map(|row| row.unwrap()).map(|row| (row[0].to_owned(), row)).collect()
}

#[test]
fn the_table_is_the_same_in_all_modes_with_any_number_of_workers() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = Vec::new();
    for (mode, workers) in
        [("serial", "1"), ("threads", "2"), ("threads", "7"), ("processes", "2"), ("processes", "12")]
    {
        let out = folder.path().join(format!("{mode} {workers}"));
        let ended = run(&["extract", "--made", "24", "--mode", mode, "--workers", workers, "--batch-size", "3"], &out);
        assert_eq!(ended.status.code(), Some(0), "{}", printed(&ended));
        assert!(
            printed(&ended).contains("24: 24 done, 0 failed") && printed(&ended).contains("not measured"),
            "{}",
            printed(&ended)
        );
        assert!(fs::read_to_string(out.join("index.html")).unwrap().contains("01-folded.svg"));
        assert!(fs::read_to_string(out.join("pictures/01-periodogram.svg")).unwrap().contains("<path d=\"M"));
        let summary: Value = serde_json::from_slice(&fs::read(out.join("run/summary.json")).unwrap()).unwrap();
        assert_eq!((&summary["succeeded"], &summary["is_whole"]), (&24.into(), &true.into()));
        tables.push(table(&out));
    }
    assert!(tables.iter().all(|table| *table == tables[0]));
    assert_eq!(rows(&folder.path().join("serial 1")).len(), 24);
}

#[test]
fn a_folder_of_golden_cases_has_the_golden_features() {
    let Some(cases) = golden() else { return };
    let folder = tempfile::tempdir().unwrap();
    for profile in ["seed", "calibrated"] {
        let out = folder.path().join(profile);
        let ended = run(&["extract", cases.to_str().unwrap(), "--profile", profile, "--tls"], &out);
        assert_eq!(printed(&ended).contains("not measured"), profile == "seed", "{}", printed(&ended));
        assert_eq!(ended.status.code(), Some(0), "{}", printed(&ended));
        let rows = rows(&out);
        assert_eq!(rows.len(), 10);
        for (sample, row) in rows {
            let expected = fs::read(cases.join(&sample).join("expected.json")).unwrap();
            let expected: Value = serde_json::from_slice(&expected).unwrap();
            for (name, field) in FEATURE_NAMES.into_iter().zip(row.iter().skip(4)) {
                let found: f64 = field.parse().unwrap();
                let expected = expected[format!("features_{profile}")][name].as_f64();
                match expected {
                    None => assert!(found.is_nan(), "{sample} {name}: {found}"),
                    Some(expected) => {
                        let relative = if name.starts_with("tls_") { 1e-6 } else { 1e-9 };
                        let near = relative * expected.abs().max(if name.starts_with("flux_") { 1.0 } else { 1e-6 });
                        assert!((found - expected).abs() <= near, "{sample} {name}: {found} and not {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn light_curves_that_cannot_be_used_fail_by_name_and_cost_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let curve = |name: &str, row: &dyn Fn(usize) -> String| {
        let text: String = (0..200).map(row).collect();
        fs::write(folder.path().join(name), format!("time_days,flux,flux_err\n{text}")).unwrap();
    };
    curve("good.csv", &|at| format!("{},{},0.001\n", at as f64 * 0.1, 1.0 - 0.01 * f64::from(u8::from(at % 25 < 3))));
    curve("constant.csv", &|at| format!("{at},1,0.001\n"));
    curve("nan.csv", &|at| format!("{at},nan,0.001\n"));
    curve("errors.csv", &|at| format!("{at},1,{}\n", -f64::from(u8::from(at % 2 == 0))));
    curve("back.csv", &|at| format!("{},{},0.001\n", if at == 90 { 3 } else { at }, 1.0 + at as f64 * 1e-6));
    fs::write(folder.path().join("short.csv"), "time_days,flux,flux_err\n1,1,0.1\n2,1,0.1\n").unwrap();
    fs::write(folder.path().join("torn.csv"), "time_days,flux,flux_err\n1,1,0.1\n2,1\n").unwrap();
    let names = ["good", "constant", "nan", "errors", "back", "short", "torn", "missing"];
    let lines: String = names.map(|name| format!("{name},{name}.csv,1,TIC {name},,2.5,3,10000,0\n")).concat();
    let head = "sample,path,label,target_id,toi,period_days,duration_hours,depth_ppm,epoch_days\n";
    fs::write(folder.path().join("list.csv"), head.to_owned() + &lines).unwrap();
    let out = folder.path().join("out");
    let ended = run(&["extract", folder.path().join("list.csv").to_str().unwrap(), "--json"], &out);
    assert_eq!(ended.status.code(), Some(1), "{}", printed(&ended));
    let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let failed = summary["failed"].as_array().unwrap();
    let reasons = [
        ("constant", "the flux is 1 in all 200 points"),
        ("nan", "only 0 of 200 rows can be used"),
        ("errors", "200 have an error of zero or below"),
        ("back", "time goes back from 89 to 3 days at usable row 90"),
        ("short", "only 2 of 2 rows can be used, and 3 are needed"),
        ("torn", "line: 3"),
        ("missing", "cannot be read"),
    ];
    assert_eq!(failed.len(), reasons.len());
    for (failed, (name, reason)) in failed.iter().zip(reasons) {
        assert_eq!(failed["sample"], name);
        assert!(failed["reason"].as_str().unwrap().contains(reason), "{failed}");
    }
    let rows = rows(&out);
    assert_eq!((rows.len(), &rows[0].1[2], &rows[0].1[3]), (1, "TIC good", "unknown"));
    let page = fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("<li><strong>missing</strong>: "));

    // A plain --resume computes what was repaired since.
    fs::copy(folder.path().join("good.csv"), folder.path().join("missing.csv")).unwrap();
    let list = folder.path().join("list.csv");
    let again = run(&["extract", list.to_str().unwrap(), "--json", "--resume"], &out);
    let summary: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&summary["succeeded"], &summary["resumed"]), (&2.into(), &1.into()), "{summary}");
}

#[test]
fn a_light_curve_in_fits_has_the_answers_of_the_same_one_in_csv() {
    let folder = tempfile::tempdir().unwrap();
    let (samples, made) = (folder.path().join("samples"), synthetic_curve(7));
    for name in ["csv", "fits", "none"] {
        fs::create_dir_all(samples.join(name)).unwrap();
        fs::write(samples.join(name).join("input.json"), serde_json::to_vec(&made.catalogue).unwrap()).unwrap();
    }
    let columns = made.curve.time().iter().zip(made.curve.flux()).zip(made.curve.error());
    let text: String = columns.map(|((time, flux), error)| format!("{time},{flux},{error}\n")).collect();
    let (csv, fits) = (samples.join("csv/lightcurve.csv"), samples.join("fits/lightcurve.fits"));
    fs::write(&csv, format!("time_days,flux,flux_err\n{text}")).unwrap();
    fs::write(&fits, fits_of(&made.curve)).unwrap();

    let out = folder.path().join("out");
    let ended = run(&["extract", samples.to_str().unwrap()], &out);
    assert_eq!(ended.status.code(), Some(1), "{}", printed(&ended));
    assert!(printed(&ended).contains("lightcurve.csv cannot be read"), "{}", printed(&ended));
    let rows = rows(&out);
    let fields = |row: usize| rows[row].1.iter().skip(1).collect::<Vec<_>>();
    assert_eq!((rows.len(), fields(0)), (2, fields(1)));

    let tables = [csv, fits].map(|curve| {
        let table = folder.path().join("bls.csv");
        let grid = ["--period-start", "1", "--period-stop", "9", "--periods", "200", "--durations", "0.1,0.2"];
        let ended = run(&[&["bls", curve.to_str().unwrap()], &grid[..]].concat(), &table);
        assert_eq!(ended.status.code(), Some(0), "{}", printed(&ended));
        fs::read(table).unwrap()
    });
    assert_eq!(tables[0], tables[1]);
}

/// How many samples the journal of a run has.
fn recorded(out: &Path) -> u64 {
    let status =
        manyhands::journal::JournalReader::open(out.join("run/journal.sqlite")).and_then(|journal| journal.status());
    status.map_or(0, |status| status.succeeded)
}

#[test]
fn a_run_that_is_killed_and_resumed_has_the_bytes_of_an_undisturbed_one() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["extract", "--made", "400", "--workers", "2", "--resume"];
    let undisturbed = folder.path().join("undisturbed");
    assert_eq!(run(&arguments, &undisturbed).status.code(), Some(0));
    let out = folder.path().join("killed");
    let kills = std::env::var("MANYHANDS_TRANSIT_KILLS").map_or(4, |kills| kills.parse::<u64>().unwrap());
    for kill in 1..=kills {
        let mut child = program()
            .args(arguments)
            .arg("--out")
            .arg(&out)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        // Killed when so much more is recorded, wherever that finds it.
        while recorded(&out) < 380 * kill / kills && child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing more is recorded");
            std::thread::sleep(Duration::from_millis(1)); // Only so as not to take a core from what is waited for.
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!out.join("features.csv").exists(), "a table that lacks samples would look like a whole one");
    }
    let before = recorded(&out);
    let ended = program().args(arguments).args(["--json", "--out"]).arg(&out).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", printed(&ended));
    let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert!(before > 300 && summary["resumed"] == before, "{before} {summary}");
    assert!(table(&out) == table(&undisturbed));
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_that_is_killed_costs_no_sample() {
    let folder = tempfile::tempdir().unwrap();
    let undisturbed = folder.path().join("undisturbed");
    assert_eq!(run(&["extract", "--made", "300", "--workers", "2"], &undisturbed).status.code(), Some(0));
    let out = folder.path().join("out");
    let mut command = program();
    command.args(["extract", "--made", "300", "--workers", "2", "--out"]).arg(&out).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut n_killed = 0;
    while recorded(&out) < 200 && child.try_wait().unwrap().is_none() {
        if recorded(&out) > 40 * n_killed {
            let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).unwrap_or_default();
            if let Some(worker) = children.split_whitespace().next() {
                Command::new("kill").args(["-9", worker]).status().unwrap();
                n_killed += 1;
            }
        }
        std::thread::sleep(Duration::from_millis(1)); // Only so as not to take a core from what is waited for.
    }
    let lines: Vec<String> = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap()).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{lines:?}");
    assert!(table(&out) == table(&undisturbed));
}

/// A file of a megabyte that unpacks to a thousand times as much, in threads and with little memory: it is refused before it is unpacked.
#[cfg(target_os = "linux")]
#[test]
fn a_sample_that_unpacks_to_more_than_it_should_costs_itself_alone() {
    let folder = tempfile::tempdir().unwrap();
    let samples = folder.path().join("samples");
    for name in ["a", "b", "huge", "i", "j"] {
        let made = synthetic_curve(name.len() as u64);
        fs::create_dir_all(samples.join(name)).unwrap();
        fs::write(samples.join(name).join("input.json"), serde_json::to_vec(&made.catalogue).unwrap()).unwrap();
        fs::write(samples.join(name).join("lightcurve.fits"), fits_of(&made.curve)).unwrap();
    }
    let undisturbed = folder.path().join("undisturbed");
    assert_eq!(run(&["extract", samples.to_str().unwrap()], &undisturbed).status.code(), Some(0));
    let others: Vec<_> = rows(&undisturbed).into_iter().filter(|(sample, _)| sample != "huge").collect();
    let zeros = fitsio_pure::gzip::compress(&vec![0; 1 << 30], 1);
    fs::write(samples.join("huge/lightcurve.fits"), zeros).unwrap();
    for mode in ["threads", "processes"] {
        let out = folder.path().join(mode);
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -v 1000000 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_transit-search")]);
        shell.args(["extract", "--mode", mode, "--workers", "2", "--json", samples.to_str().unwrap(), "--out"]);
        let ended = shell.arg(&out).env("MANYHANDS_PROGRESS", "off").output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{}", printed(&ended));
        let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
        let failed = summary["failed"].as_array().unwrap();
        assert_eq!((failed.len(), &failed[0]["sample"]), (1, &"huge".into()), "{summary}");
        let reason = failed[0]["reason"].as_str().unwrap();
        assert!(reason.contains("unpacked bytes where at most ") && reason.contains("unpack the file"), "{reason}");
        assert_eq!(rows(&out), others);
    }
}

/// Nothing waits for the other end of a FIFO, and what is no sample is named.
#[cfg(unix)]
#[test]
fn only_regular_files_and_folders_are_samples() {
    let folder = tempfile::tempdir().unwrap();
    let samples = folder.path().join("samples");
    let made = synthetic_curve(1);
    for name in ["good", "fifo"] {
        fs::create_dir_all(samples.join(name)).unwrap();
        fs::write(samples.join(name).join("input.json"), serde_json::to_vec(&made.catalogue).unwrap()).unwrap();
    }
    fs::write(samples.join("good/lightcurve.fits"), fits_of(&made.curve)).unwrap();
    for fifo in ["fifo/lightcurve.csv", "pipe"] {
        assert!(Command::new("mkfifo").arg(samples.join(fifo)).status().unwrap().success());
    }
    fs::write(samples.join("notes\u{1b}[2J.txt"), "").unwrap();
    let ended = run(&["extract", samples.to_str().unwrap()], &folder.path().join("out"));
    let said = printed(&ended);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("pipe is set aside: it is a FIFO and no folder"), "{said}");
    assert!(said.contains(r"notes\u{1b}[2J.txt is set aside: it is a file"), "{said}");
    assert!(said.contains("lightcurve.csv cannot be read: it is a FIFO where a regular file is needed"), "{said}");
    let refused = run(&["extract", samples.join("pipe").to_str().unwrap()], &folder.path().join("other"));
    assert_eq!(refused.status.code(), Some(2));
    assert!(printed(&refused).contains("is a FIFO where a regular file is needed"), "{}", printed(&refused));
}

/// A catalogue may call a star what it likes.
#[test]
fn no_name_in_the_table_is_a_formula() {
    let folder = tempfile::tempdir().unwrap();
    let made = synthetic_curve(1);
    fs::write(folder.path().join("curve.fits"), fits_of(&made.curve)).unwrap();
    let list = folder.path().join("list.csv");
    let head = "sample,path,label,target_id,toi,period_days,duration_hours,depth_ppm,epoch_days\n";
    fs::write(&list, format!("{head}=1+1,curve.fits,-1,\"@x;=y\",-700.5,3,2,1000,\n")).unwrap();
    let out = folder.path().join("out");
    assert_eq!(run(&["extract", list.to_str().unwrap()], &out).status.code(), Some(0));
    let table = fs::read_to_string(out.join("features.csv")).unwrap();
    let row = table.lines().nth(1).unwrap();
    assert!(row.starts_with("'=1+1,-1,'@x;'=y,-700.5,"), "{row}");
}

#[test]
fn what_makes_no_sense_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let refused = |arguments: &[&str], what: &str| {
        let ended = run(arguments, &out);
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {}", printed(&ended));
        assert!(printed(&ended).contains(what), "{arguments:?}: {}", printed(&ended));
    };
    refused(&["extract"], "required");
    refused(&["extract", folder.path().join("none").to_str().unwrap()], "cannot be opened");
    refused(&["extract", folder.path().to_str().unwrap()], "has no samples");
    refused(&["extract", "--made", "3", "--workers", "0"], "workers");
    assert!(!out.join("features.csv").exists());
    assert_eq!(run(&["extract", "--made", "3", "--resume"], &out).status.code(), Some(0));
    refused(&["extract", "--made", "3"], "--resume");
    refused(&["extract", "--made", "3", "--profile", "seed", "--resume"], "configuration");
    let text = "sample,path,label,target_id,toi,period_days,duration_hours,depth_ppm,epoch_days\na,x,1,T,,1,1,1,\na,y,1,T,,1,1,1,\n";
    let list = folder.path().join("list.csv");
    fs::write(&list, text).unwrap();
    refused(&["extract", list.to_str().unwrap()], "two samples that are called \"a\"");
}

#[test]
fn a_trial_prints_both_times_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let ended = run(&["extract", "--made", "30", "--test", "10", "--json"], &out);
    assert_eq!(ended.status.code(), Some(0), "{}", printed(&ended));
    let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!((&summary["samples"], &summary["failed"]), (&10.into(), &0.into()));
    assert!(summary["serial_seconds"].as_f64().unwrap() > 0.0 && summary["speed_up"].as_f64().unwrap() > 0.0);
    assert!(!out.exists());
    let ended = run(&["extract", "--made", "30", "--test", "10"], &out);
    assert!(printed(&ended).contains("speed-up"), "{}", printed(&ended));
}

#[test]
fn a_search_from_the_command_line_writes_the_golden_table() {
    let Some(cases) = golden() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (case, out) = (cases.join("s1_box_27d"), folder.path().join("bls.csv"));
    let curve: PathBuf = case.join("lightcurve.csv");
    let search = |stop: &str, out: &Path| {
        let mut command = program();
        command.arg("bls").arg(&curve).args(["--period-start", "0.5", "--period-stop", stop, "--periods", "1500"]);
        command.args(["--durations", "0.05,0.1,0.15,0.2,0.25,0.33", "--oversample", "10", "--objective", "likelihood"]);
        command.args(["--weights", "err", "--exact", "--out"]).arg(out).output().unwrap()
    };
    let ended = search("13.5", &out);
    assert_eq!(ended.status.code(), Some(0), "{}", printed(&ended));
    let numbers = |path: &Path| -> Vec<Vec<f64>> {
        let mut table = csv::Reader::from_path(path).unwrap();
        table.records().map(|row| row.unwrap().iter().map(|field| field.parse().unwrap()).collect()).collect()
    };
    assert_eq!(numbers(&out), numbers(&case.join("bls_full.csv")));
    let beyond = search("40", &folder.path().join("beyond.csv"));
    assert_eq!(beyond.status.code(), Some(2));
    assert!(printed(&beyond).contains("periods up to 40 days"), "{}", printed(&beyond));
}

#[test]
fn a_reader_that_closes_the_pipe_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut command = program();
    command.args(["extract", "--made", "3", "--out"]).arg(&out).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), printed(&ended)), (Some(0), String::new()));
    assert!(out.join("features.csv").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_summary_that_cannot_be_written_makes_the_run_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = program().args(["extract", "--made", "3", "--out"]).arg(&out).stdout(full).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", printed(&ended));
    assert!(printed(&ended).contains("standard output cannot be written"), "{}", printed(&ended));
    assert!(out.join("features.csv").exists());
}
