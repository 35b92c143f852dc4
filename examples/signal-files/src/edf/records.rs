//! How many whole records a file holds, beside how many its header promises.

use crate::clock::NS_PER_SECOND;
use crate::error::{Checked, to_usize};

use super::fields::N_RECORDS;
use super::header::Header;

/// How many whole records are read, and what that leaves out.
pub(super) struct Records {
    pub(super) n_read: usize,
    pub(super) missing: Option<String>,
    pub(super) warning: Option<String>,
}

impl Records {
    /// Compares the promised number of records with the file's length, which decides; -1 and 0 promise nothing.
    pub(super) fn count(header: &Header, n_bytes: u64) -> Checked<Self> {
        let data_bytes = n_bytes - header.n_bytes;
        // When all channels have 0 samples a record has 0 bytes, and there is nothing to read however many are promised.
        let n_whole = data_bytes.checked_div(header.record_bytes).unwrap_or(0);
        let rest = data_bytes - n_whole * header.record_bytes;
        if n_whole == 0 && header.promised_records != 0 {
            return Err(no_record(header, data_bytes));
        }
        match u64::try_from(header.promised_records).ok().filter(|promised| *promised > 0) {
            None => Self::of_unclosed(header, n_whole, rest),
            Some(promised) => Self::of_promised(header, promised, n_whole, rest),
        }
    }

    fn of_unclosed(header: &Header, n_whole: u64, rest: u64) -> Checked<Self> {
        let missing = format!("the last record is cut after {rest} of {} bytes and dropped", header.record_bytes);
        let stated = header.promised_records;
        let warning =
            format!("the number of records is {stated}, so the recording was not closed; {n_whole} were found");
        Ok(Self { n_read: to_usize(n_whole)?, missing: (rest > 0).then_some(missing), warning: Some(warning) })
    }

    fn of_promised(header: &Header, promised: u64, n_whole: u64, rest: u64) -> Checked<Self> {
        let n_left = n_whole.saturating_sub(promised) * header.record_bytes + rest;
        let missing = if promised > n_whole {
            Some(cut_short(header, promised, n_whole, rest))
        } else if n_left > 0 {
            Some(format!(
                "{n_left} bytes follow the {promised} records that the header promises and are not read; \
                 write -1 as the number of records (byte {}) to read them",
                N_RECORDS.at
            ))
        } else {
            None
        };
        Ok(Self { n_read: to_usize(promised.min(n_whole))?, missing, warning: None })
    }
}

fn no_record(header: &Header, data_bytes: u64) -> String {
    format!(
        "holds no whole record: one needs {} bytes by the samples per record in the header, and {data_bytes} bytes \
         follow the header; the file is cut or the header wrong, so copy or export it again",
        header.record_bytes
    )
}

fn cut_short(header: &Header, promised: u64, n_whole: u64, rest: u64) -> String {
    let lost_seconds = (promised - n_whole) as f64 * (header.record_ns as f64 / NS_PER_SECOND as f64);
    format!(
        "the last {} of {promised} records ({lost_seconds} s): the file ends after {n_whole} whole records \
         and {rest} bytes of another, which are dropped; copy it again if the original is longer",
        promised - n_whole
    )
}
