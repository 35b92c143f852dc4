//! The models that the program carries, on drawn frames that their training never saw.

use landmark_extraction::extractor::{ExtractOptions, Extractor};
use landmark_extraction::made::{self, MadeError};
use landmark_extraction::picture::Picture;
use landmark_extraction::row::{FACE, LEFT_HAND, RIGHT_HAND, ROW, row};

/// Neither the seed of the training nor that of the set that the program draws.
const UNSEEN: u64 = 20_261_201;

fn extractor() -> Extractor {
    Extractor::new(made::models(), ExtractOptions::default())
}

#[test]
fn faces_and_hands_are_found_where_they_were_drawn() {
    let MadeError { face, hand } = made::evaluate(&extractor(), UNSEEN, 100, 2).unwrap();
    assert!(face.n_compared > 120 && hand.n_compared > 150, "{face:?} {hand:?}");
    assert!(face.presence_share() >= 0.97 && hand.presence_share() >= 0.97, "{face:?} {hand:?}");
    assert!(face.mean_pixels < 2.8 && hand.mean_pixels < 2.8, "{face:?} {hand:?}");
    assert!(face.mean_share < 0.06 && hand.mean_share < 0.09, "{face:?} {hand:?}");
}

/// Which hand it is must be seen from the hand, not from its place in the picture.
#[test]
fn a_mirrored_picture_has_the_other_hands() {
    let extractor = extractor();
    let (mut right, mut all) = (0, 0);
    for sample in 0..30 {
        let drawn = made::frame(UNSEEN, sample, 3);
        let (found, _) = row(&extractor.frame(&mirrored(&drawn.picture)).unwrap(), false);
        for (place, other) in [(LEFT_HAND, RIGHT_HAND), (RIGHT_HAND, LEFT_HAND)] {
            all += 1;
            right += usize::from(found[place.start].is_nan() == drawn.truth[other.start].is_nan());
        }
    }
    assert!(right * 100 >= all * 85, "{right} of {all}");
}

fn mirrored(picture: &Picture) -> Picture {
    let mut rgb = Vec::with_capacity(picture.rgb().len());
    for line in picture.rgb().chunks_exact(picture.width() * 3) {
        rgb.extend(line.chunks_exact(3).rev().flatten());
    }
    Picture::new(picture.width(), picture.height(), rgb).unwrap()
}

#[test]
fn pictures_of_nothing_have_no_landmarks() {
    let extractor = extractor();
    for (width, height, value) in [(192, 144, 0), (192, 144, 128), (192, 144, 255), (1, 1, 200), (2000, 10, 90)] {
        let picture = Picture::new(width, height, vec![value; width * height * 3]).unwrap();
        let (numbers, _) = row(&extractor.frame(&picture).unwrap(), false);
        assert!(numbers.len() == ROW && numbers.iter().all(|number| number.is_nan()), "{width} x {height}, {value}");
    }
}

#[test]
fn the_truth_has_a_place_for_each_part_as_rows_do() {
    let drawn = made::frame(UNSEEN, 1, 0);
    assert_eq!(drawn.truth.len(), ROW);
    let filled = |place: std::ops::Range<usize>| drawn.truth[place].iter().filter(|number| !number.is_nan()).count();
    for (place, numbers) in [(LEFT_HAND, 63), (RIGHT_HAND, 63), (FACE, 1404)] {
        assert!([0, numbers].contains(&filled(place)), "parts are whole or absent");
    }
    assert_eq!(filled(0..LEFT_HAND.start), 0);
}
