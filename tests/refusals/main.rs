//! Programs that must not compile, and the words by which the compiler names the mistake.
//!
//! All programs are binaries of one package, which one call of cargo checks. It is kept in the target folder, so that only the
//! first run compiles the dependencies. A program that compiles must do so too: were the package broken as a whole, every
//! other one would fail for the wrong reason.

#[cfg(test)]
mod package;
#[cfg(test)]
mod programs;

/// A function that runs in worker processes captures nothing: neither a value nor a token of size zero, which no serde code
/// would see, nor a reference.
#[test]
fn every_mistake_is_refused_by_name() {
    let programs = programs::all();
    let errors = package::check(&programs);
    let mut wrong = Vec::new();
    for program in &programs {
        let said = errors.get(&program.name).map_or("", String::as_str);
        let is_as_expected = match program.refused_with {
            Some(words) => words.iter().all(|words| said.contains(words)),
            None => said.is_empty(),
        };
        if !is_as_expected {
            wrong.push(format!("{}: expected {:?}\n{}\n{said}", program.name, program.refused_with, program.body));
        }
    }
    assert!(wrong.is_empty(), "{} of {} programs:\n\n{}", wrong.len(), programs.len(), wrong.join("\n\n"));
}
