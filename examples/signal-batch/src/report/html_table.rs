//! A table on a page: names and numbers under heads, in a frame that scrolls sideways, with a limit on its length.

use consumer_support::escape;

/// More rows than this are counted, not shown, so that a page keeps its size.
const MOST_ROWS: usize = 300;
/// The letters of a cell that are shown.
const MOST_LETTERS: usize = 100;

/// The table, or the sentence `none` where there are no rows. The first column names the row; the first `n_names` go to the left. No more
/// rows are drawn from the iterator than are shown.
pub(super) fn html(
    label: &str,
    heads: &[&str],
    n_names: usize,
    (rows, n_rows): (impl Iterator<Item = Vec<String>>, usize),
    none: &str,
) -> String {
    let rows: Vec<Vec<String>> = rows.take(MOST_ROWS).collect();
    if rows.is_empty() {
        return format!("<p>{}</p>\n", escape(none));
    }
    let class = |idx: usize| if idx > 0 && idx < n_names { " class=\"name\"" } else { "" };
    let head = |(idx, name): (usize, &&str)| format!("<th scope=\"col\"{}>{}</th>", class(idx), escape(name));
    let cell = |(idx, text): (usize, &String)| {
        let text = escape(&clipped(text));
        if idx == 0 { format!("<th scope=\"row\">{text}</th>") } else { format!("<td{}>{text}</td>", class(idx)) }
    };
    let row = |row: &Vec<String>| format!("<tr>{}</tr>\n", row.iter().enumerate().map(cell).collect::<String>());
    let cut = if n_rows > MOST_ROWS {
        format!("<p class=\"note\">The first {MOST_ROWS} of {n_rows} rows; the files have them all.</p>\n")
    } else {
        String::new()
    };
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{}\" tabindex=\"0\"><table>\n<thead><tr>{}</tr></thead>\n\
         <tbody>\n{}</tbody>\n</table></div>\n{cut}",
        escape(label),
        heads.iter().enumerate().map(head).collect::<String>(),
        rows.iter().map(row).collect::<String>()
    )
}

/// A remark below a table or a picture.
pub(super) fn note(text: &str) -> String {
    format!("<p class=\"note\">{}</p>\n", escape(text))
}

fn clipped(text: &str) -> String {
    match text.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}
