//! Imports in `src` point downwards, and no files import each other in a circle.
//!
//! It reads each `use`, and each path such as `crate::a::b` or `child::f` in the code, and finds the file that it names.
//! Code that only tests compile, comments and literals do not count. A path to a name that a `mod.rs` re-exports counts
//! as an import of that `mod.rs`. A parent may declare its children and re-export what they offer; neither is an
//! import. It imports the child where its own code names what it re-exports; another item of that name counts too.
//!
//! The rule does not see paths that a macro of another crate writes, calls of a re-exported trait's methods, and names
//! that a `pub use child::*` brings in. It takes a module with a `#[path]` for one without a file.

use super::Violation;
use crate::files::Files;
use crate::rust_code::{NamedPath, Names, Place, names, without_comments, without_tests};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The layers of `src`, top first; a name is a folder of `src` or a file beside `lib.rs`.
///
/// It promises that a file imports from its own group and from the layers below, and from nowhere else. A layer with several
/// groups stands side by side: no group of it imports another. The top layer may import everything.
const LAYERS: [&[&[&str]]; 10] = [
    &[&["lib", "modelled_parts", "fuzzed_parts"]],
    &[&["workflow"]],
    &[&["job"]],
    &[&["stream"]],
    &[&["run"]],
    &[&["backend"], &["outcome"]],
    &[&["failure", "error"]],
    &[&["persist"], &["progress"], &["signals"]],
    &[&[
        "primitives",
        "config",
        "config_error",
        "encoding",
        "batch",
        "never",
        "panics",
        "record",
        "safe_text",
        "tally",
    ]],
    &[&["sync"]],
];

const ROOT: &str = "import it from the module that defines it";
const UPWARD: &str = "move the imported item down to where both can reach it, or hand it over as an argument";
const CIRCLE: &str = "move what both sides need into a file that imports neither, or hand it over as an argument";
const UNKNOWN: &str = "`git add` its file, or remove the line";
const UNPLACED: &str = "give it a place in LAYERS of xtask/src/tidy/layering.rs";

pub(crate) fn check(files: &Files) -> Vec<Violation> {
    let graph = Graph::read(files);
    graph.unknown().chain(graph.unplaced()).chain(graph.upward()).chain(graph.circles()).collect()
}

/// The folders of `src` and how many imports lead from each to which other, as a flowchart of Mermaid.
pub(crate) fn drawing(files: &Files) -> String {
    let graph = Graph::read(files);
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let links = graph.imports.iter().map(|import| (group_name(&import.from), group_name(&import.to)));
    for link in links.filter(|(from, to)| from != to && !LAYERS[0][0].contains(from)) {
        *counts.entry(link).or_default() += 1;
    }
    let lines = counts.iter().map(|((from, to), n_imports)| format!("  {from} -->|{n_imports}| {to}\n"));
    ["flowchart TD\n".to_owned()].into_iter().chain(lines).collect()
}

/// The files that users compile, and their imports of each other.
struct Graph {
    /// The path of each module, and its file.
    modules: BTreeMap<Vec<String>, String>,
    imports: Vec<Import>,
    /// The modules that a file declares and no file is, with their lines.
    unknown: Vec<(String, usize, String)>,
}

/// The imports of each file that has some.
type ByFile<'a> = BTreeMap<&'a str, Vec<&'a Import>>;

/// One import: a file names something of another file.
#[derive(Debug)]
struct Import {
    from: String,
    line: usize,
    to: String,
    /// The path as the code has it.
    path: String,
}

impl Graph {
    fn read(files: &Files) -> Self {
        let sources = files.ending(".rs").filter_map(|(path, text)| Some((module_of(path)?, (path, text))));
        let sources: BTreeMap<Vec<String>, (&str, &str)> = sources.collect();
        let mut modules = BTreeMap::new();
        let mut named: Vec<(Vec<String>, Names)> = Vec::new();
        // A parent's path sorts before those of its children, so each module is reached from one that is known already.
        let mut reachable = BTreeSet::from([Vec::new()]);
        for (module, (path, text)) in sources {
            if !reachable.contains(&module) {
                continue; // a test, or in the tree by mistake
            }
            let names = names(&without_names_for_macros(&without_tests(&without_comments(text))));
            reachable.extend(names.declared.iter().map(|(_, child)| joined(&module, child)));
            modules.insert(module.clone(), path.to_owned());
            named.push((module, names));
        }
        let imports = named.iter().flat_map(|(module, names)| Scope::new(&modules, module, names).imports()).collect();
        let declared = named.iter().flat_map(|(module, names)| names.declared.iter().map(move |found| (module, found)));
        let unknown = declared.filter(|(module, (_, child))| !modules.contains_key(&joined(module, child)));
        let unknown = unknown.map(|(module, (line, child))| (modules[module].clone(), *line, child.clone())).collect();
        Self { modules, imports, unknown }
    }

    fn unknown(&self) -> impl Iterator<Item = Violation> {
        let violation = |(file, line, child): &(String, usize, String)| {
            Violation::new(file, *line, format!("the module `{child}` has no file that git tracks"), UNKNOWN)
        };
        self.unknown.iter().map(violation)
    }

    fn unplaced(&self) -> impl Iterator<Item = Violation> {
        let homeless = self.modules.values().filter(|file| place(file).is_none());
        homeless
            .map(|file| Violation::new(file, 1, format!("`{}` has no place in a layer", group_name(file)), UNPLACED))
    }

    fn upward(&self) -> impl Iterator<Item = Violation> {
        self.imports.iter().filter_map(|import| {
            let problem = problem(place(&import.from)?, place(&import.to)?)?;
            let problem = format!("`{}` of {} {problem} `{}`", import.path, import.to, group_name(&import.from));
            let way_out = if import.to == "src/lib.rs" { ROOT } else { UPWARD };
            Some(Violation::new(&import.from, import.line, problem, way_out))
        })
    }

    /// One violation per set of files that all reach each other.
    fn circles(&self) -> impl Iterator<Item = Violation> {
        let mut by_file = ByFile::new();
        for import in &self.imports {
            by_file.entry(&import.from).or_default().push(import);
        }
        let reach: BTreeMap<&str, BTreeSet<&str>> =
            by_file.keys().map(|file| (*file, reached_from(file, &by_file))).collect();
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for (&file, reached) in &reach {
            if reached.contains(file) && !seen.contains(file) {
                let leads_back = |other: &&str| reach.get(other).is_some_and(|reached| reached.contains(file));
                let members: Vec<&str> = reached.iter().copied().filter(leads_back).collect();
                seen.extend(members.iter().copied());
                found.push(circle(file, &members, &by_file));
            }
        }
        found.into_iter()
    }
}

fn reached_from<'a>(file: &'a str, by_file: &ByFile<'a>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&str> = vec![file];
    while let Some(from) = waiting.pop() {
        let next = by_file.get(from).into_iter().flatten().map(|import| import.to.as_str());
        waiting.extend(next.filter(|to| reached.insert(*to)));
    }
    reached
}

fn circle(file: &str, members: &[&str], by_file: &ByFile<'_>) -> Violation {
    let way = way_round(file, by_file);
    let steps: String = way.iter().map(|import| format!("{}:{} -> ", import.from, import.line)).collect();
    let n_files = members.len();
    let mut problem = format!("{n_files} files import each other in a circle: {steps}{file}");
    let is_passed = |member: &&str| way.iter().any(|import| import.from == *member);
    let others: Vec<&str> = members.iter().copied().filter(|member| !is_passed(member)).collect();
    if !others.is_empty() {
        problem += &format!("; also in it: {}", others.join(", "));
    }
    Violation::new(file, way.first().map_or(1, |import| import.line), problem, CIRCLE)
}

/// The shortest way from a file back to itself.
fn way_round<'a>(file: &str, by_file: &ByFile<'a>) -> Vec<&'a Import> {
    let mut came_by: BTreeMap<&str, &Import> = BTreeMap::new();
    let mut waiting = VecDeque::from([file]);
    while let Some(from) = waiting.pop_front() {
        for import in by_file.get(from).into_iter().flatten() {
            if !came_by.contains_key(import.to.as_str()) {
                came_by.insert(&import.to, import);
                waiting.push_back(&import.to);
            }
        }
    }
    let mut way = Vec::new();
    let mut at = file;
    while let Some(&import) = came_by.get(at) {
        way.push(import);
        at = &import.from;
        if at == file {
            break;
        }
    }
    way.reverse();
    way
}

/// How the names of one file are read.
struct Scope<'a> {
    modules: &'a BTreeMap<Vec<String>, String>,
    module: &'a [String],
    names: &'a Names,
    /// The other names that a `use` gives to modules. Under a `cfg` one name may mean one of several.
    aliases: BTreeMap<&'a str, Vec<Vec<String>>>,
    /// The names that the file re-exports from its children, and the module that each names. Under a `cfg` there may be
    /// several.
    reexports: BTreeMap<&'a str, BTreeSet<Vec<String>>>,
}

impl<'a> Scope<'a> {
    fn new(modules: &'a BTreeMap<Vec<String>, String>, module: &'a [String], names: &'a Names) -> Self {
        let mut scope = Self { modules, module, names, aliases: BTreeMap::new(), reexports: BTreeMap::new() };
        let mut aliases: BTreeMap<&str, Vec<Vec<String>>> = BTreeMap::new();
        for (alias, path) in names.paths.iter().filter_map(|path| Some((path.alias.as_deref()?, path))) {
            let targets = scope.targets(path).into_iter().filter(|target| modules.contains_key(target));
            aliases.entry(alias).or_default().extend(targets);
        }
        scope.aliases = aliases;
        scope.reexports = scope.reexports();
        scope
    }

    fn reexports(&self) -> BTreeMap<&'a str, BTreeSet<Vec<String>>> {
        let mut reexports: BTreeMap<&str, BTreeSet<Vec<String>>> = BTreeMap::new();
        for path in self.names.paths.iter().filter(|path| path.place == Place::Reexport) {
            let Some(name) = path.alias.as_ref().or(path.names.last()) else { continue };
            for target in self.targets(path) {
                if let Some(module) = self.longest_known(&target).filter(|module| self.is_child(module)) {
                    reexports.entry(name).or_default().insert(module.to_vec());
                }
            }
        }
        reexports
    }

    fn imports(self) -> impl Iterator<Item = Import> {
        let targets = |path: &'a NamedPath| self.targets(path).into_iter().map(move |target| (path, target));
        let of_paths = self.names.paths.iter().flat_map(targets);
        let of_paths = of_paths.flat_map(|(path, target)| self.imports_by_path(path, &target));
        let of_words = self.names.words.iter().flat_map(|(line, word)| self.imports_by_reexport(*line, word, word));
        of_paths.chain(of_words).collect::<Vec<_>>().into_iter()
    }

    /// The imports that a path to a target is; none for names of this file and for what a parent may do.
    fn imports_by_path(&self, path: &NamedPath, target: &[String]) -> Vec<Import> {
        if path.place == Place::Code && path.names.len() == 1 {
            return Vec::new();
        }
        let Some(module) = self.longest_known(target) else { return Vec::new() };
        if module == self.module {
            let Some(name) = target.get(module.len()) else { return Vec::new() };
            return self.imports_by_reexport(path.line, name, &path.names.join("::"));
        }
        let is_the_module = path.place == Place::Use && module.len() == target.len();
        if self.is_child(module) && (path.place == Place::Reexport || is_the_module) {
            return Vec::new();
        }
        vec![self.import(path.line, module, path.names.join("::"))]
    }

    /// The imports that a name in this file is when the file re-exports that name from a child.
    fn imports_by_reexport(&self, line: usize, name: &str, path: &str) -> Vec<Import> {
        let modules = self.reexports.get(name).into_iter().flatten();
        modules.map(|module| self.import(line, module, path.to_owned())).collect()
    }

    fn import(&self, line: usize, module: &[String], path: String) -> Import {
        Import { from: self.modules[self.module].clone(), line, to: self.modules[module].clone(), path }
    }

    fn is_child(&self, module: &[String]) -> bool {
        module.len() > self.module.len() && module.starts_with(self.module)
    }

    /// What a path means, from the root of the crate; nothing when it leads into another crate or is a name of this file.
    fn targets(&self, path: &NamedPath) -> Vec<Vec<String>> {
        let here: Vec<String> = self.module.iter().chain(&path.inside).cloned().collect();
        let is_relative = |name: &&String| ["self", "super"].contains(&name.as_str());
        let (relative, rest) = path.names.split_at(path.names.iter().take_while(is_relative).count());
        let (bases, rest) = match rest.split_first() {
            Some((first, rest)) if first == "crate" => (vec![Vec::new()], rest),
            Some((first, rest)) if relative.is_empty() => (self.named_modules(&here, first), rest),
            _ => {
                let n_up = relative.iter().filter(|name| *name == "super").count();
                (vec![here[..here.len().saturating_sub(n_up)].to_vec()], rest)
            }
        };
        bases.into_iter().map(|base| base.into_iter().chain(rest.iter().cloned()).collect()).collect()
    }

    /// The modules that a name alone means: a child or an alias.
    fn named_modules(&self, here: &[String], name: &str) -> Vec<Vec<String>> {
        let child = Some(joined(here, name)).filter(|child| self.modules.contains_key(child));
        child.into_iter().chain(self.aliases.get(name).into_iter().flatten().cloned()).collect()
    }

    fn longest_known<'t>(&self, target: &'t [String]) -> Option<&'t [String]> {
        (0..=target.len()).rev().map(|length| &target[..length]).find(|module| self.modules.contains_key(*module))
    }
}

fn joined(module: &[String], child: &str) -> Vec<String> {
    module.iter().cloned().chain([child.to_owned()]).collect()
}

/// The path of the module in a file of `src`; that of `lib.rs` is empty.
fn module_of(file: &str) -> Option<Vec<String>> {
    let inner = file.strip_prefix("src/")?.strip_suffix(".rs")?;
    let mut module: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if module.last()? == "mod" || inner == "lib" {
        module.pop();
    }
    Some(module)
}

/// The folder of `src` that a file lies in, or its own name.
fn group_name(file: &str) -> &str {
    let inner = file.strip_prefix("src/").unwrap_or(file);
    inner.split('/').next().unwrap_or(inner).trim_end_matches(".rs")
}

/// The layer of a file, from the top, and its group there.
fn place(file: &str) -> Option<(usize, usize)> {
    let name = group_name(file);
    LAYERS.iter().enumerate().find_map(|(layer, groups)| {
        let group = groups.iter().position(|group| group.contains(&name))?;
        Some((layer, group))
    })
}

/// What is wrong with an import from one place to another, as words between the two.
fn problem(from: (usize, usize), to: (usize, usize)) -> Option<&'static str> {
    match (from, to) {
        ((0, _), _) => None,
        (from, to) if to.0 < from.0 => Some("stands above"),
        (from, to) if to.0 == from.0 && to.1 != from.1 => Some("stands beside, and apart from,"),
        _ => None,
    }
}

/// Without `$crate::name`: a macro that other crates call can use only names of the root, and those are no imports of its
/// file. A longer path, such as `$crate::sync::CachePadded`, is one.
fn without_names_for_macros(code: &str) -> String {
    let mut parts = code.split("$crate::");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(part.len());
        let is_in_module = part.starts_with(char::is_lowercase) && part[end..].starts_with("::");
        out.push_str(if is_in_module { "$crate::" } else { "elsewhere::" });
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    /// Made sources below a `lib.rs` that declares their folders.
    fn tree(sources: &[(&str, &str)]) -> Files {
        let groups: BTreeSet<&str> = sources.iter().map(|(path, _)| group_name(path)).collect();
        let root: String = groups.iter().map(|name| format!("mod {name}; ")).collect();
        sources.iter().copied().chain([("src/lib.rs", root.as_str())]).collect()
    }

    fn found(sources: &[(&str, &str)]) -> Vec<String> {
        check(&tree(sources)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_upward_import_is_named_with_its_line() {
        let found = found(&[
            ("src/run/mod.rs", "mod gatherer;"),
            ("src/run/gatherer.rs", "use std::fmt;\nuse crate::{\n    sync::Mutex,\n    job::{self, Job},\n};"),
            ("src/job/mod.rs", ""),
            ("src/sync/mod.rs", ""),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
        let expected = "src/run/gatherer.rs:4: `crate::job::Job` of src/job/mod.rs stands above `run`; move ";
        assert!(found[1].starts_with(expected), "{found:?}");
    }

    #[test]
    fn paths_in_code_and_relative_paths_are_imports_too() {
        for code in [
            "fn a() { crate::job::f() }",
            "pub use crate::job::f;",
            "use super::job::Job;",
            "fn a(b: self::super::job::Job) {}",
            "mod inner { use super::super::job::Job; }",
            "use super::job as other; fn a() {}",
            "macro_rules! m { () => { $crate::job::f() } }",
        ] {
            let found = check(&tree(&[("src/job/mod.rs", ""), ("src/run.rs", code)]));
            assert_eq!(places(&found), ["src/run.rs:1"], "{code}");
        }
    }

    #[test]
    fn a_name_of_the_root_in_a_macro_for_other_crates_is_no_import() {
        let code = "macro_rules! m { () => { $crate::init(); $crate::Job::new($crate::ITEMS) } }";
        let found = check(&tree(&[("src/job/mod.rs", ""), ("src/run.rs", code)]));
        assert_eq!(places(&found), [""; 0]);
    }

    #[test]
    fn names_of_the_root_belong_to_the_root() {
        let found = found(&[("src/run/mod.rs", "use crate::Job;")]);
        assert!(found[0].starts_with("src/run/mod.rs:1: `crate::Job` of src/lib.rs stands above `run`;"), "{found:?}");
    }

    #[test]
    fn downward_imports_and_other_crates_are_fine() {
        let code = "use crate::run::Run; use std::sync::Arc; use serde::{Serialize, job::X}; fn a() { run::x(); }";
        let run = "use crate::sync::Mutex; use crate::persist::Journal; pub fn job() {}";
        let below = [("src/persist/mod.rs", ""), ("src/sync/mod.rs", "")];
        let sources = [("src/job/mod.rs", code), ("src/run/mod.rs", run), below[0], below[1]];
        assert_eq!(found(&sources), [""; 0]);
    }

    #[test]
    fn groups_of_one_layer_do_not_import_each_other() {
        let found =
            found(&[("src/persist/mod.rs", "use crate::progress::Bar;"), ("src/progress/mod.rs", "pub struct Bar;")]);
        assert!(found[0].contains("stands beside, and apart from, `persist`"), "{found:?}");
    }

    #[test]
    fn a_circle_is_named_with_its_files() {
        let found = found(&[
            ("src/run/mod.rs", "mod a; mod b; mod c; mod d;"),
            ("src/run/a.rs", "\nuse super::b::B;"),
            ("src/run/b.rs", "use crate::run::c;\nuse super::d;"),
            ("src/run/c.rs", "fn f() { super::a::g() }"),
            ("src/run/d.rs", "use super::b::B;"),
        ]);
        assert_eq!(found.len(), 1, "{found:?}");
        let expected = "src/run/a.rs:2: 4 files import each other in a circle: \
                        src/run/a.rs:2 -> src/run/b.rs:1 -> src/run/c.rs:1 -> src/run/a.rs; also in it: src/run/d.rs; move";
        assert!(found[0].starts_with(expected), "{found:?}");
    }

    #[test]
    fn a_child_that_uses_its_parent_and_a_parent_that_uses_its_child_are_a_circle() {
        for parent in [
            "mod a; mod c; use a::A;",
            "mod a; mod c; fn f() { a::g() }",
            "mod a; mod c; #[cfg(x)] use a as b; #[cfg(not(x))] use c as b; fn f() { b::g() }",
        ] {
            assert_in_a_circle(parent, "2 files import each other in a circle");
        }
    }

    /// A parent with this text is in one circle with its child `a`, which uses it; `says` is in the message.
    fn assert_in_a_circle(parent: &str, says: &str) {
        let found = found(&[("src/run/mod.rs", parent), ("src/run/a.rs", "use super::Run;"), ("src/run/c.rs", "")]);
        assert_eq!(found.len(), 1, "{parent}: {found:?}");
        assert!(found[0].contains(says), "{parent}: {found:?}");
    }

    #[test]
    fn a_parent_that_uses_what_it_re_exports_is_in_a_circle_too() {
        for parent in [
            "mod a; pub(crate) use a::A;\nfn f() { A::g() }",
            "mod a; pub use self::a::{B, A};\nfn f(x: &[A]) {}",
            "mod a; pub(crate) use a::g;\nfn f() { g() }",
            "mod a; pub(crate) use a::g;\nfn f() { h(g) }",
            "mod a; pub use a::g as h;\nfn f() { h() }",
            "mod a; use a as b; pub(super) use b::A;\nimpl A {}",
            "mod a; pub use a::A;\nfn f() { self::A::g() }",
            "mod a; pub use a::A;\nfn f() { crate::run::A::g() }",
            "mod a; pub use a::A;\nmod inner { use super::A; }",
            "mod a; mod c; #[cfg(x)] pub use a::A; #[cfg(not(x))] pub use c::A;\nfn f() -> A {}",
        ] {
            assert_in_a_circle(parent, "src/run/a.rs:1 -> src/run/mod.rs:2 -> src/run/a.rs");
        }
    }

    #[test]
    fn a_word_that_is_not_the_re_exported_name_is_no_import() {
        for code in [
            "",
            "fn f(x: X) { x.g(); x.A }",
            "fn f() { Other::A; other::g() }",
            "fn f(g: X) {}",
            "struct S { g: X }",
            "fn f<'g>() {}",
            "// A\n/// [`A`]\nfn f() { \"A\" }",
            "#[cfg(test)] mod tests { use super::*; fn f() { A::g() } }",
            "fn f() { original() }",
        ] {
            let parent = format!("mod a; pub(crate) use a::{{A, g, original as other_name}}; {code}");
            assert_eq!(found(&[("src/run/mod.rs", &parent), ("src/run/a.rs", "use super::Run;")]), [""; 0], "{code}");
        }
    }

    #[test]
    fn a_parent_may_declare_and_re_export_its_children() {
        let parent = "mod a; mod deep; use a as b; pub use b::A; pub(crate) use self::deep::down::D;";
        let sources = [
            ("src/run/mod.rs", parent),
            ("src/run/a.rs", "use super::Run; use crate::run::D;"),
            ("src/run/deep/mod.rs", "pub mod down;"),
            ("src/run/deep/down.rs", "use super::super::Run;"),
        ];
        assert_eq!(found(&sources), [""; 0]);
    }

    #[test]
    fn tests_comments_and_literals_do_not_count() {
        let code = "// use crate::job::Job;\n/// [`crate::job::Job`]\nfn a() { \"crate::job::f\"; }\n\
                    #[cfg(test)] mod tests;\n#[cfg(test)] mod more { use crate::job::Job; }\n\
                    #[test] fn t() { crate::job::f() }";
        let sources = [
            ("src/job/mod.rs", "use crate::run::Run;"),
            ("src/run/mod.rs", code),
            ("src/run/tests.rs", "use crate::job::Job; mod deeper;"),
            ("src/run/tests/deeper.rs", "use crate::job::Job;"),
        ];
        assert_eq!(found(&sources), [""; 0]);
    }

    #[test]
    fn a_folder_without_a_place_is_found() {
        let found = found(&[("src/attic/mod.rs", "")]);
        assert!(found[0].starts_with("src/attic/mod.rs:1: `attic` has no place in a layer;"), "{found:?}");
    }

    #[test]
    fn a_module_without_its_file_is_found() {
        let found = found(&[("src/run/mod.rs", "\nmod a;\n#[cfg(test)] mod tests;")]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("src/run/mod.rs:2: the module `a` has no file that git tracks;"), "{found:?}");
    }

    #[test]
    fn each_name_has_one_place() {
        let names: Vec<&str> =
            LAYERS.iter().flat_map(|groups| groups.iter()).flat_map(|group| group.iter().copied()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn the_drawing_counts_imports_between_folders() {
        let files = tree(&[("src/job/mod.rs", "use crate::sync::{A, B};"), ("src/sync/mod.rs", "")]);
        assert_eq!(drawing(&files), "flowchart TD\n  job -->|2| sync\n");
    }
}
