//! Files with some bytes changed.

use manyhands_test_support::property::config;
use proptest::prelude::*;
use signal_batch::files::{FileKind, ReadSettings, parse_capture};

use super::channel;
use super::npy::npy_of;
use super::wav::{Wav, subformat};

/// A valid file of each kind, short.
fn seeds() -> Vec<(FileKind, Vec<u8>)> {
    vec![
        (FileKind::Csv, b"# c\ntime (ms);a;b [V]\n0,0;1;2\n0,5;2;\"3\"\n1,0;3;4\n".to_vec()),
        (FileKind::Csv, b"1\n2.5\n-3e4\n".to_vec()),
        (FileKind::Npy, npy_of(">i2", "(2, 3)", &[1; 12])),
        (FileKind::Npy, npy_of("<f8", "(2,)", &[0; 16])),
        (FileKind::Wav, Wav::default().bytes()),
        (FileKind::Wav, Wav { tag: 0xfffe, extension: subformat(1), ..Wav::default() }.bytes()),
    ]
}

/// One change of some bytes.
#[derive(Debug, Clone)]
enum Change {
    Set(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, Vec<u8>),
    Repeat(prop::sample::Index, usize),
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Insert(at, more) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Repeat(at, times) => {
                let tail = bytes[at.index(bytes.len())..].repeat(*times);
                bytes.extend(tail);
            }
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<prop::sample::Index>;
    let special = prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(b','), Just(b'\n'), Just(b'"'), Just(b'(')];
    let change = prop_oneof![
        4 => (at(), special).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => at().prop_map(Change::Cut),
        1 => (at(), prop::collection::vec(any::<u8>(), 1..9)).prop_map(|(at, more)| Change::Insert(at, more)),
        1 => (at(), 1..4_usize).prop_map(|(at, times)| Change::Repeat(at, times)),
    ];
    prop::collection::vec(change, 0..6)
}

proptest! {
    #![proptest_config(config(4096))]

    /// Valid files with some bytes changed are captures that hold together, or refused with a reason; nothing panics.
    #[test]
    fn changed_files_are_captures_or_refused(seed in 0..6_usize, changes in changes(), chosen in 0..3_usize) {
        let (kind, mut bytes) = seeds().swap_remove(seed);
        changes.iter().for_each(|change| change.apply(&mut bytes));
        let settings = match chosen {
            0 => ReadSettings::default(),
            n => channel(n),
        };
        match parse_capture("changed", kind, &bytes, &settings) {
            Ok(capture) => {
                prop_assert!(capture.rate_hz() > 0.0 && !capture.samples().is_empty());
                prop_assert!(capture.samples().len() <= bytes.len());
            }
            Err(refused) => prop_assert!(refused.to_string().len() > "changed: ".len()),
        }
    }
}
