//! Arrays of numpy: every version, type and order, and those that lie.

use signal_batch::files::{FileKind, ReadSettings};

use super::{channel, column, rate, read, refusal};

/// An NPY file of version 1 to 3 with this header and these values.
fn npy(version: u8, header: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    match version {
        1 => bytes.extend((header.len() as u16).to_le_bytes()),
        _ => bytes.extend((header.len() as u32).to_le_bytes()),
    }
    [&bytes, header.as_bytes(), values].concat()
}

pub(super) fn npy_of(descr: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    npy(1, &format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"), values)
}

#[test]
fn npy_of_every_version_type_and_order_is_read() {
    let kind = FileKind::Npy;
    for version in 1..=3 {
        let header = "{'descr': '<i2', 'fortran_order': False, 'shape': (2,), }\n";
        assert_eq!(read(kind, npy(version, header, &[1, 0, 0xff, 0xff]), &rate(1.0)).samples(), [1.0, -1.0]);
    }
    for (descr, bytes, expected) in [
        ("<f8", 0.1_f64.to_le_bytes().to_vec(), 0.1),
        (">f8", 0.1_f64.to_be_bytes().to_vec(), 0.1),
        ("<f4", 0.1_f32.to_le_bytes().to_vec(), f64::from(0.1_f32)),
        (">f4", 0.1_f32.to_be_bytes().to_vec(), f64::from(0.1_f32)),
        ("|i1", vec![0x80], -128.0),
        ("|u1", vec![0x80], 128.0),
        (">i2", (-2_i16).to_be_bytes().to_vec(), -2.0),
        ("<u2", 65_535_u16.to_le_bytes().to_vec(), 65_535.0),
        (">u4", u32::MAX.to_be_bytes().to_vec(), 4_294_967_295.0),
        ("<i4", i32::MIN.to_le_bytes().to_vec(), -2_147_483_648.0),
        ("<i8", i64::MIN.to_le_bytes().to_vec(), -9_223_372_036_854_775_808.0),
        (">i8", (-3_i64).to_be_bytes().to_vec(), -3.0),
        ("<u8", u64::MAX.to_le_bytes().to_vec(), 18_446_744_073_709_551_616.0),
    ] {
        assert_eq!(read(kind, npy_of(descr, "(1,)", &bytes), &rate(1.0)).samples(), [expected], "{descr}");
    }
}

#[test]
fn a_channel_of_npy_is_a_row_or_a_column_in_either_order() {
    let values = [0, 1, 2, 10, 11, 12];
    let stored = |shape: &str, order: &str| {
        npy(1, &format!("{{'descr': '|u1', 'fortran_order': {order}, 'shape': {shape}}}"), &values)
    };
    for (shape, order, first, second) in [
        ("(2, 3)", "False", [0.0, 1.0, 2.0], [10.0, 11.0, 12.0]),
        ("(3, 2)", "True", [0.0, 1.0, 2.0], [10.0, 11.0, 12.0]),
        ("(3, 2)", "False", [0.0, 2.0, 11.0], [1.0, 10.0, 12.0]),
        ("(2, 3)", "True", [0.0, 2.0, 11.0], [1.0, 10.0, 12.0]),
    ] {
        let bytes = stored(shape, order);
        assert_eq!(read(FileKind::Npy, &bytes, &channel(1)).samples(), first, "{shape} {order}");
        assert_eq!(read(FileKind::Npy, &bytes, &channel(2)).samples(), second, "{shape} {order}");
        assert!(refusal(FileKind::Npy, &bytes, &rate(1.0)).contains("2 channels; choose one with --channel"));
        assert!(refusal(FileKind::Npy, &bytes, &channel(3)).contains("no channel 3"));
    }
    assert_eq!(read(FileKind::Npy, stored("(6, 1)", "False"), &rate(1.0)).samples().len(), 6);
    assert_eq!(read(FileKind::Npy, stored("(1, 6)", "False"), &rate(1.0)).samples().len(), 6);
}

#[test]
fn npy_that_lies_or_lacks_something_is_refused() {
    let kind = FileKind::Npy;
    for (bytes, settings, part) in [
        (npy_of("<f8", "(1,)", &[0; 8]), &ReadSettings::default(), "--rate"),
        (npy_of("<f8", "(268435456,)", &[0; 8]), &rate(1.0), "8 bytes of values where its header claims 2147483648"),
        (npy_of("<f8", "(4611686018427387904,)", &[0; 8]), &rate(1.0), "claims more than can be"),
        (npy_of("<f8", "(4611686018427387904, 4611686018427387904)", &[]), &channel(1), "more values than"),
        (npy_of("<f8", "(1,)", &[0; 16]), &rate(1.0), "16 bytes of values where its header claims 8"),
        (npy_of("<f8", "(0,)", &[]), &rate(1.0), "no samples"),
        (npy_of("<f8", "(0, 5)", &[]), &rate(1.0), "no samples"),
        (npy_of("<f8", "()", &[0; 8]), &rate(1.0), "0 dimensions"),
        (npy_of("<f8", "(1, 1, 1)", &[0; 8]), &rate(1.0), "3 dimensions"),
        (npy_of("|O", "(1,)", &[0; 8]), &rate(1.0), "astype"),
        (npy_of("<f8", "(1,)", &f64::NAN.to_le_bytes()), &rate(1.0), "sample 1 is NaN"),
        (npy_of("<f8", "(1,)", &[0; 8]), &ReadSettings { rate_hz: Some(1.0), ..column("a") }, "--channel"),
        (npy(4, "{}", &[]), &rate(1.0), "version 4"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{".to_vec(), &rate(1.0), "cut off within its header"),
        (b"\x93NUMPY\x01".to_vec(), &rate(1.0), "cut off within its header"),
        (b"PK\x03\x04".to_vec(), &rate(1.0), "no NPY file"),
    ] {
        let refused = refusal(kind, &bytes, settings);
        assert!(refused.contains(part), "{part}: {refused}");
    }
}
