//! What the copies do: each listens in its own way, and says how far it is.

use std::process::exit;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use manyhands::{Interrupts, Job, signals::Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::raise;

/// A copy that no drill ends exits after this time.
const FORGOTTEN: Duration = Duration::from_secs(10);

const LONGER_THAN_AN_ECHO: Duration = Duration::from_millis(150);

pub(crate) fn play(role: &str) -> ! {
    thread::spawn(|| {
        thread::sleep(FORGOTTEN);
        eprintln!("forgotten");
        exit(99);
    });
    match role {
        "drain" => drain(listen()),
        "hang" => hang(),
        "echo" => echo(),
        "gone" => gone(),
        "again" => {
            drop(listen());
            drop(listen());
            drain(listen())
        }
        "ignoring" => ignoring(),
        "two" => two(),
        "chained" => chained(),
        "panic" => panics(),
        "slow" => slow(),
        "drops itself" => drop_itself(),
        "hang in drop" => hang_in_drop(),
        "hang in drop, chained" => {
            signal_hook::flag::register(SIGINT, Arc::default()).unwrap();
            hang_in_drop()
        }
        #[cfg(all(target_os = "linux", feature = "processes"))]
        "workers" => workers(),
        #[cfg(feature = "journal")]
        "iterator blocks" => iterator_blocks(),
        "stream blocks" => stream_blocks(),
        "quiet" => {
            drop(Interrupts::listen(|_| exit(98)).unwrap());
            println!("dropped");
            exit(0)
        }
        unknown => panic!("no role is called {unknown}"),
    }
}

fn listen() -> Interrupts {
    Interrupts::listen(|signal| println!("notice {signal}")).unwrap()
}

/// What a program does that saves first.
fn drain(interrupts: Interrupts) -> ! {
    let items: Vec<usize> = (0..10_000).collect();
    let work = |&item: &usize| {
        if item == 0 {
            println!("at work");
        }
        thread::sleep(Duration::from_millis(5));
    };
    let outcome = Job::new(&items).cancel_token(interrupts.token()).workers(2).run(work).unwrap();
    assert!(outcome.tally().cancelled > 0);
    let signal = interrupts.signal().unwrap();
    drop(interrupts);
    println!("saved {}", outcome.tally().succeeded);
    exit(signal.exit_code())
}

fn hang() -> ! {
    let interrupts = Interrupts::listen(|signal| {
        println!("notice {signal}");
        sleep_for_ever()
    });
    let _interrupts = interrupts.unwrap();
    println!("at work");
    sleep_for_ever()
}

fn hang_in_drop() -> ! {
    let interrupts = Interrupts::listen(|signal| {
        println!("notice {signal}");
        sleep_for_ever()
    });
    let interrupts = interrupts.unwrap();
    println!("dropping");
    raise(SIGINT).unwrap();
    drop(interrupts);
    unreachable!("the closure never ends")
}

/// Workers that would go on for long; nothing asks them to stop.
#[cfg(all(target_os = "linux", feature = "processes"))]
fn workers() -> ! {
    let _interrupts = listen();
    println!("at work");
    let work = |_: &u64| thread::sleep(FORGOTTEN);
    let outcome = Job::new(&[1, 2]).mode(manyhands::Processes::new()).workers(2).run(work);
    unreachable!("it is not waited for: {outcome:?}")
}

/// Three items, and then none for ever.
fn blocking_iterator() -> impl Iterator<Item = usize> + Send {
    (0..3).chain(std::iter::from_fn(|| sleep_for_ever()))
}

#[cfg(feature = "journal")]
fn iterator_blocks() -> ! {
    let interrupts = listen();
    let folder = tempfile::tempdir().unwrap().keep(); // the drill removes it: this program is ended
    println!("in {}", folder.display());
    let journal = manyhands::Journal::at(folder.join("journal.sqlite")).key(|n: &usize| n.to_string());
    let job = Job::over(blocking_iterator()).cancel_token(interrupts.token()).workers(2);
    let tally = job.map(|&n| n).journal(journal).for_each_ordered(|index, _| {
        println!("result {index}");
        std::ops::ControlFlow::Continue(())
    });
    unreachable!("it waits for the iterator: {tally:?}")
}

fn stream_blocks() -> ! {
    let interrupts = listen();
    let job = Job::over(blocking_iterator()).cancel_token(interrupts.token()).workers(2);
    let results = job.map(|&n| n).ordered().unwrap();
    let n_results = results.inspect(|result| println!("result {}", result.as_ref().unwrap().0)).count();
    println!("ended after {n_results}");
    exit(interrupts.signal().unwrap().exit_code())
}

fn sleep_for_ever() -> ! {
    loop {
        thread::park();
    }
}

fn echo() -> ! {
    let interrupts = listen();
    raise(SIGINT).unwrap();
    raise(SIGINT).unwrap();
    raise(SIGTERM).unwrap();
    assert_eq!(interrupts.signal(), Some(Signal::Interrupt));
    println!("alive");
    exit(Signal::Interrupt.exit_code())
}

fn ignoring() -> ! {
    let interrupts = listen();
    raise(SIGINT).unwrap();
    assert_eq!(interrupts.signal(), None);
    raise(SIGTERM).unwrap();
    drain(interrupts)
}

fn gone() -> ! {
    let interrupts = listen();
    drop(interrupts);
    println!("dropped");
    sleep_for_ever()
}

fn two() -> ! {
    let n_notified = Arc::new(AtomicUsize::new(0));
    let count = || {
        let n_notified = Arc::clone(&n_notified);
        move |_| _ = n_notified.fetch_add(1, Ordering::SeqCst)
    };
    let (first, second) = (Interrupts::listen(count()).unwrap(), Interrupts::listen(count()).unwrap());
    raise(SIGTERM).unwrap();
    assert!(first.token().is_cancelled() && second.token().is_cancelled());
    drop(first);
    while n_notified.load(Ordering::SeqCst) < 2 {
        thread::yield_now();
    }
    println!("both notified");
    assert_eq!(second.signal(), Some(Signal::Terminate));
    println!("one left");
    sleep_for_ever()
}

fn chained() -> ! {
    let theirs = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGTERM, Arc::clone(&theirs)).unwrap();
    let interrupts = listen();
    raise(SIGTERM).unwrap();
    assert!(theirs.swap(false, Ordering::SeqCst) && interrupts.token().is_cancelled());
    println!("called with ours");
    drop(interrupts);
    thread::sleep(LONGER_THAN_AN_ECHO);
    raise(SIGTERM).unwrap();
    assert!(theirs.load(Ordering::SeqCst));
    println!("called without ours");
    exit(0)
}

fn panics() -> ! {
    let interrupts = Interrupts::listen(|_| panic!("on purpose")).unwrap();
    raise(SIGINT).unwrap();
    let (token, signal) = (interrupts.token().clone(), interrupts.signal().unwrap());
    drop(interrupts);
    assert!(token.is_cancelled());
    println!("cancelled");
    exit(signal.exit_code())
}

/// The closure takes the listener from where the program keeps it, and drops it; after that, signals end the program.
fn drop_itself() -> ! {
    let kept: Arc<Mutex<Option<Interrupts>>> = Arc::default();
    let (theirs, (send, receive)) = (Arc::clone(&kept), channel());
    let listener = Interrupts::listen(move |_| {
        drop(theirs.lock().unwrap().take());
        println!("dropped by its closure");
        send.send(()).unwrap();
    });
    *kept.lock().unwrap() = Some(listener.unwrap());
    raise(SIGINT).unwrap();
    receive.recv().unwrap();
    println!("alive");
    sleep_for_ever()
}

fn slow() -> ! {
    let interrupts = Interrupts::listen(|_| {
        thread::sleep(Duration::from_millis(50));
        println!("notice");
    });
    let interrupts = interrupts.unwrap();
    raise(SIGINT).unwrap();
    let signal = interrupts.signal().unwrap();
    drop(interrupts);
    println!("dropped");
    exit(signal.exit_code())
}
