//! Light curves in FITS tables, as missions and their pipelines publish them.
//!
//! The layout of such a file: FITS standard 4.0, <https://fits.gsfc.nasa.gov/fits_standard.html>; the names of its columns: the
//! archive manuals of Kepler and TESS, and the quick-look pipeline's notes, all at <https://archive.stsci.edu>.

use std::panic::catch_unwind;

use consumer_support::input::{Budget, InputError, OverBudget, require, unpack};
use fitsio_pure::bintable::{BinaryColumnDescriptor, parse_binary_table_columns, read_binary_column_physical};
use fitsio_pure::gzip;
use fitsio_pure::hdu::{FitsData, Hdu, HduInfo, parse_fits_headers};
use fitsio_pure::value::Value;
use flate2::bufread::GzDecoder;

use crate::curve::RawCurve;
use crate::numbers::median;

/// Where fluxes are looked for, the first first: without the instrument's trends, as measured, and what other programs write.
/// Errors are in the column of that name with `_ERR` behind it.
pub const FLUX_COLUMNS: [&str; 5] = ["PDCSAP_FLUX", "KSPSAP_FLUX", "DET_FLUX", "SAP_FLUX", "FLUX"];

/// The standard's bound for the numbers of columns and of axes.
const MOST_COLUMNS: usize = 999;

/// Bytes of a line of a header.
const CARD: usize = 80;

/// Whether a file's first bytes are those of a FITS file, compressed by gzip or not.
pub(crate) fn is_fits(bytes: &[u8]) -> bool {
    gzip::is_gzip(bytes) || bytes.starts_with(b"SIMPLE  =")
}

/// Why there is no light curve in a file.
pub(crate) enum Fault {
    /// What is wrong with it.
    Reason(String),
    /// There is too much of it.
    OverBudget(OverBudget),
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Reason(reason)
    }
}

impl From<OverBudget> for Fault {
    fn from(over: OverBudget) -> Self {
        Self::OverBudget(over)
    }
}

/// The first table with a light curve. The error names what is wrong when there is none.
pub(crate) fn read(bytes: &[u8]) -> Result<RawCurve, Fault> {
    // An invalid header, such as one with minus one axes, can make the library panic.
    let invalid = |_| Err(Fault::Reason("its FITS header is invalid".to_owned()));
    catch_unwind(|| read_whole(bytes)).unwrap_or_else(invalid)
}

fn read_whole(bytes: &[u8]) -> Result<RawCurve, Fault> {
    if gzip::is_gzip(bytes) { table(&unpacked(bytes)?) } else { table(bytes) }
}

/// What a gzip file holds, one part behind the other; zeros behind the last one fill a block of an archive.
fn unpacked(mut packed: &[u8]) -> Result<Vec<u8>, Fault> {
    let limit = Budget::STANDARD.unpacked_bytes(packed.len() as u64);
    let mut bytes = Vec::new();
    while packed.iter().any(|byte| *byte != 0) {
        let mut part = GzDecoder::new(packed);
        unpack(&mut part, limit, &mut bytes).map_err(|error| match error {
            InputError::OverBudget(over) => Fault::OverBudget(over),
            InputError::Io(why) => Fault::Reason(format!("it is no whole FITS file: {why}")),
            other => Fault::Reason(other.to_string()),
        })?;
        packed = part.into_inner();
    }
    Ok(bytes)
}

fn table(bytes: &[u8]) -> Result<RawCurve, Fault> {
    require_few_axes(bytes)?;
    let file = parts(bytes)?;
    for part in file.iter() {
        let Some(columns) = columns(part)? else { continue };
        let place = |name: &str| columns.iter().position(|column| is_called(column, name));
        let flux = FLUX_COLUMNS.into_iter().find(|name| place(name).is_some());
        let (Some(time), Some(name)) = (place("TIME"), flux) else { continue };
        let error_name = format!("{name}_ERR");
        let error = place(&error_name).ok_or_else(|| format!("it has a column {name}, and no column {error_name}"))?;
        let flux = place(name).unwrap_or(time);
        let read = |place: usize| numbers(bytes, part, &columns, place);
        let mut curve = RawCurve { time: read(time)?, flux: read(flux)?, error: read(error)? };
        if text(part, &format!("TUNIT{}", flux + 1)).is_some_and(|unit| !unit.trim().is_empty()) {
            make_relative(&mut curve, name)?;
        }
        return Ok(curve);
    }
    Err(Fault::Reason(format!("no table in it has a column TIME and one of {}", FLUX_COLUMNS.join(", "))))
}

/// The parts of the file. The library looks for each keyword among all cards of a header, so their number is bounded as they are read.
fn parts(bytes: &[u8]) -> Result<FitsData, Fault> {
    let mut n_cards = 0;
    let mut over = None;
    let file = parse_fits_headers(bytes.len(), |offset, block| {
        n_cards += (block.len() / CARD) as u64;
        let way_out = "copy the table with the light curve into a file of its own";
        over = require(n_cards, Budget::STANDARD.header_cards, || "cards in its headers", way_out).err();
        let place = bytes.get(offset..offset + block.len()).filter(|_| over.is_none());
        block.copy_from_slice(place.ok_or(fitsio_pure::Error::UnexpectedEof)?);
        make_ascii(block);
        Ok(())
    });
    match (over, file) {
        (Some(over), _) => Err(over.into()),
        (None, file) => file.map_err(|why| Fault::Reason(format!("it is no whole FITS file: {why}"))),
    }
}

/// Writes `?` for each byte that is no ASCII: a header must have none, files have letters such as the sign of the ångström in their
/// comments, and the library cuts texts at bytes, which may be in the middle of such a letter.
fn make_ascii(block: &mut [u8]) {
    block.iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?');
}

/// The library allocates as many axes as a header names, and a program that allocates too much is killed.
fn require_few_axes(bytes: &[u8]) -> Result<(), String> {
    let is_axes = |card: &&[u8]| [&b"NAXIS   ="[..], b"ZNAXIS  ="].iter().any(|keyword| card.starts_with(keyword));
    for card in bytes.chunks(CARD).filter(is_axes) {
        let said = String::from_utf8_lossy(&card[9..]);
        let axes = said.split('/').next().unwrap_or_default().trim();
        if !axes.parse::<usize>().is_ok_and(|axes| axes <= MOST_COLUMNS) {
            return Err(format!("its header says NAXIS = {axes}, which is no number of axes"));
        }
    }
    Ok(())
}

/// The columns of a table; nothing when this part of the file is none.
fn columns(part: &Hdu) -> Result<Option<Vec<BinaryColumnDescriptor>>, String> {
    let HduInfo::BinaryTable { naxis1, tfields, .. } = part.info else { return Ok(None) };
    if tfields > MOST_COLUMNS {
        return Err(format!("it has a table of {tfields} columns, and FITS has at most {MOST_COLUMNS}"));
    }
    let columns =
        parse_binary_table_columns(&part.cards, tfields).map_err(|why| format!("a table's columns: {why}"))?;
    let width = columns.iter().try_fold(0_usize, |sum, column| sum.checked_add(column.byte_width));
    match width {
        Some(width) if width <= naxis1 => Ok(Some(columns)),
        _ => Err(format!("its columns need more than the {naxis1} bytes of a row")),
    }
}

fn is_called(column: &BinaryColumnDescriptor, name: &str) -> bool {
    column.name.as_deref().is_some_and(|own| own.trim().eq_ignore_ascii_case(name))
}

fn numbers(bytes: &[u8], part: &Hdu, columns: &[BinaryColumnDescriptor], place: usize) -> Result<Vec<f64>, String> {
    let column = &columns[place];
    let refused = |why: String| format!("column {}: {why}", column.name.as_deref().unwrap_or_default().trim());
    if column.repeat != 1 {
        return Err(refused(format!("{} numbers in a row, and a light curve has one", column.repeat)));
    }
    let HduInfo::BinaryTable { naxis1: width, naxis2: rows, .. } = part.info else { return Ok(Vec::new()) };
    // A header may contradict itself, such as with numbers of no bits, and the library reserves memory for as many rows as it claims.
    let stored = bytes.len().saturating_sub(part.data_start);
    if width.checked_mul(rows).is_none_or(|claimed| claimed > stored) {
        return Err(refused(format!(
            "{rows} rows of {width} bytes where {stored} bytes are stored; copy the file again"
        )));
    }
    let numbers = read_binary_column_physical(bytes, part, place).map_err(|why| refused(why.to_string()))?;
    if numbers.len() == rows { Ok(numbers) } else { Err(refused("it does not hold numbers".to_owned())) }
}

fn text<'a>(part: &'a Hdu, keyword: &str) -> Option<&'a str> {
    part.cards.iter().find(|card| card.keyword_str() == keyword).and_then(|card| match &card.value {
        Some(Value::String(text)) => Some(text.as_str()),
        _ => None,
    })
}

/// Fluxes in a unit, electrons a second for the most part, become relative ones: 1 in the middle.
fn make_relative(curve: &mut RawCurve, name: &str) -> Result<(), String> {
    let middle = median(curve.flux.iter().copied().filter(|flux| flux.is_finite()));
    if middle.is_nan() {
        return Ok(()); // no flux at all, which a later check reports
    }
    if middle <= 0.0 {
        return Err(format!("the median of {name} is {middle}: such fluxes cannot be made relative"));
    }
    curve.flux.iter_mut().chain(&mut curve.error).for_each(|value| *value /= middle);
    Ok(())
}
