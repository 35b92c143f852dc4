//! Tokens in one thread: any family of tokens, some with deadlines, against a list of parents.
//!
//! A deadline has passed long ago or is hours away, so no answer depends on how quick the test is.

use std::time::{Duration, Instant};

use manyhands::{CancelToken, job::CancelReason};
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(3600);

proptest! {
    #![proptest_config(manyhands_test_support::property::config(256))]
    #[test]
    fn a_token_has_the_reason_that_was_seen_first_in_its_line(steps in prop::collection::vec(step(), 0..60)) {
        let mut family = Family::new();
        steps.into_iter().for_each(|step| family.take(step));
        (0..family.tokens.len()).for_each(|token| family.ask(token));
    }
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Child(usize),
    Clone(usize),
    /// A child whose deadline has passed.
    Late(usize),
    /// A child whose deadline is in so many hours.
    InHours(usize, u32),
    /// A child whose limit is beyond the range of the clock.
    Unlimited(usize),
    Cancel(usize),
    Ask(usize),
}

fn step() -> impl Strategy<Value = Step> {
    // Of those that are there when the step is taken, counted round and round.
    let token = || 0..1000_usize;
    prop_oneof![
        4 => token().prop_map(Step::Child),
        1 => token().prop_map(Step::Clone),
        1 => token().prop_map(Step::Late),
        2 => (token(), 1..10_u32).prop_map(|(token, hours)| Step::InHours(token, hours)),
        1 => token().prop_map(Step::Unlimited),
        2 => token().prop_map(Step::Cancel),
        5 => token().prop_map(Step::Ask),
    ]
}

/// Tokens, and what is known of each.
struct Family {
    begun: Instant,
    tokens: Vec<CancelToken>,
    /// The line of the list below that a token stands for; clones share one.
    line: Vec<usize>,
    list: Vec<Plain>,
}

/// A token in plain words.
#[derive(Debug, Clone, Copy)]
struct Plain {
    parent: Option<usize>,
    deadline: Option<Instant>,
    /// Why it is cancelled, once a step has asked for that or has seen it.
    reason: Option<CancelReason>,
}

impl Family {
    fn new() -> Self {
        let first = Plain { parent: None, deadline: None, reason: None };
        Self { begun: Instant::now(), tokens: vec![CancelToken::new()], line: vec![0], list: vec![first] }
    }

    fn take(&mut self, step: Step) {
        let begun = self.begun;
        let there = self.tokens.len();
        match step {
            Step::Child(token) => self.descend(token % there, None, CancelToken::child),
            Step::Late(token) => self.descend(token % there, Some(begun), |parent| parent.with_deadline(begun)),
            Step::InHours(token, hours) => {
                let then = begun + hours * HOUR;
                self.descend(token % there, Some(then), |parent| parent.with_deadline(then));
            }
            Step::Unlimited(token) => {
                self.descend(token % there, None, |parent| parent.with_time_limit(Duration::MAX));
            }
            Step::Clone(token) => {
                self.tokens.push(self.tokens[token % there].clone());
                self.line.push(self.line[token % there]);
            }
            Step::Cancel(token) => {
                self.tokens[token % there].cancel();
                self.list[self.line[token % there]].reason.get_or_insert(CancelReason::Requested);
            }
            Step::Ask(token) => self.ask(token % there),
        }
    }

    fn descend(&mut self, token: usize, deadline: Option<Instant>, make: impl FnOnce(&CancelToken) -> CancelToken) {
        let parent = self.line[token];
        let deadline = self.list[parent].deadline.into_iter().chain(deadline).min();
        self.tokens.push(make(&self.tokens[token]));
        self.line.push(self.list.len());
        self.list.push(Plain { parent: Some(parent), deadline, reason: None });
    }

    fn ask(&mut self, token: usize) {
        let (asked, line) = (&self.tokens[token], self.line[token]);
        let is_late = self.list[line].deadline.is_some_and(|deadline| deadline <= self.begun);
        let expected = self.nearest_reason(line).or(is_late.then_some(CancelReason::Deadline));
        assert_eq!((asked.cancel_reason(), asked.is_cancelled()), (expected, expected.is_some()));
        assert_eq!(asked.deadline(), self.list[line].deadline);
        self.list[line].reason = expected;
    }

    fn nearest_reason(&self, line: usize) -> Option<CancelReason> {
        let plain = self.list[line];
        plain.reason.or_else(|| self.nearest_reason(plain.parent?))
    }
}
