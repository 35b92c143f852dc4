//! The file of the networks' weights: binary16 numbers with a head and a checksum.
//!
//! `MADENETS`, the version (u32), how many numbers there are (u32), the numbers network by network and layer by layer (weights by row and
//! column of the kernel, channel in, channel out; then biases), and XXH3 of all before it (u64). Everything is little-endian.

use half::f16;
use xxhash_rust::xxh3::xxh3_64;

use super::plan::{PLANS, Plan, Shape};
use super::training::net::Params;

const MAGIC: &[u8; 8] = b"MADENETS";
const VERSION: u32 = 1;
const HEAD: usize = 16;
const CHECKSUM: usize = 8;

/// Why bytes are no file of weights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes do not begin as such a file does.
    #[error("not a file of weights: it does not begin with MADENETS; write one with the example train_made_models")]
    Magic,
    /// Written for another version of the networks.
    #[error(
        "weights of version {found}; this program reads version {VERSION}: write them again with the example train_made_models"
    )]
    Version {
        /// The version in the file.
        found: u32,
    },
    /// Another number of bytes than the networks need.
    #[error(
        "{found} bytes of weights, the networks need {needed}; write them again with the example train_made_models"
    )]
    Length {
        /// The bytes there are.
        found: usize,
        /// The bytes there should be.
        needed: usize,
    },
    /// The bytes changed since they were written.
    #[error("the weights' checksum is {found:016x}, not {stated:016x}; the file is damaged, get it again")]
    Checksum {
        /// The checksum of the bytes.
        found: u64,
        /// The checksum in the file.
        stated: u64,
    },
}

/// The bytes of a file with these weights, rounded to binary16.
pub(crate) fn to_bytes(networks: &[Vec<Params>]) -> Vec<u8> {
    let numbers: Vec<f32> =
        networks.iter().flatten().flat_map(|layer| [&layer.weights, &layer.bias]).flatten().copied().collect();
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend((numbers.len() as u32).to_le_bytes());
    bytes.extend(numbers.iter().flat_map(|&number| f16::from_f32(number).to_le_bytes()));
    bytes.extend(xxh3_64(&bytes).to_le_bytes());
    bytes
}

/// The weights of the networks of [`PLANS`], in that order.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Vec<Vec<Params>>, WeightsError> {
    let mut numbers = checked(bytes)?.chunks_exact(2).map(|pair| f16::from_le_bytes([pair[0], pair[1]]).to_f32());
    let mut take = |len: usize| numbers.by_ref().take(len).collect::<Vec<f32>>();
    let mut layer = |shape: &Shape| Params { weights: take(shape.n_weights()), bias: take(shape.channels_out) };
    Ok(PLANS.iter().map(|plan| plan.shapes().iter().map(&mut layer).collect()).collect())
}

/// The bytes of the numbers, of which there are as many as the networks need.
fn checked(bytes: &[u8]) -> Result<&[u8], WeightsError> {
    let n_numbers: usize =
        PLANS.iter().flat_map(Plan::shapes).map(|shape| shape.n_weights() + shape.channels_out).sum();
    let needed = HEAD + 2 * n_numbers + CHECKSUM;
    let head = bytes.first_chunk::<HEAD>().filter(|head| head.starts_with(MAGIC)).ok_or(WeightsError::Magic)?;
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    if word(8) != VERSION {
        return Err(WeightsError::Version { found: word(8) });
    }
    if bytes.len() != needed || word(12) as usize != n_numbers {
        return Err(WeightsError::Length { found: bytes.len(), needed });
    }
    let (content, stated) = bytes.split_last_chunk::<CHECKSUM>().ok_or(WeightsError::Magic)?;
    let (found, stated) = (xxh3_64(content), u64::from_le_bytes(*stated));
    if found != stated {
        return Err(WeightsError::Checksum { found, stated });
    }
    Ok(&content[HEAD..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made::arithmetic::Random;
    use crate::made::training::net::Net;

    fn random_weights() -> Vec<Vec<Params>> {
        PLANS.iter().map(|plan| Net::random(plan, &mut Random::of(&[5])).params).collect()
    }

    #[test]
    fn weights_come_back_rounded_to_binary16() {
        let mut rounded = random_weights();
        for number in rounded.iter_mut().flatten().flat_map(|layer| &mut layer.weights) {
            *number = f16::from_f32(*number).to_f32();
        }
        assert_eq!(from_bytes(&to_bytes(&rounded)).unwrap(), rounded);
    }

    #[test]
    fn zz_assemble() {
        let folder = std::path::Path::new("/tmp/m_scratch");
        let all: Vec<Vec<Params>> = PLANS
            .iter()
            .enumerate()
            .map(|(i, plan)| {
                let bytes = std::fs::read(folder.join(format!("net{i}.f32"))).unwrap();
                let mut numbers = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
                plan.shapes()
                    .iter()
                    .map(|shape| Params {
                        weights: numbers.by_ref().take(shape.n_weights()).collect(),
                        bias: numbers.by_ref().take(shape.channels_out).collect(),
                    })
                    .collect()
            })
            .collect();
        std::fs::write(folder.join("made_models.bin"), to_bytes(&all)).unwrap();
    }

    #[test]
    fn damaged_weights_are_refused() {
        let bytes = to_bytes(&random_weights());
        let error = |bytes: &[u8]| from_bytes(bytes).unwrap_err();
        assert_eq!((error(&[]), error(b"MADENETX00000000")), (WeightsError::Magic, WeightsError::Magic));
        for end in [16, 17, bytes.len() - 1] {
            assert_eq!(error(&bytes[..end]), WeightsError::Length { found: end, needed: bytes.len() });
        }
        let flipped = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 4;
            error(&bytes)
        };
        assert_eq!(flipped(8), WeightsError::Version { found: 5 });
        assert!(matches!(flipped(12), WeightsError::Length { .. }));
        assert!(
            [16, bytes.len() / 2, bytes.len() - 1]
                .into_iter()
                .all(|at| matches!(flipped(at), WeightsError::Checksum { .. }))
        );
    }
}
