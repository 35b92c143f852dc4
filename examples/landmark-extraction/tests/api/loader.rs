//! The loader in Python reads what the program writes.

use std::fs;
use std::path::Path;

use landmark_extraction::row::{FACE, LEFT_HAND, POSE, RIGHT_HAND, ROW};
use manyhands_test_support::python;

/// Prints the ids, and of each part the sum of its numbers and how many there are.
const SCRIPT: &str = r#"
import sys, types
sys.path.insert(0, sys.argv[1])
# A stand-in for torch, which is large: the class needs nothing of it but a base class and a function.
if len(sys.argv) > 3:
    torch, utils, data = types.ModuleType("torch"), types.ModuleType("torch.utils"), types.ModuleType("torch.utils.data")
    torch.from_numpy, data.Dataset = lambda array: array, object
    sys.modules.update({"torch": torch, "torch.utils": utils, "torch.utils.data": data})
import load_landmarks as loader
import numpy as np
ids, arrays = loader.load(sys.argv[2], "train")
print(ids, [array.shape for array in arrays], [str(array.dtype) for array in arrays])
for name, part in loader.SLICES.items():
    print(name, int(np.nansum(arrays[0][:, part])), arrays[0][:, part].shape[1], int(np.isnan(arrays[0][:, part]).sum()))
if len(sys.argv) > 3:
    samples = loader.Landmarks(sys.argv[2], "train")
    print(len(samples), samples[1][0], samples[1][1].shape)
else:
    print(hasattr(loader, "Landmarks"))
"#;

/// An array as the rules of the output say, written by hand.
fn npy(rows: &[Vec<f32>]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {ROW}), }}", rows.len());
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 11;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(padded + 1).unwrap().to_le_bytes());
    bytes.extend(format!("{header:padded$}\n").bytes());
    bytes.extend(rows.iter().flatten().flat_map(|number| number.to_le_bytes()));
    bytes
}

#[test]
fn the_loader_gives_ids_arrays_and_the_places_of_the_parts() {
    let Some(python) = python::environment(&["numpy==2.4.6"]) else { return };
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("train")).unwrap();
    let mut row = vec![f32::NAN; ROW];
    for (value, part) in [(1.0, POSE), (2.0, LEFT_HAND), (3.0, FACE)] {
        row[part].fill(value);
    }
    fs::write(folder.path().join("train/b.npy"), npy(&[row.clone(), row.clone(), row.clone()])).unwrap();
    fs::write(folder.path().join("train/a.npy"), npy(&[row.clone(), row])).unwrap();
    fs::write(folder.path().join("train/checkpoint.json"), "{}").unwrap();
    let loader = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let parts = format!(
        "pose 264 {} 0\nleft_hand 252 {} 0\nright_hand 0 {} 126\nface 8424 {} 0\n",
        POSE.len(),
        LEFT_HAND.len(),
        RIGHT_HAND.len(),
        FACE.len()
    );
    let arrays = "['a', 'b'] [(2, 1662), (3, 1662)] ['float32', 'float32']\n";
    let alone = python::run(&python, SCRIPT, &[&loader, folder.path()]);
    assert_eq!(alone, format!("{arrays}{parts}False\n"));
    let with_torch = python::run(&python, SCRIPT, &[&loader, folder.path(), Path::new("torch")]);
    assert_eq!(with_torch, format!("{arrays}{parts}2 b (3, 1662)\n"));
}
