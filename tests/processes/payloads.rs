//! Big items and answers: whole, and never in each other's way.

use std::sync::LazyLock;
use std::time::Duration;

use manyhands::{Cause, Processes};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::fixtures::{assert_is_usable, job};
use crate::harness::{drills, for_worker_counts};
use crate::log::Log;

drills![
    big_items_and_results_arrive_whole,
    many_big_items_at_once_never_wait_for_each_other,
    a_slow_first_item_holds_no_big_ones_up,
    items_and_results_of_every_size_arrive_whole,
    an_item_that_is_too_large_for_the_memory_limit_fails_alone,
    a_large_first_result_needs_no_memory_for_a_copy,
];

/// Eight megabytes.
const NUMBERS: usize = 1_000_000;

#[expect(clippy::cast_precision_loss, reason = "all numbers here are small enough to be exact")]
fn numbers(seed: usize) -> Vec<f64> {
    (0..NUMBERS).map(|at| (seed * NUMBERS + at) as f64).collect()
}

fn halves(numbers: &[f64]) -> Vec<f64> {
    numbers.iter().map(|number| number * 0.5).collect()
}

fn big_items_and_results_arrive_whole() {
    let items: Vec<Vec<f64>> = (0..3).map(numbers).collect();
    for_worker_counts(|workers| {
        let answers = job(&items, workers).run(|numbers: &Vec<f64>| halves(numbers)).unwrap().into_result().unwrap();
        assert!(answers.iter().zip(&items).all(|(answer, item)| *answer == halves(item)));
        assert_is_usable(workers);
    });
}

/// Bytes that serde takes at once, so that it is not serde that takes the time.
#[derive(Debug, PartialEq, Eq)]
struct Block(Vec<u8>);

impl Serialize for Block {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Block {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;
        impl de::Visitor<'_> for Whole {
            type Value = Block;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Block, E> {
                Ok(Block(bytes.to_vec()))
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Block, E> {
                Ok(Block(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Whole)
    }
}

/// Its bytes differ from place to place and from seed to seed. Copied from one block of many, since computing each
/// would take the drill's time.
fn block(seed: usize, len: usize) -> Block {
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 32).to_le_bytes()
        };
        (0..MOST / 4 + 1000).flat_map(|_| next().into_iter().take(4)).collect()
    });
    Block(BYTES[seed..seed + len].to_vec())
}

/// The most bytes of a block.
const MOST: usize = 8 << 20;

fn swapped(block: &Block) -> Block {
    let (front, back) = block.0.split_at(block.0.len() / 3);
    Block([back, front].concat())
}

fn many_big_items_at_once_never_wait_for_each_other() {
    for n_items in [3, 16, 64] {
        let items: Vec<Block> = (0..n_items).map(|seed| block(seed, MOST)).collect();
        for_worker_counts(|workers| {
            let answers = job(&items, workers).run(swapped).unwrap().into_result().unwrap();
            assert!(answers.iter().zip(&items).all(|(answer, item)| *answer == swapped(item)));
        });
    }
}

/// The first item waits until some of the others are done.
fn a_slow_first_item_holds_no_big_ones_up() {
    const AWAITED: usize = 8;
    let items: Vec<(usize, Block)> = (0..64).map(|index| (index, block(index, 1 << 20))).collect();
    for_worker_counts(|workers| {
        if workers == 1 {
            return; // No other worker can overtake a single one.
        }
        let (log, _folder) = Log::new();
        let outcome = job(&items, workers)
            .shared(&log)
            .run(|log: &Log, (index, block): &(usize, Block)| {
                let others_went_on =
                    *index != 0 || log.wait_for(Duration::from_secs(20), |log| log.lines().len() >= AWAITED);
                if *index != 0 {
                    log.add("done");
                }
                (others_went_on, swapped(block))
            })
            .unwrap();
        for (answer, (_, item)) in outcome.into_result().unwrap().iter().zip(&items) {
            assert!(answer.0, "the first item waited in vain for {AWAITED} of the others");
            assert!(answer.1 == swapped(item));
        }
    });
}

/// Sizes around those at which messages may be cut or travel another way.
fn items_and_results_of_every_size_arrive_whole() {
    let around = |size: usize| [size - 17, size - 9, size - 1, size, size + 1];
    let sizes =
        [0, 1].into_iter().chain([32, 4096, 8192, 65_536, 131_072, 1 << 20, 4 << 20].into_iter().flat_map(around));
    let items: Vec<Block> = sizes.enumerate().map(|(seed, size)| block(seed, size)).collect();
    for_worker_counts(|workers| {
        for chunk_size in [1, 5, 50] {
            let answers = job(&items, workers).chunk_size(chunk_size).run(swapped).unwrap().into_result().unwrap();
            assert!(answers.iter().zip(&items).all(|(answer, item)| *answer == swapped(item)));
        }
    });
}

/// The worker dies while it takes the item in, before the function is called.
fn an_item_that_is_too_large_for_the_memory_limit_fails_alone() {
    const LIMIT: u64 = 64 << 20;
    let items: Vec<Block> = (0..20).map(|index| Block(vec![1; if index == 5 { 100 << 20 } else { 1000 }])).collect();
    for_worker_counts(|workers| {
        let outcome =
            job(&items, workers).mode(Processes::new().memory_limit(LIMIT)).run(|block: &Block| block.0.len()).unwrap();
        let failed: Vec<usize> = outcome.failures().iter().map(|failure| failure.index).collect();
        assert_eq!(failed, [5], "{workers} workers: {:?}", outcome.failures());
        assert_eq!(outcome.failures()[0].cause, Cause::MemoryLimit(LIMIT));
        assert_eq!(outcome.tally().succeeded, 19);
        assert_is_usable(workers);
    });
}

/// A third of the limit, twice as much with its bytes, and too much with the copy that it would be read back as.
fn a_large_first_result_needs_no_memory_for_a_copy() {
    const LIMIT: u64 = 300 << 20;
    let items = [110_usize << 20, 100 << 20];
    let mode = Processes::new().memory_limit(LIMIT);
    let outcome = job(&items, 1).mode(mode).run(|len: &usize| Block(vec![3; *len])).unwrap();
    let blocks = outcome.into_result().unwrap();
    assert!(
        blocks.iter().zip(&items).all(|(block, len)| block.0.len() == *len && block.0.iter().all(|byte| *byte == 3))
    );
    assert_is_usable(1);
}
