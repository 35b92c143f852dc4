//! Overrides of the config. That the process-wide one is changed is shown in the documentation, where each example has a
//! process of its own.

use manyhands::{
    ParallelConfig, Threads,
    config::{enable_parallel_processing, override_parallel_config, parallel_config},
    parallel_map,
};

#[test]
fn processing_is_switched_process_wide_and_overrides_end_with_their_guard() {
    // An override is this thread's own, so the tests beside this one keep their config.
    let here = std::thread::current().id();
    {
        let _guard = override_parallel_config(ParallelConfig::builder().enabled(false).build().unwrap());
        let threads = parallel_map(Threads, &[0; 100], |_| std::thread::current().id()).unwrap();
        assert!(threads.iter().all(|&thread| thread == here));
    }
    enable_parallel_processing();
    assert!(parallel_config().enabled());
    let elsewhere = std::thread::spawn(|| {
        let _guard = override_parallel_config(ParallelConfig::builder().max_workers_cpu(9).build().unwrap());
        parallel_config().max_workers_cpu().get()
    });
    assert_eq!(elsewhere.join().unwrap(), 9);
}
