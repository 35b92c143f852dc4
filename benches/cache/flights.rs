//! Eight callers want one missing key at the same moment: how often is it computed, and what does that cost?
//!
//! The callers are let go together, key by key, and the designs take turns key by key. What a design does when it has no
//! computation per key is the nearest: look up, compute, and keep the first (`peers.rs`).

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::bursts::{Gate, clock_cost, cpu_time};
use crate::choice::Choice;
use crate::designs::DESIGNS;
use crate::report::{head, row, say, table_head, time_text};
use crate::spin::{even_loads, plain, spin, turns_for};

const N_CALLERS: usize = 8;
const WORK: Duration = Duration::from_micros(100);
const SLEEP: Duration = Duration::from_millis(2);

pub(crate) fn section(choice: &Choice) {
    if !choice.has("flights") {
        return;
    }
    head("One missing key, eight callers at once");
    let n_keys = 2 * choice.rounds(60);
    let loads = even_loads(1, turns_for(WORK));
    let expected = plain(&loads)[0];
    let worked = compute_all(n_keys, expected, &|| spin(black_box(&loads[0])));
    let slept = compute_all(n_keys.div_ceil(4), 1, &|| {
        std::thread::sleep(SLEEP);
        1
    });
    say(&format!(
        "\nMeans over {n_keys} keys of {} of work each, and over {} keys of {} of sleep. CPU: of all eight callers together.",
        time_text(WORK),
        n_keys.div_ceil(4),
        time_text(SLEEP)
    ));
    table_head(&["design", "computes per key, work", "CPU per key", "CPU / ours", "computes per key, sleep"]);
    for ((design, worked_at), slept_at) in DESIGNS.iter().zip(&worked).zip(&slept) {
        row(&[
            design.name.to_owned(),
            format!("{:.2}", worked_at.computes_per_key),
            time_text(worked_at.cpu_per_key),
            format!("{:.2}", worked_at.cpu_per_key.as_secs_f64() / worked[0].cpu_per_key.as_secs_f64()),
            format!("{:.2}", slept_at.computes_per_key),
        ]);
    }
}

/// What the keys cost at one design, in the mean.
struct Cost {
    computes_per_key: f64,
    cpu_per_key: Duration,
}

fn compute_all(n_keys: usize, expected: u64, compute: &(dyn Fn() -> u64 + Sync)) -> Vec<Cost> {
    let maps: Vec<_> = DESIGNS.iter().map(|design| (design.make)(n_keys)).collect();
    let n_computes: Vec<AtomicU64> = maps.iter().map(|_| AtomicU64::new(0)).collect();
    let gate = Gate::default();
    let call_all = || {
        let _opens = gate.open_on_panic();
        let clock_cost = clock_cost();
        let mut cpu = vec![Duration::ZERO; maps.len()];
        for (turn, (key, idx)) in turns(n_keys, maps.len()).enumerate() {
            gate.meet((turn + 1) * N_CALLERS);
            let before = cpu_time();
            // Relaxed: read after all callers were joined.
            let make = || {
                n_computes[idx].fetch_add(1, Ordering::Relaxed);
                compute()
            };
            assert_eq!(maps[idx].get_or_make(key, &make), expected, "{}", DESIGNS[idx].name);
            cpu[idx] += (cpu_time() - before).saturating_sub(clock_cost);
        }
        cpu
    };
    let cpu: Vec<Vec<Duration>> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..N_CALLERS).map(|_| scope.spawn(call_all)).collect();
        callers.into_iter().map(|caller| caller.join().expect("no caller panics")).collect()
    });
    let cost_of = |idx: usize| Cost {
        computes_per_key: n_computes[idx].load(Ordering::Relaxed) as f64 / n_keys as f64,
        cpu_per_key: cpu.iter().map(|of_caller| of_caller[idx]).sum::<Duration>() / n_keys as u32,
    };
    (0..maps.len()).map(cost_of).collect()
}

/// Each key at each design; each key begins with another design.
fn turns(n_keys: usize, n_designs: usize) -> impl Iterator<Item = (u64, usize)> {
    (0..n_keys).flat_map(move |key| (0..n_designs).map(move |turn| (key as u64, (key + turn) % n_designs)))
}
