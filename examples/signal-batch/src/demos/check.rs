//! Compares what demonstrations found with what is stored in `expected.json`, and names each difference.
//!
//! Numbers agree within a relative 1e-9, everything else exactly. The file is what `demo all --json` prints under `demos`; store it
//! again after a change that is meant.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{Demo, Feature, Findings};

/// How far a number may be from the stored one, as a share of it: room for the sines of another machine.
const TOLERANCE: f64 = 1e-9;

/// Facts by demonstration, feature and name.
type Stored = BTreeMap<String, BTreeMap<String, Map<String, Value>>>;

static EXPECTED: LazyLock<Stored> =
    LazyLock::new(|| serde_json::from_str(include_str!("expected.json")).expect("the stored facts are JSON"));

/// One feature of a demonstration, compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checked {
    /// What is shown.
    pub(crate) feature: String,
    /// How many facts were compared.
    pub(crate) n_facts: usize,
    /// A sentence for each fact that differs.
    pub(crate) differences: Vec<String>,
}

/// Compares all features of a demonstration: those that it showed, and those that it should have shown.
pub(crate) fn check(demo: &Demo, findings: &Findings) -> Vec<Checked> {
    compare(EXPECTED.get(demo.name), findings)
}

fn compare(expected: Option<&BTreeMap<String, Map<String, Value>>>, findings: &Findings) -> Vec<Checked> {
    let nothing = BTreeMap::new();
    let expected = expected.unwrap_or(&nothing);
    let none = Map::new();
    let shown = findings.features().iter();
    let checked = shown.map(|feature| checked(feature, expected.get(&feature.name).unwrap_or(&none)));
    let is_shown = |name: &str| findings.features().iter().any(|feature| feature.name == name);
    let missing = expected.iter().filter(|(name, _)| !is_shown(name)).map(|(name, facts)| checked_missing(name, facts));
    checked.chain(missing).collect()
}

fn checked(feature: &Feature, expected: &Map<String, Value>) -> Checked {
    let found = feature.facts.iter().filter_map(|(name, value)| match expected.get(name) {
        None => Some(format!("{name} is {value}, and nothing is stored for it")),
        Some(stored) if !agree(value, stored) => Some(format!("{name} is {value} instead of {stored}")),
        Some(_) => None,
    });
    let absent = expected.keys().filter(|name| !feature.facts.contains_key(*name));
    let absent = absent.map(|name| format!("{name} was not found; {} is stored", expected[name]));
    Checked { feature: feature.name.clone(), n_facts: feature.facts.len(), differences: found.chain(absent).collect() }
}

fn checked_missing(name: &str, facts: &Map<String, Value>) -> Checked {
    let differences = vec![format!("the feature was not shown; {} facts are stored", facts.len())];
    Checked { feature: name.to_owned(), n_facts: 0, differences }
}

/// Whether two values are the same, numbers within the tolerance.
fn agree(found: &Value, stored: &Value) -> bool {
    match (found, stored) {
        (Value::Array(found), Value::Array(stored)) => {
            found.len() == stored.len() && found.iter().zip(stored).all(|(a, b)| agree(a, b))
        }
        (Value::Object(found), Value::Object(stored)) => {
            found.len() == stored.len() && found.iter().all(|(name, a)| stored.get(name).is_some_and(|b| agree(a, b)))
        }
        (Value::Number(found), Value::Number(stored)) => match (found.as_f64(), stored.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE * b.abs(),
            _ => false,
        },
        _ => found == stored,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found() -> Findings {
        let mut findings = Findings::default();
        findings.note("outliers", "files", json!(["a", "b"]));
        findings.note("outliers", "mean", 1.0);
        findings
    }

    fn differences(stored: Value) -> Vec<String> {
        let stored: BTreeMap<String, Map<String, Value>> = serde_json::from_value(stored).unwrap();
        compare(Some(&stored), &found()).into_iter().flat_map(|checked| checked.differences).collect()
    }

    #[test]
    fn the_same_facts_agree_and_a_rounding_error_too() {
        assert!(differences(json!({ "outliers": { "files": ["a", "b"], "mean": 1.0 + 1e-12 } })).is_empty());
    }

    #[test]
    fn each_difference_is_named_whichever_side_it_is_on() {
        let other = differences(json!({ "outliers": { "files": ["a", "c"], "mean": 1.0 + 1e-6 } }));
        assert!(other.len() == 2 && other[0].contains("files") && other[1].contains("mean"), "{other:?}");
        let absent = differences(json!({ "outliers": { "files": ["a", "b"], "mean": 1.0, "std": 2.0 } }));
        assert!(absent.len() == 1 && absent[0].contains("std was not found"), "{absent:?}");
        let new = differences(json!({ "outliers": { "mean": 1.0 } }));
        assert!(new.len() == 1 && new[0].contains("nothing is stored"), "{new:?}");
        let not_shown = differences(json!({ "outliers": { "files": ["a", "b"], "mean": 1.0 }, "groups": { "n": 1 } }));
        assert!(not_shown.len() == 1 && not_shown[0].contains("not shown"), "{not_shown:?}");
    }
}
