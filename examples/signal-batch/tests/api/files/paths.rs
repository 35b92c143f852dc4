//! Which files of folders are captures, what they are called, and which batch they belong to.

use std::fs;
use std::path::PathBuf;

use signal_batch::files::capture_paths;
use tempfile::TempDir;

use super::rate;

/// A folder with these files, each of which holds one number.
fn tree(names: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "1\n").unwrap();
    }
    folder
}

fn names_and_batches(inputs: &[PathBuf]) -> Vec<(String, String)> {
    let (files, _) = capture_paths(inputs).unwrap();
    files.into_iter().map(|file| (file.name, file.batch)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, batch)| ((*name).to_owned(), (*batch).to_owned())).collect()
}

#[test]
fn captures_of_a_folder_are_sorted_and_belong_to_the_folders_that_hold_them() {
    let folder = tree(&["in/b.csv", "in/lot/x/a.WAV", "in/lot/c.npy", "in/.hidden.csv", "in/notes.md", "in/plain"]);
    let input = folder.path().join("in");
    let expected = pairs(&[("b.csv", "in"), ("lot/c.npy", "lot"), ("lot/x/a.WAV", "lot/x")]);
    assert_eq!(names_and_batches(std::slice::from_ref(&input)), expected);
    let (files, set_aside) = capture_paths(&[input]).unwrap();
    assert_eq!(set_aside.len(), 3, "{set_aside:?}");
    for part in [".hidden.csv is hidden", "notes.md ends in .md", "plain has no ending"] {
        assert!(set_aside.iter().any(|sentence| sentence.contains(part)), "{part}: {set_aside:?}");
    }
    let capture = files[1].read(&rate(1.0));
    assert!(capture.unwrap_err().to_string().contains("no NPY file"));
    let capture = files[0].read(&rate(1.0)).unwrap();
    assert_eq!((capture.name.as_str(), capture.batch.as_str()), ("b.csv", "in"));
}

#[test]
fn captures_of_several_inputs_keep_apart_by_the_names_of_these() {
    let folder = tree(&["a/1.csv", "a/lot/1.csv", "b/1.csv", "2.csv"]);
    let place = |name: &str| folder.path().join(name);
    let own = folder.path().file_name().unwrap().to_str().unwrap();
    let found = names_and_batches(&[place("b"), place("a"), place("2.csv")]);
    assert_eq!(found, pairs(&[("2.csv", own), ("a/1.csv", "a"), ("a/lot/1.csv", "a/lot"), ("b/1.csv", "b")]));
}

#[test]
fn two_captures_of_one_name_and_one_that_is_named_twice_are_refused() {
    let folder = tree(&["a/1.csv", "b/1.csv"]);
    let place = |name: &str| folder.path().join(name);
    let refused = |inputs: &[PathBuf]| capture_paths(inputs).unwrap_err().to_string();
    let same_name = refused(&[place("a/1.csv"), place("b/1.csv")]);
    assert!(same_name.contains("is called \"1.csv\"") && same_name.contains("rename one"), "{same_name}");
    assert!(refused(&[place("a"), place("a/1.csv")]).contains("name it once"));
    assert!(refused(&[place("a/1.csv"), place("a/1.csv")]).contains("name it once"));
    assert!(refused(&[place("absent")]).contains("cannot be looked at"));
}

#[cfg(unix)]
#[test]
fn a_link_in_a_folder_to_a_capture_of_it_is_set_aside_and_one_to_another_file_is_taken_once() {
    let folder = tree(&["in/run_1.csv", "in/run_2.csv", "elsewhere/old.csv"]);
    let place = |name: &str| folder.path().join(name);
    for (target, link) in [("run_2.csv", "in/latest.csv"), ("../elsewhere/old.csv", "in/b.csv"), ("b.csv", "in/c.csv")]
    {
        std::os::unix::fs::symlink(target, place(link)).unwrap();
    }
    let (files, set_aside) = capture_paths(&[place("in")]).unwrap();
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["b.csv", "run_1.csv", "run_2.csv"]);
    assert!(set_aside[0].contains("c.csv is a link to ") && set_aside[0].contains("b.csv, which is"), "{set_aside:?}");
    assert!(set_aside[1].contains("latest.csv is a link to ") && set_aside[1].contains("run_2.csv"), "{set_aside:?}");
    let refused = capture_paths(&[place("in"), place("in/latest.csv")]).unwrap_err().to_string();
    assert!(refused.contains("name it once"), "{refused}");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_differ_in_bytes_that_are_no_utf_8_stay_two() {
    use std::os::unix::ffi::OsStrExt as _;

    let folder = tree(&[]);
    for name in [&b"a\xff.csv"[..], b"a\xfe.csv"] {
        fs::write(folder.path().join(std::ffi::OsStr::from_bytes(name)), "1\n").unwrap();
    }
    let (files, _) = capture_paths(&[folder.path().to_owned()]).unwrap();
    assert_eq!(files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), [r"a\xfe.csv", r"a\xff.csv"]);
}
