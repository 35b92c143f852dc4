//! What a look-up costs, and a mix of look-ups and overwrites, in 1, 2 and 4 threads.
//!
//! Keys are drawn before the clock starts, other ones for each thread, and more than a cache of the processor holds.

use crate::bursts::{Contender, Figure, HOW_TO_READ, OPERATIONS, ratio_text, take_turns};
use crate::choice::Choice;
use crate::designs::{DESIGNS, Kind, Map, PAPAYA, PARKING_LOT, WRITE, value_of};
use crate::keys::{SplitMix64, Zipf};
use crate::report::{head, row, say, table_head};

/// Each thread has keys for this many bursts, and then begins anew.
const N_DRAWN_BURSTS: usize = 32;
const FEW: usize = 1_000;
const MANY: usize = 1_000_000;

/// What the keys of a case are.
struct Case {
    name: &'static str,
    n_keys: usize,
    draw: Draw,
    writes_in_100: u64,
}

enum Draw {
    OneKey,
    Uniform,
    Zipf,
}

const CASES: [Case; 7] = [
    Case { name: "read hot key", n_keys: FEW, draw: Draw::OneKey, writes_in_100: 0 },
    Case { name: "read 1k uniform", n_keys: FEW, draw: Draw::Uniform, writes_in_100: 0 },
    Case { name: "read 1k Zipf", n_keys: FEW, draw: Draw::Zipf, writes_in_100: 0 },
    Case { name: "mix 95/5 1k Zipf", n_keys: FEW, draw: Draw::Zipf, writes_in_100: 5 },
    Case { name: "mix 50/50 1k Zipf", n_keys: FEW, draw: Draw::Zipf, writes_in_100: 50 },
    Case { name: "read 1M uniform", n_keys: MANY, draw: Draw::Uniform, writes_in_100: 0 },
    Case { name: "read 1M Zipf", n_keys: MANY, draw: Draw::Zipf, writes_in_100: 0 },
];

pub(crate) fn section(choice: &Choice) {
    if !CASES.iter().any(|case| choice.has(case.name)) {
        return;
    }
    head("Look-ups and overwrites of present keys");
    say(&format!("\n{HOW_TO_READ}"));
    say(
        "Zipf has the exponent 0.99. A mix overwrites in 5 or 50 of 100 operations. quick_cache is without its statistics.",
    );
    say(
        "A look-up in scc HashIndex that meets an overwrite of its key may find nothing, so its mixes are not the same work.",
    );
    say("The last column is a second manyhands in the same bursts.");
    let designs = DESIGNS.iter().map(|design| design.name);
    table_head(&["case", "threads"].into_iter().chain(designs).chain(RATIOS).collect::<Vec<_>>());
    for n_keys in [FEW, MANY] {
        let cases: Vec<&Case> = CASES.iter().filter(|case| case.n_keys == n_keys && choice.has(case.name)).collect();
        if cases.is_empty() {
            continue;
        }
        let maps = filled_maps(n_keys);
        for case in cases {
            [1, 2, 4].into_iter().for_each(|n_threads| case.measure(&maps, n_threads, choice.rounds(60)));
        }
    }
}

const RATIOS: [&str; 5] =
    ["ours / papaya", "ours / parking_lot", "ours / best lock-based peer", "which", "ours / ours again"];

/// All designs, and ours once more at the end.
fn filled_maps(n_keys: usize) -> Vec<Box<dyn Map>> {
    let maps: Vec<_> = DESIGNS.iter().chain(&DESIGNS[..1]).map(|design| (design.make)(n_keys)).collect();
    let keys: Vec<u64> = (0..n_keys as u64).collect();
    for (map, design) in maps.iter().zip(DESIGNS.iter().chain(&DESIGNS[..1])) {
        keys.iter().for_each(|&key| map.put(key, value_of(key)));
        assert!(keys.iter().all(|&key| map.get(key) == Some(value_of(key))), "{} keeps all keys", design.name);
        assert_eq!(map.get(n_keys as u64), None, "{}", design.name);
    }
    maps
}

impl Case {
    fn measure(&self, maps: &[Box<dyn Map>], n_threads: usize, n_rounds: usize) {
        let keys: Vec<Vec<u64>> = (0..n_threads).map(|thread| self.draw_keys(thread as u64)).collect();
        let sums: Vec<Vec<u64>> =
            keys.iter().map(|keys| keys.chunks(OPERATIONS).map(sum_of_values).collect()).collect();
        let contenders: Vec<Contender<'_>> = maps
            .iter()
            .zip(DESIGNS.iter().cycle())
            .map(|(map, design)| {
                let (keys, sums) = (&keys, &sums);
                Contender::new(move |thread, burst| {
                    let part = burst % N_DRAWN_BURSTS;
                    let keys = &keys[thread][part * OPERATIONS..][..OPERATIONS];
                    let sum = if self.writes_in_100 == 0 { map.read_all(keys) } else { map.read_or_write_all(keys) };
                    let may_miss = self.writes_in_100 > 0 && design.kind == Kind::LockFreeWithGaps;
                    assert!(may_miss || sum == sums[thread][part], "{} finds each key's value", design.name);
                })
            })
            .collect();
        self.report(n_threads, &take_turns(n_threads, n_rounds, &contenders));
    }

    fn draw_keys(&self, thread: u64) -> Vec<u64> {
        let mut random = SplitMix64::new(1 + thread);
        let zipf = Zipf::new(self.n_keys, 0.99);
        let mut draw = || {
            let key = match self.draw {
                Draw::OneKey => 7,
                Draw::Uniform => random.below(self.n_keys as u64),
                Draw::Zipf => zipf.draw(&mut random),
            };
            if random.below(100) < self.writes_in_100 { key | WRITE } else { key }
        };
        (0..N_DRAWN_BURSTS * OPERATIONS).map(|_| draw()).collect()
    }

    fn report(&self, n_threads: usize, figures: &[Figure]) {
        let (ours, again) = (&figures[0], &figures[DESIGNS.len()]);
        let best = best_lock_based(figures);
        let mut cells = vec![self.name.to_owned(), n_threads.to_string()];
        cells.extend(figures[..DESIGNS.len()].iter().map(Figure::text));
        cells.extend([
            ratio_text(ours.ratio_to(&figures[PAPAYA])),
            ratio_text(ours.ratio_to(&figures[PARKING_LOT])),
            ratio_text(best.and_then(|best| ours.ratio_to(&figures[best]))),
            best.map_or("-", |best| DESIGNS[best].name).to_owned(),
            ratio_text(ours.ratio_to(again)),
        ]);
        row(&cells);
    }
}

/// The peer that ours is slowest against, among those that it can be compared with.
fn best_lock_based(figures: &[Figure]) -> Option<usize> {
    let peers = DESIGNS.iter().enumerate().filter(|(_, design)| design.kind == Kind::LockBased);
    let ratios = peers.filter_map(|(idx, _)| Some((idx, figures[0].ratio_to(&figures[idx])?)));
    ratios.max_by(|(_, one), (_, other)| one.total_cmp(other)).map(|(idx, _)| idx)
}

fn sum_of_values(marked: &[u64]) -> u64 {
    marked.iter().fold(0, |sum, &key| sum.wrapping_add(value_of(key & !WRITE)))
}
