//! Values of which each process has its own: what the threads of a forked child find at their first look.

use loom::sync::Arc;
use loom::thread;
use manyhands::modelled_parts::PerProcess;

/// Proves: of the threads of a forked child that look first at once, all get one value, which is not the parent's, and the
/// parent's stays where it was. Leaves out: the fork itself, which a model cannot do, and the making of the value, which is
/// std's `OnceLock`.
#[test]
fn threads_of_a_forked_child_that_look_first_get_one_new_value() {
    crate::check(3, || {
        let value = Arc::new(PerProcess::new(|| 7));
        let parents = std::ptr::from_ref(value.get_in(1)).addr();
        let looking: Vec<_> = (0..2)
            .map(|_| {
                let value = Arc::clone(&value);
                thread::spawn(move || {
                    let first = std::ptr::from_ref(value.get_in(2)).addr();
                    assert_eq!(std::ptr::from_ref(value.get_in(2)).addr(), first, "a later look finds another value");
                    first
                })
            })
            .collect();
        let childs = std::ptr::from_ref(value.get_in(2)).addr();
        for thread in looking {
            assert_eq!(thread.join().unwrap(), childs, "two threads of one process have two values");
        }
        assert_ne!(childs, parents);
    });
}
