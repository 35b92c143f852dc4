//! The marker file: its markers, and from the first segment the time of the first sample.

use crate::annotation::FileAnnotation;
use crate::clock::{NS_PER_SECOND, days_since_1970};

use super::sections::{entries, fields};

#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Markers {
    /// In order of onset.
    pub(super) annotations: Vec<FileAnnotation>,
    /// The time of the first sample, where a segment states its date.
    pub(super) start_ns: Option<i64>,
    /// Markers without a readable position, with the line of the first.
    pub(super) n_unreadable: usize,
    pub(super) first_unreadable: usize,
}

/// Positions count from 1, the first sample.
pub(super) fn read_markers(text: &str, rate_hz: f64) -> Markers {
    let mut markers = Markers::default();
    for entry in entries(text).iter().filter(|entry| entry.section == "marker infos") {
        match Marker::parse(&entry.value) {
            Some(marker) => markers.add(&marker, rate_hz),
            None => {
                markers.n_unreadable += 1;
                if markers.n_unreadable == 1 {
                    markers.first_unreadable = entry.line;
                }
            }
        }
    }
    markers.annotations.sort_by_key(|annotation| annotation.onset_ns);
    markers
}

/// `<type>,<description>,<position>,<size>,<channel>,<date>`; the date is there for segments alone.
struct Marker {
    kind: String,
    description: String,
    position: i64,
    size: i64,
    date_ns: Option<i64>,
}

impl Marker {
    fn parse(value: &str) -> Option<Self> {
        let mut parts = fields(value).into_iter();
        let (kind, description) = (parts.next()?, parts.next()?);
        // Within this range a position is a number without rounding.
        let in_range = |number: &i64| number.unsigned_abs() < 1 << 53;
        let position = parts.next()?.trim().parse().ok().filter(in_range)?;
        let size = match parts.next().as_deref().map(str::trim) {
            None | Some("") => 0,
            Some(size) => size.parse().ok().filter(in_range).filter(|size| *size >= 0)?,
        };
        let date_ns = parts.nth(1).and_then(|date| date_ns(date.trim()));
        Some(Self { kind, description, position, size, date_ns })
    }
}

impl Markers {
    fn add(&mut self, marker: &Marker, rate_hz: f64) {
        let seconds = |n_samples: i64| n_samples as f64 / rate_hz;
        let onset_s = seconds(marker.position - 1);
        if let (None, "New Segment", Some(date_ns)) = (self.start_ns, marker.kind.as_str(), marker.date_ns) {
            self.start_ns = date_ns.checked_sub((onset_s * 1e9).round() as i64);
        }
        let description = format!("{}/{}", marker.kind, marker.description);
        self.annotations.push(FileAnnotation::new(onset_s, Some(seconds(marker.size)), description));
    }
}

/// `YYYYMMDDhhmmssuuuuuu` as nanoseconds since 1970-01-01; none for a date of zeros, which says that there is none.
fn date_ns(text: &str) -> Option<i64> {
    if text.len() != 20 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text[range].parse::<i64>().ok();
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    let (hour, minute, second, micros) = (part(8..10)?, part(10..12)?, part(12..14)?, part(14..20)?);
    let is_date = (1900..2200).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + (hour * 60 + minute) * 60 + second;
    Some(seconds * NS_PER_SECOND + micros * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_from_one_and_the_first_segment_gives_the_start() {
        let text = "[Marker Infos]\nMk1=Stimulus,S\\1 2,501,5,0\nMk2=New Segment,,1,1,0,20131113161403794232\nMk3=Stimulus,S  1,x,1,0\nMk4=Response";
        let markers = read_markers(text, 1000.0);
        let found: Vec<_> =
            markers.annotations.iter().map(|each| (each.onset_s, each.duration_s, each.description.as_str())).collect();
        assert_eq!(found, [(0.0, Some(0.001), "New Segment/"), (0.5, Some(0.005), "Stimulus/S, 2")]);
        assert_eq!(markers.start_ns, Some(1_384_359_243_794_232_000));
        assert_eq!((markers.n_unreadable, markers.first_unreadable), (2, 4));
    }

    #[test]
    fn a_date_of_zeros_is_none() {
        assert_eq!(date_ns("00000000000000000000"), None);
        assert_eq!(date_ns("19700101000001000000"), Some(NS_PER_SECOND));
        assert_eq!(date_ns("1970010100000100000é"), None);
    }
}
