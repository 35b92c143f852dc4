//! The seed of all random tests of a program, and the command that runs one of them with the same seed again.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::OnceLock;
use std::thread;

/// The variable that sets the seed.
pub const SEED_VARIABLE: &str = "MANYHANDS_TEST_SEED";

/// The variables that set amounts. A replay needs the same ones.
const AMOUNTS: [&str; 3] = ["MANYHANDS_STRESS_SECONDS", "MANYHANDS_CRASH_KILLS", "MANYHANDS_CRASH_FOLDER"];

/// The value of `MANYHANDS_TEST_SEED`, or a random number where it is not set. The same during the life of the program.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| variable(SEED_VARIABLE).unwrap_or_else(|| RandomState::new().hash_one(std::process::id())))
}

/// The shell command that runs this test of this program again with the same seed, or all of its tests where the name is not known.
pub fn replay_command(test: Option<&str>) -> String {
    let amounts = AMOUNTS.iter().filter_map(|name| Some(format!("{name}='{}' ", env::var(name).ok()?)));
    let amounts: String = amounts.collect();
    let profile = if cfg!(debug_assertions) { "" } else { "--release " };
    let seed = seed();
    let program = program_name();
    let filter = test.map_or_else(String::new, |test| format!(" -- --exact {test}"));
    format!(
        "{amounts}{SEED_VARIABLE}={seed} cargo test {profile}--package manyhands --all-features --test {program}{filter}"
    )
}

/// The name of the test that this thread runs: libtest names each thread after its test. With `--test-threads=1` a test runs on
/// the main thread, and has no name here.
pub fn current_test() -> Option<String> {
    thread::current().name().filter(|name| *name != "main").map(str::to_owned)
}

/// An environment variable as a number, if it is set.
///
/// # Panics
///
/// If it is set to something else.
pub fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}; give it a number")))
}

/// cargo adds a hash to the file name of a test program: `api-0123456789abcdef`.
fn program_name() -> String {
    let path = env::current_exe().unwrap();
    let stem = path.file_stem().unwrap().to_string_lossy();
    stem.rsplit_once('-').map_or_else(|| stem.to_string(), |(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_command_names_the_seed_the_program_and_the_test() {
        let command = replay_command(Some("module::name"));
        assert!(command.contains(&format!("MANYHANDS_TEST_SEED={} cargo test ", seed())), "{command}");
        assert!(command.ends_with("--test manyhands_test_support -- --exact module::name"), "{command}");
    }

    #[test]
    fn a_test_knows_its_own_name_on_a_thread_of_its_own() {
        let expected = "seed::tests::a_test_knows_its_own_name_on_a_thread_of_its_own";
        assert!(current_test().is_none_or(|name| name == expected));
        let named = thread::Builder::new().name("another".to_owned()).spawn(current_test).unwrap();
        assert_eq!(named.join().unwrap().as_deref(), Some("another"));
    }
}
