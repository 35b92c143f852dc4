//! Links between the documents lead to files and headings that exist.
//!
//! Links to other hosts are not checked, because a check must not depend on the network.

use super::Violation;
use crate::files::Files;
use crate::markdown::{Link, anchors, links};

const WAY_OUT: &str = "link to a file that git tracks, relative to this one, and to a heading that it has";

pub(super) fn check(files: &Files) -> Vec<Violation> {
    files.ending(".md").flat_map(|(path, text)| check_document(files, path, text)).collect()
}

fn check_document(files: &Files, path: &str, text: &str) -> Vec<Violation> {
    let inner = links(text).into_iter().filter(|link| !leads_elsewhere(&link.target));
    inner.filter_map(|link| Some(Violation::new(path, link.line, problem(files, path, &link)?, WAY_OUT))).collect()
}

fn leads_elsewhere(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

fn problem(files: &Files, from: &str, link: &Link) -> Option<String> {
    let (file, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
    let target = if file.is_empty() { Some(from.to_owned()) } else { resolve(from, file) };
    let Some(target) = target.filter(|target| target.is_empty() || files.has(target)) else {
        return Some(format!("the link `{}` leads to no file of the project", link.target));
    };
    let page = files.text(&target).filter(|_| target.ends_with(".md"))?;
    let is_known = anchor.is_empty() || anchors(page).iter().any(|known| known == anchor);
    (!is_known).then(|| format!("the link `{}` leads to no heading of {target}", link.target))
}

/// The target of a relative link as a path from the root, which is the empty path. `None` outside of the project.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut folders: Vec<&str> = from.split('/').collect();
    folders.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(folders.pop()?),
            "" => return None,
            name => folders.push(name),
        }
    }
    Some(folders.join("/"))
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    fn found_with(readme: &str) -> Vec<String> {
        places(&check(&Files::from([
            ("README.md", readme),
            ("docs/page.md", "# A page\n[up](../README.md) [side](../src/lib.rs#L3)\n"),
            ("src/lib.rs", ""),
        ])))
    }

    #[test]
    fn links_that_lead_somewhere_are_good() {
        let good =
            "# Top\n[a](docs/page.md) [b](docs/page.md#a-page) [c](#top) [d](./docs/) [e](https://x.org/y#z) [f](.)\n";
        assert_eq!(found_with(good), [""; 0]);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for bad in ["docs/none.md", "docs/page.md#other", "#none", "../README.md", "/src/lib.rs", "doc"] {
            assert_eq!(found_with(&format!("# Top\n\n[a]({bad})\n")), ["README.md:3"], "{bad}");
        }
    }

    #[test]
    fn a_link_is_relative_to_its_own_document() {
        assert_eq!(resolve("docs/a/b.md", "../c.md"), Some("docs/c.md".to_owned()));
        let files = Files::from([("README.md", ""), ("docs/page.md", "[a](README.md)")]);
        assert_eq!(places(&check(&files)), ["docs/page.md:1"]);
    }
}
