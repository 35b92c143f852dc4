//! What to use, by measured times: pure arithmetic, and sentences that name the reason.

use super::timing::shown;

/// A line of the table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// How the work was done.
    pub(super) method: Method,
    /// How many workers it had.
    pub(super) workers: usize,
    /// The median of the rounds.
    pub(super) seconds: f64,
}

/// A way to do the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Serial,
    Threads,
    Processes,
    Journal,
    Gpu,
}

/// A method is worth its trouble when it saves a sixth of the time of serial.
const WORTH: f64 = 1.2;

/// What to use, and the measured reason; then what the other methods cost.
pub(super) fn recommendation(rows: &[Row]) -> Vec<String> {
    let best_of = |method: Method| {
        rows.iter().filter(move |row| row.method == method).min_by(|a, b| a.seconds.total_cmp(&b.seconds))
    };
    let Some(serial) = best_of(Method::Serial) else { return Vec::new() };
    let mut sentences = Vec::new();
    let quick = [Method::Threads, Method::Processes, Method::Gpu].into_iter().filter_map(best_of);
    let best = quick.min_by(|a, b| a.seconds.total_cmp(&b.seconds)).unwrap_or(serial);
    let gain = serial.seconds / best.seconds;
    sentences.push(if gain < WORTH {
        format!("Use serial: the next best, {}, was {gain:.2} times as fast.", named(best))
    } else {
        format!("Use {}: {gain:.2} times as fast as serial, the most of all.", named(best))
    });
    if let (Some(threads), Some(processes)) = (best_of(Method::Threads), best_of(Method::Processes)) {
        let (of_threads, of_processes) = (threads.workers, processes.workers);
        sentences.push(format!("Best number of workers: {of_threads} for threads, {of_processes} for processes."));
        let ratio = processes.seconds / threads.seconds;
        sentences.push(format!("Processes took {ratio:.2} times as long as threads: use them for code that may die."));
        sentences.extend(best_of(Method::Journal).map(|journal| journal_cost(journal, rows, threads)));
    }
    sentences
}

fn named(row: &Row) -> String {
    match row.method {
        Method::Serial => "serial".to_owned(),
        Method::Threads => format!("threads with {}", workers(row.workers)),
        Method::Processes => format!("processes with {}", workers(row.workers)),
        Method::Journal => "a journal".to_owned(),
        Method::Gpu => "the graphics processor".to_owned(),
    }
}

fn workers(n: usize) -> String {
    if n == 1 { "1 worker".to_owned() } else { format!("{n} workers") }
}

/// What the journal added to threads with as many workers.
fn journal_cost(journal: &Row, rows: &[Row], best_threads: &Row) -> String {
    let without = rows.iter().find(|row| row.method == Method::Threads && row.workers == journal.workers);
    let without = without.unwrap_or(best_threads).seconds;
    let added = (journal.seconds - without).max(0.0);
    format!("A journal added {} to {}; a run that is killed resumes from it.", shown(added), shown(without))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(method: Method, workers: usize, seconds: f64) -> Row {
        Row { method, workers, seconds }
    }

    #[test]
    fn the_fastest_method_is_recommended_with_its_measured_gain() {
        let mut rows = vec![
            row(Method::Serial, 1, 0.1),
            row(Method::Threads, 1, 0.1),
            row(Method::Threads, 2, 0.05),
            row(Method::Processes, 2, 0.06),
            row(Method::Journal, 2, 0.07),
        ];
        let words = recommendation(&rows);
        assert!(words[0].starts_with("Use threads with 2 workers: 2.00 times"), "{words:?}");
        assert!(
            words[1].contains("2 for threads, 2 for processes") && words[2].contains("1.20 times as long as threads"),
            "{words:?}"
        );
        assert!(words[3].contains("added 20.0 ms to 50.0 ms"), "{words:?}");
        rows.push(row(Method::Gpu, 1, 0.01));
        assert!(recommendation(&rows)[0].starts_with("Use the graphics processor: 10.00 times"));
    }

    #[test]
    fn where_nothing_gains_serial_is_recommended() {
        let rows = [row(Method::Serial, 1, 0.010), row(Method::Threads, 2, 0.0095), row(Method::Processes, 2, 0.2)];
        let words = recommendation(&rows);
        assert!(words[0].starts_with("Use serial: the next best, threads with 2 workers, was 1.05"), "{words:?}");
    }
}
