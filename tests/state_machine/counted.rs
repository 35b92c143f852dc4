//! Numbers whose copies are counted, so that a test sees what leaks and what is dropped twice.

use std::borrow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

/// The copies that are alive.
#[derive(Debug, Clone, Default)]
pub(crate) struct Census(Rc<RefCell<Register>>);

#[derive(Debug, Default)]
struct Register {
    n_born: u64,
    alive: HashSet<u64>,
}

/// A number that is in the census as long as it lives. Two are equal when their numbers are.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) number: u64,
    copy: u64,
    census: Census,
}

impl Census {
    pub(crate) fn number(&self, number: u64) -> Counted {
        let mut register = self.0.borrow_mut();
        let copy = register.n_born;
        register.n_born += 1;
        register.alive.insert(copy);
        Counted { number, copy, census: self.clone() }
    }

    pub(crate) fn n_alive(&self) -> usize {
        self.0.borrow().alive.len()
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.census.number(self.number)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let was_alive = self.census.0.borrow_mut().alive.remove(&self.copy);
        assert!(was_alive, "copy {} of {} was dropped twice", self.copy, self.number);
    }
}

impl PartialEq for Counted {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Counted {}

impl Hash for Counted {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}

impl borrow::Borrow<u64> for Counted {
    fn borrow(&self) -> &u64 {
        &self.number
    }
}
