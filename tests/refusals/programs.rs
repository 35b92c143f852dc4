//! The programs.

/// A program, and what the compiler is to say of it.
pub(crate) struct Program {
    pub(crate) name: String,
    /// The body of its `main`.
    pub(crate) body: String,
    /// All of these words are in the errors; `None` for a program that compiles.
    pub(crate) refused_with: Option<&'static [&'static str]>,
}

/// What a closure captures, under the name `captured`.
const CAPTURES: [(&str, &str); 4] = [
    ("value", "let captured = 3;"),
    ("copy_token", "let captured = CopyToken;"),
    ("token", "let captured = Token;"),
    ("reference", "let owner = 3; let captured = &owner;"),
];

/// Where a closure is given. `LOOK` stands for what the closure does with what it captures.
const CALLS: [(&str, &str); 20] = [
    ("parallel_map", "_ = parallel_map(Processes::new(), &[1, 2], move |n: &i32| { LOOK *n });"),
    (
        "try_parallel_map",
        "_ = try_parallel_map(Processes::new(), &[1, 2], move |n: &i32| { LOOK Ok::<i32, String>(*n) });",
    ),
    ("job_run", "_ = Job::new(&[1, 2]).mode(Processes::new()).run(move |n: &i32| { LOOK *n });"),
    ("job_map", "_ = Job::new(&[1, 2]).mode(Processes::new()).map(move |n: &i32| { LOOK *n });"),
    (
        "job_try_map",
        "_ = Job::new(&[1, 2]).mode(Processes::new()).try_map(move |n: &i32| { LOOK Ok::<i32, String>(*n) });",
    ),
    (
        "job_try_run",
        "_ = Job::new(&[1, 2]).mode(Processes::new()).try_run(move |n: &i32| { LOOK Ok::<i32, String>(*n) });",
    ),
    ("stream_map", "_ = Job::over([1, 2]).mode(Processes::new()).map(move |n: &i32| { LOOK *n }).ordered();"),
    (
        "shared_map",
        "_ = Job::new(&[1, 2]).mode(Processes::new()).shared(&5).map(move |s: &i32, n: &i32| { LOOK s * n });",
    ),
    (
        "shared_try_map",
        "_ = Job::new(&[1, 2]).mode(Processes::new()).shared(&5)
            .try_map(move |s: &i32, n: &i32| { LOOK Ok::<i32, String>(s * n) });",
    ),
    (
        "worker_state",
        "_ = Job::new(&[1, 2]).mode(Processes::new()).worker_state(move || { LOOK 0 }).map(|s: &mut i32, n: &i32| *n);",
    ),
    (
        "try_worker_state",
        "_ = Job::new(&[1, 2]).mode(Processes::new())
            .try_worker_state(move || { LOOK Ok::<i32, String>(0) }).map(|s: &mut i32, n: &i32| *n);",
    ),
    (
        "shared_worker_state",
        "_ = Job::new(&[1, 2]).mode(Processes::new()).shared(&5)
            .worker_state(move |s: &i32| { LOOK *s }).map(|s: &mut i32, n: &i32| *n);",
    ),
    (
        "state_map",
        "_ = Job::new(&[1, 2]).mode(Processes::new()).worker_state(init_state).map(move |s: &mut u32, n: &i32| { LOOK *n });",
    ),
    (
        "state_try_map",
        "_ = Job::new(&[1, 2]).mode(Processes::new()).worker_state(init_state)
            .try_map(move |s: &mut u32, n: &i32| { LOOK Ok::<i32, String>(*n) });",
    ),
    ("task_set", "ProcessTaskSet::new().add(\"one\", move |n: &i32| { LOOK *n }, 1);"),
    ("map_processes", "_ = ParallelExecutor::default().map_processes(&[1, 2], move |n: &i32| { LOOK *n });"),
    ("any_mode", "_ = parallel_map(AnyMode::Threads, &[1, 2], move |n: &i32| { LOOK *n });"),
    ("any_mode_run", "_ = Job::new(&[1, 2]).mode(AnyMode::Threads).run(move |n: &i32| { LOOK *n });"),
    (
        "any_mode_for_each",
        "_ = Job::new(&[1, 2]).mode(AnyMode::Threads).map(move |n: &i32| { LOOK *n })
            .for_each(|_, _| std::ops::ControlFlow::Continue(()));",
    ),
    (
        "any_mode_worker_state",
        "_ = Job::new(&[1, 2]).mode(AnyMode::Threads).worker_state(move || { LOOK 0 }).map(|s: &mut i32, n: &i32| *n);",
    ),
];

/// Other programs that are refused.
const OTHERS: [(&str, &str, &[&str]); 4] = [
    (
        "shared_after_state",
        "_ = Job::new(&[1, 2]).worker_state(init_state).shared(&5).map(|s: &i32, n: &i32| s * n);",
        &["`.shared(..)` comes before `.worker_state(..)`"],
    ),
    (
        "mode_after_state",
        "_ = Job::new(&[1, 2]).worker_state(|| 0_u32).mode(Processes::new()).map(|s: &mut u32, n: &i32| *n);",
        &["worker processes cannot prepare", "set the mode before `worker_state`"],
    ),
    (
        "any_mode_after_state",
        "_ = Job::new(&[1, 2]).worker_state(|| 0_u32).mode(AnyMode::Threads).map(|s: &mut u32, n: &i32| *n);",
        &["worker processes cannot prepare", "set the mode before `worker_state`"],
    ),
    (
        "generic_function",
        "fn both<F: Fn(&i32) -> i32>(f: F) { _ = parallel_map(Processes::new(), &[1, 2], f); } both(|n| *n);",
        &["expected fn pointer, found type parameter `F`"],
    ),
];

/// Programs that compile.
const ACCEPTED: [(&str, &str); 2] = [
    (
        "coerces",
        "let double = |n: &i32| 2 * n;
        _ = parallel_map(Processes::new(), &[1, 2], double);
        _ = Job::new(&[1, 2]).mode(Processes::new()).worker_state(|| 7_u32).map(|s, n: &i32| *n);
        _ = Job::new(&[1, 2]).mode(Processes::new()).shared(&5).worker_state(|s| *s).map(|s, n: &i32| *n + *s);
        ProcessTaskSet::new().add(\"one\", double, 1);
        _ = ParallelExecutor::default().map_processes(&[1, 2], double);
        _ = Job::new(&[1, 2]).mode(AnyMode::Threads).map(double);",
    ),
    ("state_as_pointer", "_ = Job::new(&[1]).worker_state(init_state as fn() -> u32).mode(Processes::new());"),
];

/// All programs, refused and accepted.
pub(crate) fn all() -> Vec<Program> {
    let mut programs = Vec::new();
    for (call, template) in CALLS {
        for (capture, definition) in CAPTURES {
            programs.push(Program {
                name: format!("{call}_{capture}"),
                body: format!("{definition}\n{}", template.replace("LOOK", "look(&captured);")),
                refused_with: Some(&["E0308", "`captured` captured here"]),
            });
        }
    }
    programs.extend(OTHERS.map(|(name, body, words)| Program {
        name: name.to_owned(),
        body: body.to_owned(),
        refused_with: Some(words),
    }));
    programs.extend(ACCEPTED.map(|(name, body)| Program {
        name: name.to_owned(),
        body: body.to_owned(),
        refused_with: None,
    }));
    programs
}
