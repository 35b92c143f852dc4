//! Tokens: a stop reaches every descendant and no other token, is never taken back, and keeps its first reason.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use manyhands::{CancelToken, job::CancelReason};
use manyhands_test_support::rng::Rng;

use crate::scenario::{scenario, together};

#[test]
fn a_stop_reaches_every_descendant_and_is_never_taken_back() {
    scenario("token trees", |rng| {
        let tree = Tree::grow(24, rng);
        let n_uses = together(4, rng, |_, rng| {
            for _ in 0..200 {
                let token = rng.index(tree.nodes.len());
                match rng.below(16) {
                    0 => tree.cancel(token),
                    1 => tree.bear(token),
                    _ => tree.ask(token),
                }
            }
            200
        });
        tree.is_cancelled_where_it_was_asked_to_be();
        n_uses
    });
}

struct Tree {
    nodes: Vec<Node>,
}

struct Node {
    token: CancelToken,
    parent: Option<usize>,
    /// Set after the stop was asked for.
    was_asked: AtomicBool,
    /// The reason that a thread has seen; 0 for none. Written after the question, and read before the next one.
    seen: AtomicU8,
}

impl Tree {
    fn grow(n_nodes: usize, rng: &mut Rng) -> Self {
        let mut nodes = vec![Node::new(CancelToken::new(), None)];
        for _ in 1..n_nodes {
            let parent = rng.index(nodes.len());
            let above = &nodes[parent].token;
            let token = match rng.below(16) {
                0 => above.with_time_limit(Duration::from_micros(rng.below(500))),
                1 => above.with_time_limit(Duration::from_secs(3600)),
                _ => above.child(),
            };
            nodes.push(Node::new(token, Some(parent)));
        }
        Self { nodes }
    }

    fn cancel(&self, token: usize) {
        // Most of the tree stays alive for a while: the first tokens have most descendants.
        if token > 4 {
            self.nodes[token].token.cancel();
            self.nodes[token].was_asked.store(true, Ordering::SeqCst);
        }
    }

    /// A child of a token that is known to be cancelled is cancelled from the beginning.
    fn bear(&self, token: usize) {
        let is_known = self.is_known_to_be_cancelled(token);
        let child = self.nodes[token].token.child();
        assert!(child.is_cancelled() || !is_known);
    }

    fn ask(&self, token: usize) {
        let node = &self.nodes[token];
        let (is_known, before) = (self.is_known_to_be_cancelled(token), node.seen.load(Ordering::SeqCst));
        let reason = match node.token.cancel_reason() {
            None => 0,
            Some(CancelReason::Requested) => 1,
            Some(CancelReason::Deadline) => 2,
            Some(other) => panic!("{other:?} is new"),
        };
        assert!(reason != 0 || !is_known, "a stop did not arrive");
        assert!(before == 0 || reason == before, "{reason} was {before} before");
        if reason != 0 {
            let first = node.seen.compare_exchange(0, reason, Ordering::SeqCst, Ordering::SeqCst);
            assert!(first.is_ok() || first == Err(reason), "two reasons were seen: {first:?} and {reason}");
        }
    }

    fn is_known_to_be_cancelled(&self, token: usize) -> bool {
        self.line(token).any(|node| node.was_asked.load(Ordering::SeqCst) || node.seen.load(Ordering::SeqCst) != 0)
    }

    /// Once no thread asks any more: those tokens are cancelled that have a reason above them, and no others.
    fn is_cancelled_where_it_was_asked_to_be(&self) {
        for (token, node) in self.nodes.iter().enumerate() {
            let is_late = node.token.deadline().is_some_and(|deadline| deadline <= Instant::now());
            let was_asked = self.line(token).any(|node| node.was_asked.load(Ordering::SeqCst));
            let is_cancelled = node.token.is_cancelled();
            // A deadline may pass between the two looks at it.
            let was_late = node.token.deadline().is_some_and(|deadline| deadline <= Instant::now());
            assert!(if is_cancelled { was_asked || was_late } else { !was_asked && !is_late });
        }
    }

    fn line(&self, token: usize) -> impl Iterator<Item = &Node> {
        std::iter::successors(Some(&self.nodes[token]), |node| Some(&self.nodes[node.parent?]))
    }
}

impl Node {
    fn new(token: CancelToken, parent: Option<usize>) -> Self {
        Self { token, parent, was_asked: AtomicBool::new(false), seen: AtomicU8::new(0) }
    }
}
