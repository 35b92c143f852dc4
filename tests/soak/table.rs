//! What the soak prints: a line per kind, and a table at the end.

use std::time::Duration;

use crate::fault::Fault;
use crate::lines::Counts;

/// What came of a kind.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    pub(crate) counts: Counts,
    pub(crate) took: Duration,
    pub(crate) findings: Vec<String>,
    /// The calls that were asked for.
    pub(crate) asked_for: usize,
}

impl Row {
    /// The row of all kinds together.
    pub(crate) fn total(rows: &[Self]) -> Self {
        let mut total =
            Self { kind: "all", counts: Counts::default(), took: Duration::ZERO, findings: Vec::new(), asked_for: 0 };
        for row in rows {
            total.counts.add(&row.counts);
            total.took += row.took;
            total.findings.extend(row.findings.iter().cloned());
            total.asked_for += row.asked_for;
        }
        total
    }

    /// One line of the table.
    pub(crate) fn line(&self) -> String {
        let counts = &self.counts;
        let faults = Fault::ALL.map(|fault| format!("{:>6}", counts.faults.get(&fault).copied().unwrap_or(0)));
        let (seconds, heap) = (self.took.as_secs_f64(), counts.heap);
        format!(
            "{:<13}{:>7}{:>9}{seconds:>8.1}{}{heap:>9}{:>9}",
            self.kind,
            counts.calls,
            counts.items,
            faults.concat(),
            self.findings.len()
        )
    }
}

/// The names of the columns.
pub(crate) fn head() -> String {
    let faults = Fault::ALL.map(|fault| format!("{:>6}", fault.name()));
    format!("{:<13}{:>7}{:>9}{:>8}{}{:>9}{:>9}", "kind", "calls", "items", "s", faults.concat(), "heap", "findings")
}
