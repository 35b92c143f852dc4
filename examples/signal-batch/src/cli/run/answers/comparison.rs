//! Two samples compared, and p values corrected for many tests.

use serde_json::{Map, Value, json};
use signal_batch::stats::{self, Comparison};

use super::super::case::{Case, number, numbers};

/// `expect`: the differences of b from a. What is not defined for the two samples is left out, as case files do.
///
/// # Errors
/// A message that names the field.
pub(super) fn compare_batches(case: &Case) -> Result<Value, String> {
    let compared = stats::compare(&case.numbers("a")?, &case.numbers("b")?);
    let Comparison { n_a, n_b, mean_a, mean_b, mean_ratio, mean_diff, .. } = compared;
    let mut expect = Map::new();
    let mut insert = |name: &str, value: Value| expect.insert(name.to_owned(), value);
    insert("n_a", json!(n_a));
    insert("n_b", json!(n_b));
    insert("mean_a", number(mean_a));
    insert("mean_b", number(mean_b));
    insert("mean_ratio_b_over_a", mean_ratio.map_or(Value::Null, number));
    insert("mean_diff_b_minus_a", number(mean_diff));
    for (name, value) in tests(&compared).into_iter().filter_map(|(name, value)| Some((name, value?))) {
        insert(name, value);
    }
    Ok(json!({ "expect": expect }))
}

/// The tests and effect sizes that are defined.
fn tests(compared: &Comparison) -> [(&'static str, Option<Value>); 6] {
    let welch = compared.welch.as_ref().map(|welch| {
        let (low, high) = welch.ci95;
        json!({
            "t": number(welch.t), "df": number(welch.df), "p": number(welch.p),
            "ci95_low": number(low), "ci95_high": number(high),
        })
    });
    let ranks = compared.mann_whitney.as_ref();
    let gap = compared.ks.as_ref();
    [
        ("welch", welch),
        ("cohen_d", compared.cohen_d.map(number)),
        ("hedges_g", compared.hedges_g.map(number)),
        ("mann_whitney", ranks.map(|ranks| json!({ "u_b": number(ranks.u_b), "p": number(ranks.p) }))),
        ("cliffs_delta", compared.cliffs_delta.map(number)),
        ("ks", gap.map(|gap| json!({ "d": number(gap.d), "p_limit": number(gap.p_limit) }))),
    ]
}

/// `holm` and `benjamini_hochberg`: the p values, adjusted.
///
/// # Errors
/// A message that names the field, or a value that is no probability.
pub(super) fn multiple_tests(case: &Case) -> Result<Value, String> {
    let p = case.numbers("p")?;
    if let Some(at) = p.iter().position(|p| !(0.0..=1.0).contains(p)) {
        return Err(format!("p[{at}] is {}; give a probability from 0 to 1", number(p[at])));
    }
    Ok(json!({
        "holm": numbers(&stats::holm(&p)),
        "benjamini_hochberg": numbers(&stats::benjamini_hochberg(&p)),
    }))
}
