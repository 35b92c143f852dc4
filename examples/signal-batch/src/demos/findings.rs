//! What a demonstration found: facts under the features that they show. Facts are the same on every machine and in every mode.

use serde_json::{Map, Value};

/// The facts of one demonstration, by feature, in the order of showing.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Findings(Vec<Feature>);

/// One feature, and the facts that show it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Feature {
    /// Its name, such as `errors in workers`.
    pub(crate) name: String,
    /// Names and values.
    pub(crate) facts: Map<String, Value>,
}

impl Findings {
    /// Adds a fact to a feature.
    pub(super) fn note(&mut self, feature: &str, fact: &str, value: impl Into<Value>) {
        let at = self.0.iter().position(|known| known.name == feature).unwrap_or_else(|| {
            self.0.push(Feature { name: feature.to_owned(), facts: Map::new() });
            self.0.len() - 1
        });
        self.0[at].facts.insert(fact.to_owned(), value.into());
    }

    /// The features, in the order of showing.
    pub(crate) fn features(&self) -> &[Feature] {
        &self.0
    }

    /// As it is stored: an object of features, each an object of facts.
    pub(crate) fn to_json(&self) -> Value {
        let features = self.0.iter().map(|feature| (feature.name.clone(), Value::Object(feature.facts.clone())));
        Value::Object(features.collect())
    }
}
