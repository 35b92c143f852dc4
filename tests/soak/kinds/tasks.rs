//! Sets of unlike tasks, in threads and in processes.

use manyhands::{ParallelConfig, ParallelExecutor, ProcessTaskSet, TaskSet};

use crate::call::Call;
use crate::fault::Fault;
use crate::items::{ON_PURPOSE, panic_on_purpose, value};
use crate::judge::Verdict;

#[expect(clippy::ptr_arg, reason = "it is called with arguments of this type")]
fn sum(numbers: &Vec<u64>) -> u64 {
    numbers.iter().fold(0, |sum, number| sum.wrapping_add(*number))
}

fn of_item(&(salt, number): &(u64, u64)) -> u64 {
    value(salt, number)
}

fn fail(number: &u64) -> u64 {
    panic_on_purpose(*number)
}

pub(crate) fn tasks(call: &mut Call) -> Verdict {
    let (n_tasks, salt) = (3 + call.rng.index(8), call.salt());
    call.n_items += n_tasks;
    let failing = call.is(Fault::Panic).then(|| call.rng.index(n_tasks));
    let workers = 1 + call.rng.index(2);
    let config = ParallelConfig::builder().max_workers_cpu(workers).build().map_err(|error| error.to_string())?;
    let executor = ParallelExecutor::new(config);
    let numbers = vec![salt; 10];
    let in_processes = call.rng.one_in(2);
    let (mut here, mut there) = (TaskSet::new(), ProcessTaskSet::new());
    for number in 0..n_tasks as u64 {
        let name = format!("task {number}");
        match (failing == Some(number as usize), number % 2 == 0, in_processes) {
            (true, _, true) => there.add(name, fail, number),
            (true, _, false) => here.add(name, fail, number),
            (_, true, true) => there.add(name, of_item, (salt, number)),
            (_, true, false) => here.add(name, of_item, (salt, number)),
            (_, false, true) => there.add(name, sum, numbers.clone()),
            (_, false, false) => here.add(name, sum, numbers.clone()),
        }
    }
    let disturbance = call.disturb();
    let outcome = if in_processes { executor.submit_tasks(&there) } else { executor.submit_tasks(&here) };
    disturbance.end();
    let results = outcome.map_err(|error| error.to_string())?.into_results();
    for (index, result) in results.iter().enumerate() {
        let number = index as u64;
        let right = if index % 2 == 0 { value(salt, number) } else { sum(&numbers) };
        match result {
            Ok(found) if failing != Some(index) && *found == right => {}
            Err(failure) if failing == Some(index) => {
                let text = failure.to_string();
                let is_named = failure.index == index && failure.key.as_deref() == Some(&format!("task {index}"));
                if !is_named || !failure.is_panic() || !text.contains(&format!("{ON_PURPOSE}{index}")) {
                    return Err(format!("the failure of task {index} is {text}"));
                }
            }
            other => return Err(format!("task {index} has {other:?}, not {right:#x}")),
        }
    }
    if results.len() == n_tasks { Ok(()) } else { Err(format!("{} results of {n_tasks} tasks", results.len())) }
}
