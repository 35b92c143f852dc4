//! Drawn frames with their truth, and folders of them.

use std::fs;
use std::io;
use std::path::Path;

use super::scene::{HEIGHT, Scene, WIDTH};
use crate::made::hand::Side;
use crate::picture::Picture;
use crate::row::{FACE, LEFT_HAND, RIGHT_HAND, ROW};

/// The seed of the set that [`write_set`] writes. The weights were trained with another one.
pub const SEED: u64 = 2026;

/// A drawn frame and its landmarks.
#[derive(Clone, Debug, PartialEq)]
pub struct MadeFrame {
    /// 192 x 144 pixels.
    pub picture: Picture,
    /// 1662 numbers, laid out as the rows of an extraction; NaN where nothing was drawn, and in all places of the pose.
    pub truth: Vec<f32>,
}

/// A sample folder that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeSample {
    /// The split that it is in: train, dev or test.
    pub split: &'static str,
    /// The folder's name.
    pub id: String,
    /// Its number, which [`truth`] asks for.
    pub sample: usize,
}

/// The frame `index` of a sample: a person whose face and hands move, turn, come and go before a background with noise.
///
/// The same numbers give the same bytes on every machine, since drawing uses nothing but additions, multiplications, divisions and square
/// roots of binary32 numbers. Costs some milliseconds.
///
/// ```
/// let drawn = landmark_extraction::made::frame(1, 2, 3);
/// assert_eq!((drawn.picture.width(), drawn.picture.height(), drawn.truth.len()), (192, 144, 1662));
/// assert_eq!(drawn.picture, landmark_extraction::made::frame(1, 2, 3).picture);
/// ```
#[must_use]
pub fn frame(seed: u64, sample: usize, index: usize) -> MadeFrame {
    let scene = Scene::new(seed, sample as u64);
    MadeFrame { picture: scene.paint(index), truth: truth_of(&scene, index) }
}

/// The landmarks of the first `frames` frames of a sample, without drawing them: `frames` x 1662 numbers, row by row.
#[must_use]
pub fn truth(seed: u64, sample: usize, frames: usize) -> Vec<f32> {
    let scene = Scene::new(seed, sample as u64);
    (0..frames).flat_map(|index| truth_of(&scene, index)).collect()
}

fn truth_of(scene: &Scene, index: usize) -> Vec<f32> {
    let parts = scene.parts(index);
    let mut row = vec![f32::NAN; ROW];
    let mut put = |place: std::ops::Range<usize>, points: Vec<[f32; 3]>| {
        for (numbers, [x, y, z]) in row[place].chunks_exact_mut(3).zip(points) {
            numbers.copy_from_slice(&[x / WIDTH as f32, y / HEIGHT as f32, z / WIDTH as f32]);
        }
    };
    for hand in &parts.hands {
        put(if hand.side == Side::Left { LEFT_HAND } else { RIGHT_HAND }, hand.points());
    }
    if let Some(face) = &parts.face {
        put(FACE, face.points());
    }
    row
}

/// Writes sample folders `<folder>/<split>/<id>` of PNG frames (`frame_0001.png` and on), and says which.
///
/// Of five samples in a row three are of the train split, one of dev and one of test. Frames that are there already are written again.
///
/// # Errors
/// A folder or file that cannot be written.
pub fn write_set(folder: &Path, n_samples: usize, frames: usize) -> io::Result<Vec<MadeSample>> {
    (0..n_samples).map(|sample| write_sample(folder, sample, frames)).collect()
}

fn write_sample(folder: &Path, sample: usize, frames: usize) -> io::Result<MadeSample> {
    let split = ["train", "train", "train", "dev", "test"][sample % 5];
    let id = format!("made_{:04}", sample + 1);
    let into = folder.join(split).join(&id);
    fs::create_dir_all(&into)?;
    let scene = Scene::new(SEED, sample as u64);
    for index in 0..frames {
        let bytes = png_bytes(&scene.paint(index))?;
        fs::write(into.join(format!("frame_{:04}.png", index + 1)), bytes)?;
    }
    Ok(MadeSample { split, id, sample })
}

fn png_bytes(picture: &Picture) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width() as u32, picture.height() as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(picture.rgb())?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use xxhash_rust::xxh3::xxh3_64;

    use super::*;

    /// The bytes must not depend on the machine, nor change unnoticed: the weights were trained on them.
    #[test]
    fn frames_have_the_bytes_that_they_always_had() {
        let hash = |sample, index| xxh3_64(frame(SEED, sample, index).picture.rgb());
        let hashes = [hash(0, 0), hash(0, 1), hash(1, 30)];
        assert_eq!(hashes, [0x3d1b_fc83_4e5f_565b, 0x99d8_7cb5_6f50_cdbf, 0xb4bb_eb09_ce30_92be], "{hashes:x?}");
    }

    #[test]
    fn parts_come_and_go_and_are_within_the_picture() {
        let mut absent = [0; 3];
        let mut frames = 0;
        for sample in 0..60 {
            for row in truth(SEED, sample, 20).chunks_exact(ROW) {
                frames += 1;
                for (count, place) in absent.iter_mut().zip([LEFT_HAND, RIGHT_HAND, FACE]) {
                    *count += usize::from(row[place.start].is_nan());
                    let inside = |point: &[f32]| {
                        (-0.15..1.15).contains(&point[0]) && (-0.2..1.2).contains(&point[1]) && point[2].abs() < 0.3
                    };
                    assert!(
                        row[place].chunks_exact(3).all(|point| point[0].is_nan() || inside(point)),
                        "sample {sample}"
                    );
                }
                assert!(row[..LEFT_HAND.start].iter().all(|number| number.is_nan()));
            }
        }
        assert!(absent.iter().all(|&count| count > frames / 20 && count < frames / 2), "{absent:?} of {frames}");
    }

    #[test]
    fn a_set_is_folders_of_frames_that_read_back_as_drawn() {
        let folder = tempfile::tempdir().unwrap();
        let samples = write_set(folder.path(), 5, 2).unwrap();
        let splits: Vec<_> = samples.iter().map(|sample| sample.split).collect();
        assert_eq!(splits, ["train", "train", "train", "dev", "test"]);
        let last = &samples[4];
        let path = folder.path().join(last.split).join(&last.id).join("frame_0002.png");
        assert_eq!(Picture::read(&path).unwrap(), frame(SEED, last.sample, 1).picture);
    }
}
