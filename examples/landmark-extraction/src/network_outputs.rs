//! What a network gave, held against what was expected of it.

use crate::network::NetworkError;

/// Checks that there is an output of each of these lengths, in this order.
pub(crate) fn check_lengths(outputs: &[Vec<f32>], lengths: &[usize]) -> Result<(), NetworkError> {
    for (output, &expected) in lengths.iter().enumerate() {
        let got = outputs.get(output).map_or(0, Vec::len);
        if got != expected {
            return Err(NetworkError::WrongOutput { output, got, expected });
        }
    }
    Ok(())
}
