//! Markdown as the rules read it: its headings as anchors, and its links.
//!
//! Code blocks and code spans contain no links. The rules check where a link leads.

/// A link and the line (from 1) on which it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) line: usize,
    pub(crate) target: String,
}

/// The targets of all links and images, inline ones and definitions.
pub(crate) fn links(text: &str) -> Vec<Link> {
    let lines = prose(text).into_iter();
    lines.flat_map(|(line, prose)| targets(&without_spans(prose)).map(move |target| Link { line, target })).collect()
}

/// The anchors that a page of this text has: one per heading, and every `id="..."`.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, line) in prose(text) {
        if let Some(title) = heading(line) {
            let slug = slug(title);
            let repeats = anchors.iter().filter(|anchor| is_repeat_of(&slug, anchor)).count();
            anchors.push(if repeats == 0 { slug } else { format!("{slug}-{repeats}") });
        }
        anchors.extend(line.split("id=\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
    }
    anchors
}

/// The titles of all headings with their lines (from 1).
pub(crate) fn headings(text: &str) -> Vec<(usize, &str)> {
    prose(text).into_iter().filter_map(|(line, text)| Some((line, heading(text)?))).collect()
}

/// The lines of code blocks with their lines (from 1).
pub(crate) fn code_lines(text: &str) -> Vec<(usize, &str)> {
    sorted_lines(text).into_iter().filter(|(_, _, is_code)| *is_code).map(|(line, text, _)| (line, text)).collect()
}

fn prose(text: &str) -> Vec<(usize, &str)> {
    sorted_lines(text).into_iter().filter(|(_, _, is_code)| !is_code).map(|(line, text, _)| (line, text)).collect()
}

/// Every line except the fences, and whether it is in a code block.
fn sorted_lines(text: &str) -> Vec<(usize, &str, bool)> {
    let mut fence: Option<&str> = None;
    let mut lines = Vec::new();
    for (idx, line) in text.lines().enumerate() {
        let start = line.trim_start();
        match fence {
            Some(open) if start.starts_with(open) => fence = None,
            None if start.starts_with("```") || start.starts_with("~~~") => fence = Some(&start[..3]),
            _ => lines.push((idx + 1, line, fence.is_some())),
        }
    }
    lines
}

fn heading(line: &str) -> Option<&str> {
    let title = line.trim_start_matches('#');
    let level = line.len() - title.len();
    ((1..=6).contains(&level) && title.starts_with(' ')).then(|| title.trim().trim_end_matches('#').trim_end())
}

/// The anchor of a title: lower case, a dash for each space, no punctuation, links replaced by their text.
fn slug(title: &str) -> String {
    let kept = link_texts(title).to_lowercase();
    let kept = kept.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter }).collect()
}

fn link_texts(title: &str) -> String {
    let mut parts = title.split("](");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |texts, part| texts + part.split_once(')').map_or(part, |(_, after)| after))
}

fn is_repeat_of(slug: &str, anchor: &str) -> bool {
    match anchor.strip_prefix(slug) {
        Some("") => true,
        Some(rest) => rest.strip_prefix('-').is_some_and(|number| number.parse::<u32>().is_ok()),
        None => false,
    }
}

fn without_spans(line: &str) -> String {
    // With an odd number of backticks the text after the last one is prose.
    let mut parts: Vec<&str> = line.split('`').collect();
    let open = if parts.len().is_multiple_of(2) { parts.pop() } else { None };
    let prose: String = parts.into_iter().step_by(2).collect();
    prose + open.unwrap_or_default()
}

fn targets(prose: &str) -> impl Iterator<Item = String> + use<> {
    let inline = prose.split("](").skip(1).map(|rest| rest.split(')').next().unwrap_or_default());
    let defined = definition(prose);
    let targets: Vec<String> = inline.chain(defined).filter_map(without_title).collect();
    targets.into_iter()
}

/// `[name]: target` at the start of a line.
fn definition(prose: &str) -> Option<&str> {
    let (name, target) = prose.trim_start().strip_prefix('[')?.split_once("]:")?;
    (!name.contains(']')).then_some(target)
}

fn without_title(target: &str) -> Option<String> {
    let address = target.split_whitespace().next()?;
    Some(address.trim_start_matches('<').trim_end_matches('>').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets_of(text: &str) -> Vec<String> {
        links(text).into_iter().map(|link| link.target).collect()
    }

    #[test]
    fn links_images_and_definitions_are_found() {
        let text = "[a](b.md) and ![c](d.svg \"title\")\n\n[e]: <f.md>\n[![g](h.svg)](i.md)";
        assert_eq!(targets_of(text), ["b.md", "d.svg", "f.md", "h.svg", "i.md"]);
        assert_eq!(links(text)[2].line, 3);
    }

    #[test]
    fn code_is_no_link() {
        assert_eq!(targets_of("`[a](b)` [c](d)\n```\n[e](f)\n```\n[g](h)"), ["d", "h"]);
    }

    #[test]
    fn headings_become_anchors() {
        let text =
            "# One: `two`, three\n## One: two, three\n```\n# no\n```\n#no\n### [Link](x.md) _a_\n<a id=\"own\"></a>";
        assert_eq!(anchors(text), ["one-two-three", "one-two-three-1", "link-_a_", "own"]);
    }

    #[test]
    fn lines_of_code_blocks_are_known() {
        assert_eq!(code_lines("a\n~~~sh\nb\n```\nc\n~~~\nd"), [(3, "b"), (4, "```"), (5, "c")]);
    }
}
