//! Items whose outputs are there are passed over, in every mode.

use std::ops::ControlFlow::Continue;

use manyhands::OnFailure;

use crate::modes::for_every_way;

#[test]
fn items_that_are_done_are_not_run_and_have_no_value() {
    let items: Vec<usize> = (0..50).collect();
    for_every_way(|way| {
        for is_lazy in [false, true] {
            let run = |&n: &usize| {
                assert!(n % 3 != 0, "{n} is done");
                n
            };
            let outcome = if is_lazy {
                way.job_over(0..50).window(7).done_if(|n| n % 3 == 0).run(run)
            } else {
                way.job(&items).done_if(|n| n % 3 == 0).run(run)
            };
            let outcome = outcome.unwrap();
            let tally = *outcome.tally();
            assert_eq!((tally.items, tally.succeeded, tally.done_before, tally.cancelled), (50, 33, 17, 0), "{way:?}");
            assert!(outcome.is_complete());
            let options = outcome.into_options();
            assert!(options.iter().enumerate().all(|(n, value)| *value == (n % 3 != 0).then_some(n)), "{is_lazy}");
        }
    });
}

#[test]
fn a_stream_passes_over_them_and_keeps_its_order() {
    for_every_way(|way| {
        for window in [1, 2, 40] {
            let mut seen = Vec::new();
            let job = way.job_over(0..40).window(window).done_if(|n| n % 4 < 2 || *n > 30);
            let tally = job.map(|&n| n).for_each_ordered(|index, answer| {
                seen.push((index, answer.unwrap()));
                Continue(())
            });
            let tally = tally.unwrap();
            let expected: Vec<_> = (0..=30).filter(|n| n % 4 >= 2).map(|n| (n, n)).collect();
            assert_eq!(seen, expected, "{way:?}, window {window}");
            assert_eq!((tally.done_before, tally.succeeded), (40 - expected.len(), expected.len()));
        }
    });
}

#[test]
fn all_of_them_done_is_a_run_of_nothing() {
    for_every_way(|way| {
        let job = way.job_over(0..5000_usize).window(3).on_failure(OnFailure::Stop).done_if(|_| true);
        let outcome = job.run(|&n| -> usize { panic!("{n}") }).unwrap();
        assert_eq!((outcome.tally().done_before, outcome.len()), (5000, 5000), "{way:?}");
    });
}
