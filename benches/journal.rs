//! What does it cost to remember each finished item, and what to take it all up again?
//!
//! `overhead` holds runs of 10 000 items of 1 ms with a journal, with a report too and with time limits against the same run
//! without; the bar is 1.05. `rows` holds a million tiny items with a journal against a bare loop over SQLite that inserts the
//! very same rows in transactions of the same length; the bar is 2. `room` is the bytes of an item in journals of any length,
//! `resume` the time until a run finds out that nothing is left to do, and `status` that until a reader has counted a
//! journal; the bar is 0.3 s for a million rows.
//!
//! `--rounds N` and parts of case names choose; see benches/README.md.

#[path = "support/choice.rs"]
mod choice;
#[path = "support/report.rs"]
mod report;
#[path = "support/rounds.rs"]
#[expect(dead_code, reason = "runs that are long need no repetitions, and each side its turn in every round")]
mod rounds;
#[path = "support/spin.rs"]
mod spin;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use choice::Choice;
use manyhands::job::MapFn;
use manyhands::journal::JournalReader;
use manyhands::{Job, Journal, Mode, Outcome, Processes, Report, Serial, Threads};
use report::{row, say, table_head, time_text};
use rounds::{Contender, take_turns};
use rusqlite::{Connection, params};
use rustix::time::{ClockId, clock_gettime};
use spin::{Load, even_loads, plain, spin, turns_for};
use tempfile::TempDir;

/// How long the journal lets rows wait, unless told otherwise.
const COMMIT_EVERY: Duration = Duration::from_millis(50);
const WORKERS: usize = 2;
const ITEM: Duration = Duration::from_millis(1);

fn main() {
    manyhands::init();
    let choice = Choice::from_command_line();
    overhead(&choice);
    rows(&choice);
    room(&choice);
    resume(&choice);
    status(&choice);
    report::foot();
}

/// One of those that are compared: its name, and what runs it once.
struct Side<'a> {
    name: &'static str,
    run: Box<dyn FnMut() -> Vec<u64> + 'a>,
}

impl<'a> Side<'a> {
    fn new(name: &'static str, run: impl FnMut() -> Vec<u64> + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }
}

/// Lets the sides take turns, compares each answer, and writes a row for each, with ratios to the first. With a bar, the
/// row of a journal says whether it is below.
fn compare(case: &str, n_rounds: usize, bar: Option<f64>, expected: &[u64], sides: Vec<Side<'_>>) {
    let names: Vec<&str> = sides.iter().map(|side| side.name).collect();
    let on_cpu: Vec<RefCell<Vec<Duration>>> = sides.iter().map(|_| RefCell::default()).collect();
    let contenders = sides.into_iter().zip(&on_cpu).map(|(mut side, on_cpu)| {
        Contender::new(move || {
            let (begun, cpu_before) = (Instant::now(), cpu_time());
            let answers = (side.run)();
            let took = begun.elapsed();
            on_cpu.borrow_mut().push(cpu_time() - cpu_before);
            assert!(answers == expected, "{}", side.name);
            took
        })
    });
    let series = take_turns(n_rounds, contenders.collect());
    let on_cpu: Vec<Duration> = on_cpu.into_iter().map(|times| median_after_first(times.into_inner())).collect();
    for (idx, name) in names.iter().enumerate() {
        let beyond = (on_cpu[idx].as_secs_f64() - on_cpu[0].as_secs_f64()) * 1e9 / expected.len() as f64;
        let ratio = series[idx].ratio_to(&series[0]);
        let judged = match bar.filter(|_| name.contains("with journal")) {
            Some(bar) if ratio > bar => format!("{bar:.2} LOST"),
            Some(bar) => format!("{bar:.2} held"),
            None => "-".to_owned(),
        };
        row(&[
            case.to_owned(),
            (*name).to_owned(),
            time_text(series[idx].median()),
            format!("{ratio:.3}"),
            judged,
            time_text(on_cpu[idx]),
            format!("{beyond:.0} ns"),
        ]);
    }
}

fn compare_head(first: &str) {
    table_head(&["case", "side", "wall", &format!("wall / {first}"), "bar", "CPU", "CPU of an item beyond"]);
}

/// The first one warmed up.
fn median_after_first(mut times: Vec<Duration>) -> Duration {
    times.remove(0);
    times.sort_unstable();
    times[times.len() / 2]
}

/// What this process has spent on CPUs, without its worker processes.
fn cpu_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).expect("a clock that began at 0")
}

fn overhead(choice: &Choice) {
    let cases = ["overhead spinning threads", "overhead sleeping threads", "overhead spinning processes"];
    let [spinning, sleeping, processes] = cases.map(|case| choice.has(case));
    if !(spinning || sleeping || processes) {
        return;
    }
    const N_ITEMS: usize = 10_000;
    report::head("10 000 items of 1 ms, remembered");
    say(&format!(
        "\nMedians, {WORKERS} workers. The bar is 1.05 of the plain run. CPU is of the calling process, without worker \
         processes. `plain again` is what chance does."
    ));
    compare_head("plain");
    let n_rounds = choice.rounds(5);
    let loads = even_loads(N_ITEMS, turns_for(ITEM));
    if spinning {
        let expected = plain(&loads);
        compare(cases[0], n_rounds, Some(1.05), &expected, sides_of(Threads, Threads, spin, &loads));
    }
    if sleeping {
        let expected: Vec<u64> = loads.iter().map(|load| load.turns).collect();
        compare(cases[1], n_rounds, Some(1.05), &expected, sides_of(Threads::io(), Threads::io(), sleep, &loads));
    }
    if processes {
        let limited = Processes::new().time_limit(Duration::from_secs(5));
        let expected = plain(&loads);
        let spin: fn(&Load) -> u64 = spin; // worker processes take a pointer
        compare(cases[2], n_rounds, Some(1.05), &expected, sides_of(Processes::new(), limited, spin, &loads));
    }
}

fn sleep(load: &Load) -> u64 {
    std::thread::sleep(ITEM);
    load.turns
}

/// The plain run in its own mode, and those that remember, which may have limits.
fn sides_of<'a, M, L, F>(mode: M, limited: L, function: F, loads: &'a [Load]) -> Vec<Side<'a>>
where
    M: Mode<Load, MapFn<F>> + Clone + 'a,
    L: Mode<Load, MapFn<F>> + Clone + 'a,
    F: Fn(&Load) -> u64 + Copy + 'a,
{
    let job = move || Job::new(loads).mode(mode.clone()).workers(WORKERS);
    let limited = move || Job::new(loads).mode(limited.clone()).workers(WORKERS);
    let (again, reported) = (job.clone(), limited.clone());
    vec![
        Side::new("plain", move || values(job().run(function))),
        Side::new("with journal", move || {
            let folder = folder();
            values(limited().map(function).journal(journal_in(folder.path())).run())
        }),
        Side::new("with journal and report", move || {
            let folder = folder();
            let report = Report::at(folder.path().join("run"));
            values(reported().map(function).journal(journal_in(folder.path())).report(report).run())
        }),
        Side::new("plain again", move || values(again().run(function))),
    ]
}

fn values(outcome: Result<Outcome<u64>, manyhands::Error>) -> Vec<u64> {
    let outcome = outcome.expect("a call");
    assert!(outcome.warnings().is_empty(), "{:?}", outcome.warnings());
    outcome.into_result().expect("no item fails")
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is room for a folder")
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("items.journal")
}

/// Keys are of one length, so that rows differ in nothing but their number.
fn journal_in(folder: &Path) -> Journal<'static, Load> {
    Journal::at(file_in(folder)).key(|load: &Load| format!("item {:07}", load.seed))
}

fn rows(choice: &Choice) {
    let sizes = [10_000, 100_000, 1_000_000].map(|n_items| (format!("rows {n_items}"), n_items));
    if !sizes.iter().any(|(case, _)| choice.has(case)) {
        return;
    }
    report::head("Tiny items, remembered, against a bare loop that inserts the same rows");
    say(&format!(
        "\nMedians, from making the file to its end. The bar is 2.00 of the bare loop for a million, without a report. The bare loop has \
         its rows in memory; the jobs make keys, times, checksums and answers beside, in {WORKERS} workers or one."
    ));
    compare_head("bare");
    for (case, n_items) in sizes.iter().filter(|(case, _)| choice.has(case)) {
        compare_rows(case, *n_items, choice.rounds(7));
    }
}

fn compare_rows(case: &str, n_items: usize, n_rounds: usize) {
    let loads = even_loads(n_items, turns_for(Duration::from_nanos(5)));
    let expected = plain(&loads);
    let first = folder();
    run_with_journal(Threads, spin, &loads, first.path());
    let bare = Bare::of(&file_in(first.path()));
    let inserted = folder();
    bare.insert(&file_in(inserted.path()));
    assert_same_rows(&file_in(first.path()), &file_in(inserted.path()));
    drop((first, inserted));

    let insert = || {
        let folder = folder();
        bare.insert(&file_in(folder.path()));
        expected.clone()
    };
    let sides = vec![
        Side::new("bare loop", insert),
        Side::new("threads with journal", || run_with_journal(Threads, spin, &loads, folder().path())),
        Side::new("serial with journal", || run_with_journal(Serial, spin, &loads, folder().path())),
        Side::new("threads, journal and report", || {
            let folder = folder();
            let work = Job::new(&loads).workers(WORKERS).map(spin).journal(journal_in(folder.path()));
            values(work.report(Report::at(folder.path().join("run"))).run())
        }),
        Side::new("threads", || values(Job::new(&loads).workers(WORKERS).run(spin))),
        Side::new("bare loop again", insert),
    ];
    compare(case, n_rounds, (n_items == 1_000_000).then_some(2.0), &expected, sides);
}

fn run_with_journal<M, F>(mode: M, function: F, loads: &[Load], folder: &Path) -> Vec<u64>
where
    M: Mode<Load, MapFn<F>>,
    F: Fn(&Load) -> u64,
{
    values(Job::new(loads).mode(mode).workers(WORKERS).map(function).journal(journal_in(folder)).run())
}

/// What a program without this crate would write, read from a journal: the tables, and their rows in memory.
struct Bare {
    tables: String,
    run: [String; 3],
    rows: Vec<Row>,
}

struct Row {
    place: i64,
    key: String,
    attempts: i64,
    started: i64,
    elapsed: i64,
    cpu: Option<i64>,
    worker: Option<i64>,
    peak_memory: Option<i64>,
    value: Vec<u8>,
    checksum: i64,
}

/// The columns of items that all succeeded.
const COLUMNS: &str = "place, key, attempts, started_ns, elapsed_ns, cpu_ns, worker, peak_memory, value, checksum";

impl Bare {
    fn of(journal: &Path) -> Self {
        let connection = open(journal);
        let tables = "SELECT group_concat(sql, ';') FROM sqlite_schema WHERE sql IS NOT NULL";
        let tables = connection.query_row(tables, [], |row| row.get(0)).expect("a journal has tables");
        let run = "SELECT version, configuration, writer FROM run";
        let run = connection.query_row(run, [], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]));
        Self { tables, run: run.expect("a journal has a run"), rows: rows_of(&connection) }
    }

    /// One thread, one prepared statement, a commit whenever the interval is over.
    fn insert(&self, file: &Path) {
        let connection = open(file);
        log_ahead(&connection);
        connection.execute_batch(&self.tables).expect("tables");
        let insert = "INSERT INTO run (version, configuration, writer, begun_ns) VALUES (?1, ?2, ?3, 0)";
        connection.execute(insert, params![self.run[0], self.run[1], self.run[2]]).expect("a row");

        let insert = format!("INSERT INTO entry (run, {COLUMNS}) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
        let mut insert = connection.prepare(&insert).expect("a statement");
        connection.execute_batch("BEGIN").expect("a transaction");
        let mut begun = Instant::now();
        for row in &self.rows {
            let Row { place, key, attempts, started, elapsed, cpu, worker, peak_memory, value, checksum } = row;
            insert
                .execute(params![place, key, attempts, started, elapsed, cpu, worker, peak_memory, value, checksum])
                .expect("a row");
            if begun.elapsed() >= COMMIT_EVERY {
                connection.execute_batch("COMMIT; BEGIN").expect("a commit");
                begun = Instant::now();
            }
        }
        connection.execute_batch("COMMIT").expect("a commit");
        drop(insert);
        connection.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(())).expect("one file in the end");
    }
}

fn open(file: &Path) -> Connection {
    Connection::open(file).expect("a database")
}

/// The journal's settings.
fn log_ahead(connection: &Connection) {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).expect("a log");
    connection.pragma_update(None, "synchronous", "normal").expect("a setting");
}

fn rows_of(connection: &Connection) -> Vec<Row> {
    let mut select = connection.prepare(&format!("SELECT {COLUMNS} FROM entry ORDER BY id")).expect("a statement");
    let rows = select.query_map([], |row| {
        Ok(Row {
            place: row.get(0)?,
            key: row.get(1)?,
            attempts: row.get(2)?,
            started: row.get(3)?,
            elapsed: row.get(4)?,
            cpu: row.get(5)?,
            worker: row.get(6)?,
            peak_memory: row.get(7)?,
            value: row.get(8)?,
            checksum: row.get(9)?,
        })
    });
    rows.expect("rows").collect::<Result<_, _>>().expect("rows of that shape")
}

/// Both files have the same rows, in the same order, with the same numbers.
fn assert_same_rows(journal: &Path, bare: &Path) {
    let connection = open(journal);
    let attach = connection.execute("ATTACH ?1 AS bare", [bare.to_str().expect("a path of text")]);
    attach.expect("a second database");
    let differences = "SELECT (SELECT count(*) FROM (SELECT * FROM main.entry EXCEPT SELECT * FROM bare.entry)), \
                       (SELECT count(*) FROM main.entry) - (SELECT count(*) FROM bare.entry)";
    let found: (i64, i64) =
        connection.query_row(differences, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("counts");
    assert_eq!(found, (0, 0), "rows that differ, rows that are missing");
}

fn room(choice: &Choice) {
    let sizes = [1_000, 10_000, 100_000, 1_000_000].map(|n_items| (format!("room {n_items}"), n_items));
    if !sizes.iter().any(|(case, _)| choice.has(case)) {
        return;
    }
    report::head("The journal's bytes per item");
    say("\nOf the file when it is closed, with a key of 12 bytes and a value of about 10.");
    table_head(&["case", "bytes of an item"]);
    let mut first = None;
    for (case, n_items) in sizes.iter().filter(|(case, _)| choice.has(case)) {
        let folder = folder();
        let loads = even_loads(*n_items, 1);
        assert_eq!(run_with_journal(Threads, spin, &loads, folder.path()), plain(&loads));
        let bytes = fs::metadata(file_in(folder.path())).expect("a journal").len();
        let of_an_item = bytes as f64 / *n_items as f64;
        row(&[case.clone(), format!("{of_an_item:.1}")]);
        // The tables themselves take some pages, which count for less the more items there are.
        assert!(of_an_item <= first.unwrap_or(of_an_item) + 1.0, "an item takes more room in a longer journal");
        first.get_or_insert(of_an_item);
    }
}

fn resume(choice: &Choice) {
    let sizes = [10_000, 100_000, 1_000_000].map(|n_items| (format!("resume {n_items}"), n_items));
    if !sizes.iter().any(|(case, _)| choice.has(case)) {
        return;
    }
    report::head("Resuming from a journal in which nothing is left to do");
    say(
        "\nMedians. The bare loop reads the same columns of all rows into memory and puts them into a table by key; the job \
         also looks the file through for damage, proves each row's checksum, and finds each item by its key.",
    );
    compare_head("bare");
    for (case, n_items) in sizes.iter().filter(|(case, _)| choice.has(case)) {
        let folder = folder();
        let loads = even_loads(*n_items, turns_for(Duration::from_nanos(5)));
        let expected = plain(&loads);
        run_with_journal(Threads, spin, &loads, folder.path());
        let read = || {
            let by_key: HashMap<String, Row> =
                rows_of(&open(&file_in(folder.path()))).into_iter().map(|row| (row.key.clone(), row)).collect();
            assert_eq!(by_key.len(), *n_items);
            drop(by_key);
            expected.clone()
        };
        let resume_all = || {
            let work =
                Job::new(&loads).workers(WORKERS).map(|load| -> u64 { panic!("item {} is done again", load.seed) });
            let outcome = work.journal(journal_in(folder.path())).run();
            assert_eq!(outcome.as_ref().expect("a call").resumed().count(), *n_items);
            values(outcome)
        };
        let sides =
            vec![Side::new("bare loop", read), Side::new("job", resume_all), Side::new("bare loop again", read)];
        compare(case, choice.rounds(7), None, &expected, sides);
    }
}

fn status(choice: &Choice) {
    let sizes = [10_000, 100_000, 1_000_000].map(|n_items| (format!("status {n_items}"), n_items));
    if !sizes.iter().any(|(case, _)| choice.has(case)) {
        return;
    }
    report::head("Counting a journal's items");
    say(
        "\nMedians, from opening the file to the counts. `sorted by key` is the same counts by the file's view `newest`, as an \
         SQLite tool gets them. The bar of a million rows is 0.3 s.",
    );
    table_head(&["case", "status", "bar", "sorted by key"]);
    for (case, n_items) in sizes.iter().filter(|(case, _)| choice.has(case)) {
        let folder = folder();
        let loads = even_loads(*n_items, 1);
        run_with_journal(Threads, spin, &loads, folder.path());
        let count = || {
            let begun = Instant::now();
            let status = JournalReader::open(file_in(folder.path())).and_then(|reader| reader.status());
            let status = status.expect("a journal");
            assert_eq!((status.succeeded, status.failed, status.rows), (*n_items as u64, 0, *n_items as u64));
            begun.elapsed()
        };
        let count_by_view = || {
            let begun = Instant::now();
            let select = "SELECT count(*) FROM newest WHERE failure IS NULL";
            let found: i64 = open(&file_in(folder.path())).query_row(select, [], |row| row.get(0)).expect("a count");
            assert_eq!(found, *n_items as i64);
            begun.elapsed()
        };
        let series = take_turns(choice.rounds(7), vec![Contender::new(count), Contender::new(count_by_view)]);
        let (took, bar) = (series[0].median(), Duration::from_millis(300));
        let judged = match *n_items {
            1_000_000 if took > bar => "0.3 s LOST",
            1_000_000 => "0.3 s held",
            _ => "-",
        };
        row(&[case.clone(), time_text(took), judged.to_owned(), time_text(series[1].median())]);
    }
}
