//! Frames with their landmarks, grouped by sample, up to what a page may hold.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consumer_support::escape;
use consumer_support::page::section;

use super::ShownFrame;
use super::drawn::{Drawn, drawn};
use super::lists::clip;
use crate::row::{FACE, LEFT_HAND, POSE, RIGHT_HAND};

/// All pictures of a page together have at most so many bytes as PNG; a third more stands on the page.
const MOST_BYTES: usize = 3_300_000;

const LEGEND: &str = "<p class=\"legend\"><span class=\"body\">body</span> <span class=\"left\">left hand</span> \
                      <span class=\"right\">right hand</span> <span class=\"face\">face</span> \u{2013} the person's own left and \
                      right</p>\n";

pub(super) fn html(shown: &[ShownFrame<'_>]) -> String {
    if shown.is_empty() {
        return section("Frames", "<p>There is no frame to show.</p>\n");
    }
    let mut left = MOST_BYTES;
    let mut n_left_out = 0;
    let mut body = LEGEND.to_owned();
    for group in shown.chunk_by(|one, other| one.title == other.title) {
        body += &format!("<h3>{}</h3>\n<div class=\"sheet\">\n", escape(&clip(group[0].title)));
        for frame in group {
            match drawn(frame.picture, frame.row).filter(|drawn| drawn.png.len() <= left) {
                Some(drawn) => {
                    left -= drawn.png.len();
                    body += &figure(frame, &drawn);
                }
                None => n_left_out += 1,
            }
        }
        body += "</div>\n";
    }
    if n_left_out > 0 {
        body += &format!(
            "<p class=\"note\">{n_left_out} of {} frames are not shown, to keep the page small.</p>\n",
            shown.len()
        );
    }
    section("Frames", &body)
}

fn figure(frame: &ShownFrame<'_>, drawn: &Drawn) -> String {
    let (name, found) = (escape(&clip(frame.name)), found(frame.row));
    let Drawn { png, width, height } = drawn;
    format!(
        "<figure><img width=\"{width}\" height=\"{height}\" alt=\"{name}: {found}\" src=\"data:image/png;base64,{}\"/>\
         <figcaption><b>{name}</b> {found}</figcaption></figure>\n",
        STANDARD.encode(png)
    )
}

/// Such as `body, left hand, face`.
fn found(row: &[f32]) -> String {
    let parts = [(POSE, "body"), (LEFT_HAND, "left hand"), (RIGHT_HAND, "right hand"), (FACE, "face")];
    let is_found = |part: &std::ops::Range<usize>| row.get(part.start).is_some_and(|number| !number.is_nan());
    let names: Vec<_> = parts.iter().filter(|(part, _)| is_found(part)).map(|(_, name)| *name).collect();
    if names.is_empty() { "nothing found".to_owned() } else { names.join(", ") }
}
