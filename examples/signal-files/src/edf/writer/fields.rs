//! The header's bytes.

use crate::clock::{NS_PER_SECOND, date_of_days};
use crate::error::FileError;

use super::EdfHeader;
use super::encoder::{DIGITAL_RANGE, Encoder};

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// Texts that fit their fields, and what was lost by that.
#[derive(Debug)]
pub(super) struct HeaderFields {
    patient: String,
    recording: String,
    date: String,
    time: String,
    is_discontinuous: bool,
    record_seconds: String,
    channels: Vec<ChannelFields>,
    pub(super) warnings: Vec<String>,
}

#[derive(Debug)]
struct ChannelFields {
    label: String,
    transducer: String,
    unit: String,
    ends: [String; 4],
    prefilter: String,
    samples_per_record: usize,
}

impl HeaderFields {
    pub(super) fn new(header: &EdfHeader, encoders: &[Encoder]) -> Result<Self, FileError> {
        let seconds = header.start_ns.div_euclid(NS_PER_SECOND);
        let (year, month, day) = date_of_days(seconds.div_euclid(86_400));
        if !(1900..2200).contains(&year) || header.channels.len() > 9998 {
            return Err(FileError::Request(format!(
                "{} channels from the year {year} on are to be written; EDF+ has room for 9998, and for the years 1900 to 2199",
                header.channels.len()
            )));
        }
        let of_day = seconds.rem_euclid(86_400);
        let date = format!("{day:02}-{}-{year}", MONTHS[month as usize - 1]);
        let mut fitter = Fitter::default();
        let channels = header.channels.iter().zip(encoders).map(|(channel, encoder)| {
            let whose = format!("channel {:?}", channel.label);
            let [low, high] = encoder.range_texts();
            ChannelFields {
                label: fitter.fit(&channel.label, 16, &format!("{whose}: its label")),
                transducer: fitter.fit(&channel.transducer, 80, &format!("{whose}: its transducer")),
                unit: fitter.fit(&channel.unit, 8, &format!("{whose}: its unit")),
                ends: [low.to_owned(), high.to_owned(), DIGITAL_RANGE[0].to_string(), DIGITAL_RANGE[1].to_string()],
                prefilter: fitter.fit(&channel.prefilter, 80, &format!("{whose}: its prefilter")),
                samples_per_record: encoder.samples_per_record(),
            }
        });
        Ok(Self {
            channels: channels.collect(),
            patient: fitter.fit(&patient(&header.patient), 80, "the patient"),
            recording: fitter.fit(&recording(&header.recording, &date), 80, "the recording"),
            date: format!("{day:02}.{month:02}.{:02}", year % 100),
            time: format!("{:02}.{:02}.{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60),
            is_discontinuous: !header.gaps.is_empty(),
            record_seconds: header.record_seconds.to_string(),
            warnings: fitter.warnings,
        })
    }

    /// The header with its annotation channel, which is the last one.
    pub(super) fn bytes(&self, n_records: usize, annotation_bytes: usize) -> Result<Vec<u8>, FileError> {
        let n_signals = self.channels.len() + 1;
        let n_samples = annotation_bytes / 2;
        if n_records > 99_999_999 || n_samples > 99_999_999 {
            return Err(FileError::Request(format!(
                "{n_records} records with {annotation_bytes} bytes of annotations are to be written; EDF has eight digits for \
                 each, so use longer records or fewer annotations"
            )));
        }
        let kind = if self.is_discontinuous { "EDF+D" } else { "EDF+C" };
        let mut bytes = Vec::with_capacity(256 * (n_signals + 1));
        for (text, width) in [
            ("0", 8),
            (&self.patient, 80),
            (&self.recording, 80),
            (&self.date, 8),
            (&self.time, 8),
            (&(256 * (n_signals + 1)).to_string(), 8),
            (kind, 44),
            (&n_records.to_string(), 8),
            (&self.record_seconds, 8),
            (&n_signals.to_string(), 4),
        ] {
            append(&mut bytes, text, width);
        }
        let annotations = ChannelFields::annotations(n_samples);
        let channels = || self.channels.iter().chain([&annotations]);
        for (width, text) in ChannelFields::COLUMNS {
            channels().for_each(|channel| append(&mut bytes, &text(channel), width));
        }
        Ok(bytes)
    }
}

/// How wide a field is, and what is in it.
type Column = (usize, fn(&ChannelFields) -> String);

impl ChannelFields {
    /// The fields of all channels follow each other, one kind after another.
    const COLUMNS: [Column; 10] = [
        (16, |channel| channel.label.clone()),
        (80, |channel| channel.transducer.clone()),
        (8, |channel| channel.unit.clone()),
        (8, |channel| channel.ends[0].clone()),
        (8, |channel| channel.ends[1].clone()),
        (8, |channel| channel.ends[2].clone()),
        (8, |channel| channel.ends[3].clone()),
        (80, |channel| channel.prefilter.clone()),
        (8, |channel| channel.samples_per_record.to_string()),
        (32, |_| String::new()),
    ];

    fn annotations(samples_per_record: usize) -> Self {
        Self {
            label: "EDF Annotations".to_owned(),
            transducer: String::new(),
            unit: String::new(),
            ends: ["-1", "1", "-32768", "32767"].map(str::to_owned),
            prefilter: String::new(),
            samples_per_record,
        }
    }
}

fn append(bytes: &mut Vec<u8>, text: &str, width: usize) {
    let end = bytes.len() + width;
    bytes.extend(text.bytes().take(width));
    bytes.resize(end, b' ');
}

/// Cuts texts to the printable letters of ASCII and to the width of their field.
#[derive(Debug, Default)]
struct Fitter {
    warnings: Vec<String>,
}

impl Fitter {
    fn fit(&mut self, text: &str, width: usize, what: &str) -> String {
        let letter = |letter: char| match letter {
            ' '..='~' => letter,
            // The field's letters are bytes, and this one has a usual place among them.
            '\u{b5}' | '\u{3bc}' => 'u',
            _ => '_',
        };
        let fitted: String = text.chars().map(letter).take(width).collect();
        let same = text.chars().map(|each| if letter(each) == 'u' { 'u' } else { each });
        if !fitted.chars().eq(same) {
            self.warnings.push(format!(
                "{what} {text:?} is written as {fitted:?}, the {width} letters of ASCII that EDF has room for"
            ));
        }
        fitted
    }
}

/// Code, sex, date of birth and name, with an X for what is not known.
fn patient(text: &str) -> String {
    let text = text.trim();
    let parts: Vec<_> = text.split(' ').filter(|part| !part.is_empty()).collect();
    let has_form = parts.len() >= 4 && matches!(parts[1], "M" | "F" | "X") && (parts[2] == "X" || is_date(parts[2]));
    match text {
        _ if has_form => text.to_owned(),
        "" => "X X X X".to_owned(),
        name => format!("X X X {}", name.replace(' ', "_")),
    }
}

/// The date, the administration's code, the technician and the equipment.
fn recording(text: &str, date: &str) -> String {
    let text = text.trim();
    let mut parts = text.split(' ').filter(|part| !part.is_empty());
    let others = match (parts.next(), parts.next()) {
        (Some("Startdate"), Some(_)) => parts.map(str::to_owned).collect(),
        (None, _) => Vec::new(),
        _ => vec!["X".to_owned(), "X".to_owned(), text.replace(' ', "_")],
    };
    let unknown = (others.len()..3).map(|_| "X".to_owned());
    format!("Startdate {date} {}", others.iter().cloned().chain(unknown).collect::<Vec<_>>().join(" "))
}

/// Such as 02-MAR-2002.
fn is_date(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    matches!(parts[..], [day, month, year] if day.len() == 2 && MONTHS.contains(&month) && year.len() == 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_edf_plus_stay_and_others_become_a_part_of_one() {
        assert_eq!(patient("MCH-0234567 F 02-MAY-1951 Haagse_Harry"), "MCH-0234567 F 02-MAY-1951 Haagse_Harry");
        assert_eq!(patient("X X X X"), "X X X X");
        assert_eq!(patient("sub 01"), "X X X sub_01");
        assert_eq!(patient(" "), "X X X X");
        assert_eq!(recording("Startdate 01-JAN-1999 a b c d", "02-FEB-2020"), "Startdate 02-FEB-2020 a b c d");
        assert_eq!(recording("bench 7", "02-FEB-2020"), "Startdate 02-FEB-2020 X X bench_7");
        assert_eq!(recording("", "02-FEB-2020"), "Startdate 02-FEB-2020 X X X");
    }

    #[test]
    fn a_micro_sign_is_a_u_and_other_losses_are_said() {
        let mut fitter = Fitter::default();
        assert_eq!(fitter.fit("µV", 8, "unit"), "uV");
        assert!(fitter.warnings.is_empty());
        assert_eq!(fitter.fit("Impédance", 6, "label"), "Imp_da");
        assert_eq!(fitter.warnings.len(), 1);
    }
}
