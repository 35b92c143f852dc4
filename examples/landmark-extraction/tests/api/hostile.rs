//! Inputs that are broken, empty, huge or in the wrong place: each is named with the way out, and costs nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{Set, arrays, json, program, require_code, table};

/// A grey PNG of this size; its pixels are missing when `is_whole` is false, so the file is small.
fn png(width: u32, height: u32, is_whole: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    if is_whole {
        writer.write_image_data(&vec![128; (width * height) as usize]).unwrap();
    }
    drop(writer);
    bytes
}

fn add(set: &Set, id: &str, frames: &[(&str, &[u8])]) {
    let folder = set.data().join("train").join(id);
    fs::create_dir_all(&folder).unwrap();
    frames.iter().for_each(|(name, bytes)| fs::write(folder.join(name), bytes).unwrap());
}

#[test]
fn a_sample_that_is_broken_fails_by_name_and_costs_no_other() {
    let set = Set::drawn(1, 2);
    add(&set, "empty", &[]);
    add(&set, "texts", &[("notes.txt", b"nothing")]);
    add(&set, "pixel", &[("f.png", &png(1, 1, true))]);
    add(&set, "huge", &[("f1.png", &png(10_000, 10_000, false)), ("f2.png", &png(2, 1, true))]);
    add(&set, "torn", &[("f1.png", b""), ("f2.png", b"no picture")]);
    add(&set, "beside", &[("f1.jpg", b"no picture"), ("f1.png", &png(3, 3, true))]);
    symlink("nowhere", set.data().join("train/gone")).unwrap();
    symlink("loop", set.data().join("train/loop")).unwrap();
    fs::write(set.data().join("train/stray"), "").unwrap();
    fs::create_dir(set.data().join("dev")).unwrap();
    let shown = require_code(&set.extract("out", &["--workers", "2"]), 1);
    for named in [
        "train/empty failed: no frames",
        "train/texts failed: no frames",
        "train/torn failed: no readable frame",
        "train/torn, row 0: f1.png is torn: has no bytes",
        "train/gone failed: folder missing",
        "train/loop failed: ",
        "train/stray is set aside",
        "train/huge, row 0: f1.png has 10000 x 10000 pixels",
        "train/beside: 1 JPEG file is not used",
    ] {
        assert!(shown.contains(named), "{named}: {shown}");
    }
    let train = set.path("out").join("train");
    let names: Vec<String> = arrays(&set.path("out")).keys().map(|path| path.display().to_string()).collect();
    assert_eq!(names, ["train/beside.npy", "train/huge.npy", "train/made_0001.npy", "train/pixel.npy"]);
    assert_eq!(json(&train.join("failed_samples.json")).as_array().unwrap().len(), 5);
    let head = |split: &str| fs::read_to_string(set.path("out").join(split).join("extraction_metrics.csv")).unwrap();
    let (head, empty) = (head("train"), head("dev"));
    assert_eq!(head.lines().next().unwrap(), empty.trim_end(), "a split without samples has the same columns");
    let failed = json(&train.join("failed_samples.json"));
    let torn = failed.as_array().unwrap().iter().find(|sample| sample["sample_id"] == "torn").unwrap();
    assert_eq!((&torn["frames"][1]["file"], &torn["frames"][1]["row"]), (&"f2.png".into(), &1.into()));
    let status = require_code(&program(&["extract", "--out", &set.path("out").display().to_string(), "--status"]), 0);
    assert!(status.contains("train/empty failed: no frames"), "{status}");
    let rows = table(&train.join("extraction_metrics.csv"));
    assert_eq!(rows.len(), 9);
    let torn = rows.iter().find(|row| row["sample_id"] == "torn").unwrap();
    assert_eq!((torn["frames_torn"].as_str(), torn["num_frames"].as_str()), ("2", "0"));
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn pipes_and_devices_are_no_frames_no_models_and_no_results_and_keep_nothing_waiting() {
    let set = Set::drawn(1, 1);
    add(&set, "mixed", &[("f1.png", &png(3, 3, true))]);
    add(&set, "pipe", &[]);
    pipe(&set.data().join("train/mixed/f2.png"));
    pipe(&set.data().join("train/pipe/f1.png"));
    pipe(&set.data().join("train/stray"));
    symlink("/dev/zero", set.data().join("train/mixed/f3.png")).unwrap();
    let train = set.path("out/train");
    fs::create_dir_all(&train).unwrap();
    pipe(&train.join(".made_0001.rows"));
    pipe(&train.join("mixed.npy"));
    let shown = require_code(&set.extract("out", &["--mode", "threads"]), 1);
    for named in [
        "train/pipe failed: no frames",
        "train/stray is set aside",
        ".made_0001.rows is no regular file",
        "mixed.npy was not written: it is there, and no regular file",
    ] {
        assert!(shown.contains(named), "{named}: {shown}");
    }
    let rows = table(&train.join("extraction_metrics.csv"));
    let ok = |id: &str| rows.iter().find(|row| row["sample_id"] == id).unwrap()["frames_ok"].clone();
    assert_eq!((ok("mixed").as_str(), ok("made_0001").as_str()), ("1", "1"));
    let out = set.path("out").display().to_string();
    require_code(&program(&["extract", "--out", &out, "--status"]), 0);
    let models = set.path("models");
    fs::create_dir(&models).unwrap();
    for name in ["face_detection_short_range.tflite", "m.whl"] {
        pipe(&models.join(name));
    }
    let shown = require_code(&set.extract("other", &["--models", models.to_str().unwrap()]), 2);
    assert!(shown.contains("face_detection_short_range.tflite is a FIFO"), "{shown}");
    let shown = require_code(&program(&["models", "unpack", models.join("m.whl").to_str().unwrap()]), 2);
    assert!(shown.contains("m.whl is a FIFO"), "{shown}");
}

#[test]
fn what_cannot_be_extracted_at_all_is_said_with_the_way_out() {
    let set = Set::drawn(5, 1);
    let (data, models) = (set.data(), set.path("models"));
    fs::create_dir(&models).unwrap();
    fs::write(models.join("face_landmark.tflite"), "another file").unwrap();
    fs::create_dir(set.path("empty")).unwrap();
    fs::create_dir_all(set.path("bare/train")).unwrap();
    fs::write(set.path("file"), "").unwrap();
    let at = |name: &str| set.path(name).display().to_string();
    let (data, models, inside) = (data.display().to_string(), models.display().to_string(), data.join("train/out"));
    fs::create_dir(&inside).unwrap();
    let inside = inside.display().to_string();
    let (empty, bare, file, out, nested) = (at("empty"), at("bare"), at("file"), at("out"), format!("{data}/train"));
    let frames = format!("{data}/train/made_0001");
    let made = ["--models", "made"];
    for (words, named) in [
        (vec![at("absent").as_str(), "--out", &out, made[0], made[1]], "absent cannot be read"),
        (vec![&file, "--out", &out, made[0], made[1]], "file cannot be read"),
        (vec![&empty, "--out", &out, made[0], made[1]], "holds no folders"),
        (vec![&bare, "--out", &out, made[0], made[1]], "holds no samples"),
        (vec![&nested, "--out", &out, made[0], made[1]], "so give the folder above"),
        (vec![&frames, "--out", &out, made[0], made[1]], "two levels above"),
        (vec![&data, "--out", &out, made[0], made[1], "--split", "tset"], "there are: dev, test, train"),
        (vec![&data, "--out", &out, made[0], made[1], "--split", "../x"], "has no split"),
        (vec![&data, "--out", &inside, made[0], made[1]], "lies in the data set"),
        (vec![&data, "--out", &file, made[0], made[1]], "choose another --out"),
        (vec![&data, "--out", &out, "--models", &empty], "pip download"),
        (vec![&data, "--out", &out, "--models", &file], "which --models names, is no folder"),
        (vec![&data, "--out", &out, "--models", &models], ".tflite"),
        (vec![&data, "--out", &out], "pip download"),
        (vec![&data, "--out", &out, made[0], made[1], "--mode", "threads", "--time-limit", "5"], "--mode processes"),
        (vec![&data, "--out", &out, made[0], made[1], "--mode", "gpu"], "none of processes"),
        (vec![&data, "--out", &out, made[0], made[1], "--workers", "0"], "1 or more"),
        (vec![&data, "--out", &out, made[0], made[1], "--memory", "lots"], "no size"),
        (vec!["--out", &bare, "--status"], "no run was begun"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_landmark-extraction"))
            .current_dir(set.path("empty"))
            .arg("extract")
            .args(&words)
            .output()
            .unwrap();
        let shown = require_code(&output, 2);
        assert!(shown.contains(named), "{words:?}: {shown}");
    }
    let nothing_there = program(&["verify", &at("empty")]);
    assert!(require_code(&nothing_there, 2).contains("no run was begun"));
}

#[test]
fn paths_that_are_no_text_are_named_and_no_run_with_a_sample_left_out_is_whole() {
    use std::os::unix::ffi::OsStrExt as _;
    let odd = |name: &[u8]| std::ffi::OsStr::from_bytes(name).to_owned();
    let set = Set::drawn(1, 1);
    let extract = |data: &Path, out: &Path, models: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_landmark-extraction"));
        command.arg("extract").arg(data).arg("--out").arg(out).arg("--models").arg(models).output().unwrap()
    };
    let (out, made) = (set.path("out"), Path::new("made"));
    let (data_link, models) = (set.path("").join(odd(b"data\xff")), set.path("").join(odd(b"models\xff")));
    symlink(set.data(), &data_link).unwrap();
    fs::create_dir(&models).unwrap();
    for (output, named) in [
        (extract(&data_link, &out, made), "the data set is not UTF-8"),
        (extract(&set.data(), &set.path("").join(odd(b"out\xff")), made), "--out is not UTF-8"),
        (extract(&set.data(), &out, &models), "--models is not UTF-8"),
    ] {
        let shown = require_code(&output, 2);
        assert!(shown.contains(named), "{named}: {shown}");
    }
    fs::create_dir(set.data().join("train").join(odd(b"sample\xff"))).unwrap();
    let shown = require_code(&set.extract("out", &["--mode", "threads"]), 1);
    assert!(shown.contains("is set aside: its path is not UTF-8"), "{shown}");
    assert_eq!(json(&out.join("extraction_summary.json"))["left_out"], 1);
}

#[test]
fn results_behind_a_link_among_the_samples_are_refused_and_any_number_of_workers_is_taken() {
    let set = Set::drawn(1, 1);
    fs::rename(set.data().join("train"), set.path("elsewhere")).unwrap();
    symlink(set.path("elsewhere"), set.data().join("train")).unwrap();
    let shown = require_code(&set.extract("elsewhere/out", &["--mode", "threads"]), 2);
    assert!(shown.contains("lies in the data set"), "{shown}");
    require_code(&set.extract("out", &["--mode", "threads", "--workers", &usize::MAX.to_string()]), 0);
}

/// A script that runs on a disk of its own, of which nearly all is taken; none where that cannot be.
fn on_a_small_disk(disk: &Path, script: &str) -> Option<std::process::Output> {
    fs::create_dir_all(disk).unwrap();
    let mount = format!("mount -t tmpfs -o size=6m small '{}'", disk.display());
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script]);
        command
    };
    let may_mount = unshare(&mount).stderr(Stdio::null()).status();
    if !may_mount.is_ok_and(|status| status.success()) {
        use std::io::Write as _;
        // Not `eprintln`, which a test that passes keeps to itself.
        writeln!(std::io::stderr(), "SKIPPED: no small disk can be mounted here").unwrap();
        return None;
    }
    Some(unshare(&format!("{mount} && {script}")).output().unwrap())
}

#[test]
fn on_a_full_disk_the_samples_that_do_not_fit_are_named_and_the_next_run_makes_them() {
    let set = Set::drawn(1, 1);
    set.add_long_sample("train", "long", 200);
    set.add_long_sample("train", "longer", 201);
    let disk = set.path("disk");
    let words = set.words("disk/out", &["--mode", "serial"]);
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let extract = format!("'{}' {}", env!("CARGO_BIN_EXE_landmark-extraction"), quoted.join(" "));
    // The array of a long sample takes 1.3 MB: there is room for one.
    let script = format!(
        "dd if=/dev/zero of='{0}/ballast' bs=1k count=3900 status=none; {extract}; echo \"code $?\"; rm '{0}/ballast'; \
         {extract}; echo \"code $?\"; cp -r '{0}/out' '{1}'",
        disk.display(),
        set.path("copied").display()
    );
    let Some(output) = on_a_small_disk(&disk, &script) else { return };
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let codes: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("code ")).collect();
    assert_eq!(codes, ["1", "0"], "{said}\n{errors}");
    assert!(
        errors.contains("train/longer failed: its array is not written") && errors.contains("No space left"),
        "{errors}"
    );
    require_code(&set.extract("whole", &["--mode", "serial"]), 0);
    crate::program::assert_same_arrays(&set.path("copied"), &set.path("whole"));
}
