//! One name per channel, whatever the labels are.

use std::collections::{HashMap, HashSet};

/// One name per label: the first of a label keeps it, a later one gets the first free `#2`, `#3`, ...
pub(crate) fn distinct_names(labels: &[String], warnings: &mut Vec<String>) -> Vec<String> {
    let mut taken: HashSet<String> = labels.iter().cloned().collect();
    let mut next_number: HashMap<&str, usize> = HashMap::new();
    let mut names = Vec::with_capacity(labels.len());
    for label in labels {
        let Some(number) = next_number.get_mut(label.as_str()) else {
            next_number.insert(label, 2);
            names.push(label.clone());
            continue;
        };
        let free = (*number..).find(|number| taken.insert(format!("{label}#{number}"))).expect("some number is free");
        *number = free + 1;
        let name = format!("{label}#{free}");
        warnings.push(format!("label {label:?} appears more than once; a later channel of it is named {name:?}"));
        names.push(name);
    }
    names
}

/// What a channel is called by itself: its label, or its place in the file when the label is empty.
pub(crate) fn label_or_place((idx, label): (usize, &String)) -> String {
    if label.is_empty() { format!("channel {}", idx + 1) } else { label.clone() }
}
