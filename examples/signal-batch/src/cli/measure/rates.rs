//! Captures whose files state another rate than `--rate`: they are measured at the given one, and a sentence says so.

use super::inputs::CaptureItem;
use super::one::Measured;

/// How many files state another rate, and the first of them; none where no file does.
pub(in crate::cli) fn overruled_rates(items: &[CaptureItem], results: &[Result<Measured, String>]) -> Option<String> {
    let stated = |(item, result): (&CaptureItem, &Result<Measured, String>)| {
        let measured = result.as_ref().ok()?;
        Some((item.name.clone(), measured.overruled_rate_hz?, measured.rate_hz))
    };
    let mut found = items.iter().zip(results).filter_map(stated);
    let (name, stated, given) = found.next()?;
    let (n, state) = match 1 + found.count() {
        1 => ("1 capture".to_owned(), "states"),
        n => (format!("{n} captures"), "state"),
    };
    Some(format!(
        "{n} measured at {given} samples per second, as --rate says, {state} another rate, such as {name} with {stated}; \
         leave --rate out for what states its own"
    ))
}
