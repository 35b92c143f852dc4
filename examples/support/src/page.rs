//! The frame of an HTML page and its usual sections: one file that needs nothing else, light or dark as the reader's system is, for
//! wide and narrow windows. It holds no script.
//!
//! A page is [`start`], [`header`], any number of sections and [`END`], one after the other. What a section shows is what the caller
//! gives, in the caller's order; all text is escaped.

use std::fmt::Write;

use crate::escape;
use crate::picture::{Drawing, dark_rules, variables};

/// The style that all pages share.
const STYLE: &str = include_str!("page.css");

/// From where a page's content ends to its last byte.
pub const END: &str = "</main>\n</body>\n</html>\n";

/// The page from its first byte to where its content begins. `more_style` follows the style that all pages share.
///
/// ```
/// use consumer_support::page;
///
/// let list = page::warning_list(&[], "Nothing failed.");
/// let page = [page::start("Run <7>", ""), page::header("Run <7>", "2 items", ""), page::section("Failed", &list)].concat() + page::END;
/// assert!(page.starts_with("<!DOCTYPE html>") && page.contains("<h1>Run &lt;7&gt;</h1>"));
/// ```
#[must_use]
pub fn start(title: &str, more_style: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{}{more_style}</style>\n\
         </head>\n<body>\n<main>\n",
        escape(title),
        stylesheet()
    )
}

fn stylesheet() -> String {
    format!(
        ":root{{{}}}\n@media (prefers-color-scheme:dark){{:root{{{}}}{}}}\n{STYLE}",
        variables(false),
        variables(true),
        dark_rules()
    )
}

/// The top of a page; `below` is markup.
#[must_use]
pub fn header(title: &str, subtitle: &str, below: &str) -> String {
    let (title, subtitle) = (escape(title), escape(subtitle));
    format!("<header>\n<h1>{title}</h1>\n<p class=\"subtitle\">{subtitle}</p>\n{below}</header>\n")
}

/// The facts as a list of names and values, or a sentence when there are none.
#[must_use]
pub fn facts_list(facts: &[Fact]) -> String {
    if facts.is_empty() {
        return "<p>No numbers were given.</p>\n".to_owned();
    }
    let pair = |fact: &Fact| format!("<div><dt>{}</dt><dd>{}</dd></div>\n", escape(&fact.name), escape(&fact.value));
    format!("<dl class=\"facts\">\n{}</dl>\n", facts.iter().map(pair).collect::<String>())
}

/// The warnings, or the sentence `none` when there are none.
#[must_use]
pub fn warning_list(warnings: &[Warning], none: &str) -> String {
    if warnings.is_empty() {
        return format!("<p>{none}</p>\n");
    }
    let line = |warning: &Warning| {
        format!("<li><strong>{}</strong>: {}</li>\n", escape(&warning.subject), escape(&warning.reason))
    };
    format!("<ul class=\"warnings\">\n{}</ul>\n", warnings.iter().map(line).collect::<String>())
}

/// A part of a page under a heading; `body` is markup.
#[must_use]
pub fn section(heading: &str, body: &str) -> String {
    format!("<section>\n<h2>{}</h2>\n{body}</section>\n", escape(heading))
}

/// The links with what is in the files, or a sentence when there are none.
#[must_use]
pub fn file_list(files: &[Link]) -> String {
    if files.is_empty() {
        return "<p>No files were written beside this page.</p>\n".to_owned();
    }
    let line = |link: &Link| format!("<li>{} {}</li>\n", anchor(&link.path, &link.path), escape(&link.about));
    format!("<ul>\n{}</ul>\n", files.iter().map(line).collect::<String>())
}

/// A link to a file beside the page. The leading `./` keeps a colon in a file name from reading as a scheme.
///
/// ```
/// assert_eq!(consumer_support::page::anchor("a b.html", "<a>"), "<a href=\"./a%20b.html\">&lt;a&gt;</a>");
/// ```
#[must_use]
pub fn anchor(path: &str, text: &str) -> String {
    format!("<a href=\"./{}\">{}</a>", percent_encode(path), escape(text))
}

/// RFC 3986: letters, digits, `-._~` and the slash are kept, all other bytes as `%XX`.
fn percent_encode(path: &str) -> String {
    let mut encoded = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte))
            }
            _ => write!(encoded, "%{byte:02X}").expect("a string takes every write"),
        }
    }
    encoded
}

/// A name and its value, such as a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is, such as `Workers`.
    pub name: String,
    /// Its value, as text.
    pub value: String,
}

/// Something that failed or was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What it happened to, such as `epoch 17` or `signal "SpO2"`.
    pub subject: String,
    /// What happened.
    pub reason: String,
}

/// A picture with its heading, drawn for both widths.
#[derive(Debug, Clone)]
pub struct Figure {
    /// Above the picture.
    pub heading: String,
    /// How to read it, below the picture.
    pub caption: String,
    /// Shown in wide windows.
    pub wide: Drawing,
    /// Shown in narrow windows.
    pub narrow: Drawing,
    /// The same picture as files, such as `hypnogram.svg`.
    pub files: Vec<Link>,
}

/// A file beside the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The file's path from the page's folder, such as `features.csv`.
    pub path: String,
    /// What is in it.
    pub about: String,
}

impl Figure {
    /// The figure as a section of a page. `idx` is its place on the page, which makes its ids unique there.
    #[must_use]
    pub fn to_html(&self, idx: usize) -> String {
        let links: Vec<String> = self.files.iter().map(|link| anchor(&link.path, &link.about)).collect();
        let links = if links.is_empty() { String::new() } else { format!(" <span>{}</span>", links.join(" \u{b7} ")) };
        let body = format!(
            "<figure>\n<div class=\"wide\">{}</div>\n<div class=\"narrow\">{}</div>\n<figcaption>{}{links}</figcaption>\n</figure>\n",
            self.wide.to_inline_svg(&format!("wide{idx}")),
            self.narrow.to_inline_svg(&format!("narrow{idx}")),
            escape(&self.caption)
        );
        section(&self.heading, &body)
    }
}
