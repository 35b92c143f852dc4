//! Values of flags that several commands take: counts and sizes, each refused with the way out.

/// A whole number above zero.
///
/// # Errors
/// A message for anything else.
///
/// ```
/// # use consumer_support::flag_values::at_least_one;
/// assert_eq!(at_least_one("4"), Ok(4));
/// assert!(at_least_one("0").is_err());
/// ```
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("give 1 or more".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("give a whole number, 1 or more".to_owned()),
    }
}

/// Bytes, with K, M, G or T for powers of 1024.
///
/// # Errors
/// A message for what is no size, or none above zero.
///
/// ```
/// # use consumer_support::flag_values::memory_size;
/// assert_eq!(memory_size("1.5K"), Ok(1536));
/// assert_eq!(memory_size("4GiB"), Ok(4 << 30));
/// ```
pub fn memory_size(text: &str) -> Result<u64, String> {
    let refuse = || format!("{text:?} is no size; give a number above zero with K, M, G or T, such as 4G");
    let trimmed = text.trim().trim_end_matches(['B', 'b']).trim_end_matches('i');
    let (number, shift) = match trimmed.chars().last() {
        Some('k' | 'K') => (&trimmed[..trimmed.len() - 1], 10),
        Some('m' | 'M') => (&trimmed[..trimmed.len() - 1], 20),
        Some('g' | 'G') => (&trimmed[..trimmed.len() - 1], 30),
        Some('t' | 'T') => (&trimmed[..trimmed.len() - 1], 40),
        _ => (trimmed, 0),
    };
    let number: f64 = number.trim().parse().map_err(|_| refuse())?;
    let bytes = number * f64::from(1_u32 << (shift / 2)) * f64::from(1_u32 << (shift / 2));
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(refuse()) }
}
