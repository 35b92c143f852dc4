//! Two samples compared, and p values corrected for many tests.

use serde_json::{Map, Value, json};
use signal_batch::stats::{self, Comparison};

use super::super::case::{Case, number, numbers};

/// `expect`: the differences of b from a. What needs two values of each is left out where there are fewer, and null where it is not
/// defined for another reason, as case files do.
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
    for (name, least, value) in tests(&compared) {
        if n_a.min(n_b) >= least {
            insert(name, value.unwrap_or_default());
        }
    }
    Ok(json!({ "expect": expect }))
}

/// The tests and effect sizes: the name, how many values of each sample it needs, and the value where it is defined.
fn tests(compared: &Comparison) -> [(&'static str, usize, Option<Value>); 6] {
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
        ("welch", 2, welch),
        ("cohen_d", 2, compared.cohen_d.map(number)),
        ("hedges_g", 2, compared.hedges_g.map(number)),
        ("mann_whitney", 1, ranks.map(|ranks| json!({ "u_b": number(ranks.u_b), "p": number(ranks.p) }))),
        ("cliffs_delta", 1, compared.cliffs_delta.map(number)),
        ("ks", 1, gap.map(|gap| json!({ "d": number(gap.d), "p_limit": number(gap.p_limit) }))),
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
