//! Many boxes around one thing become one: their mean, weighted by score.

use super::Detection;
use crate::BoundingBox;

/// The `max` best detections, by falling score; equal scores in the order given.
///
/// The best box and all that overlap it by more than `min_overlap` are one group, whose answer has the best one's score and the
/// weighted mean of the boxes and key points. Then the best of the rest has its turn. Groups are judged on the boxes as given.
///
/// Costs the number of boxes times the number of groups.
pub(super) fn merge(mut boxes: Vec<Detection>, min_overlap: f32, max: usize) -> Vec<Detection> {
    boxes.sort_by(|one, other| other.score.total_cmp(&one.score));
    let mut merged = Vec::new();
    while merged.len() < max && !boxes.is_empty() {
        let best = boxes[0].bounds;
        let (group, rest): (Vec<_>, Vec<_>) =
            boxes.into_iter().partition(|other| best.overlap(&other.bounds) > min_overlap);
        if group.is_empty() {
            // A box without an area, or with an infinite one, does not even overlap itself. Nothing would ever be removed.
            merged.push(rest[0].clone());
            break;
        }
        merged.push(weighted_mean(&group));
        boxes = rest;
    }
    merged
}

/// The mean of a group that has at least one box, with the first one's score.
fn weighted_mean(group: &[Detection]) -> Detection {
    let total = weighted_sum(group, |_| 1.0);
    let mean = |number: &dyn Fn(&Detection) -> f32| weighted_sum(group, number) / total;
    let (x_min, y_min) = (mean(&|found| found.bounds.x_min), mean(&|found| found.bounds.y_min));
    let (x_max, y_max) = (mean(&|found| found.bounds.x_max()), mean(&|found| found.bounds.y_max()));
    let key_point = |idx: usize| (mean(&|found| found.key_points[idx].0), mean(&|found| found.key_points[idx].1));
    Detection {
        score: group[0].score,
        bounds: BoundingBox { x_min, y_min, width: x_max - x_min, height: y_max - y_min },
        key_points: (0..group[0].key_points.len()).map(key_point).collect(),
    }
}

fn weighted_sum(group: &[Detection], number: impl Fn(&Detection) -> f32) -> f32 {
    group.iter().fold(0.0, |sum, found| sum + number(found) * found.score)
}

#[cfg(test)]
mod tests {
    use manyhands_test_support::rng::Rng;

    use super::*;

    fn found(score: f32, x_min: f32, width: f32) -> Detection {
        let bounds = BoundingBox { x_min, y_min: 0.0, width, height: 1.0 };
        Detection { score, bounds, key_points: vec![(x_min, 10.0 * score)] }
    }

    fn sides(merged: &[Detection]) -> Vec<(f32, f32, f32)> {
        merged.iter().map(|found| (found.score, found.bounds.x_min, found.bounds.width)).collect()
    }

    #[test]
    fn a_group_becomes_its_mean_weighted_by_score() {
        // Overlaps with the first one: 3/5 and 0.
        let merged = merge(vec![found(0.5, 1.0, 4.0), found(0.5, 20.0, 1.0), found(0.75, 0.0, 4.0)], 0.3, 9);
        assert_eq!(sides(&merged), [(0.75, 0.4, 4.0), (0.5, 20.0, 1.0)]);
        // (0.75 * 7.5 + 0.5 * 5) / 1.25
        assert_eq!(merged[0].key_points, [(0.4, 6.5)]);
    }

    #[test]
    fn groups_are_judged_on_the_boxes_as_they_were() {
        // The second one is in the first one's group and draws the mean towards the third one, which does not overlap the first one enough.
        let merged = merge(vec![found(0.9, 0.0, 4.0), found(0.9, 2.0, 4.0), found(0.8, 3.0, 4.0)], 0.3, 9);
        assert_eq!(sides(&merged), [(0.9, 1.0, 4.0), (0.8, 3.0, 4.0)]);
    }

    #[test]
    fn the_limit_keeps_the_best_and_equal_scores_keep_their_order() {
        let boxes = [found(0.5, 0.0, 1.0), found(0.5, 5.0, 1.0), found(0.9, 9.0, 1.0)];
        let starts = |max| merge(boxes.to_vec(), 0.3, max).iter().map(|found| found.bounds.x_min).collect::<Vec<f32>>();
        assert_eq!(starts(9), [9.0, 0.0, 5.0]);
        assert_eq!(starts(2), [9.0, 0.0]);
        assert_eq!(starts(0), [0.0; 0]);
    }

    #[test]
    fn a_box_that_does_not_overlap_itself_ends_the_merging() {
        for width in [0.0, f32::INFINITY] {
            let merged = merge(vec![found(0.5, 0.0, 1.0), found(0.9, 3.0, width), found(0.8, 6.0, 1.0)], 0.3, 9);
            assert_eq!(sides(&merged), [(0.9, 3.0, width)]);
        }
    }

    #[test]
    fn each_answer_lies_between_the_boxes_of_its_group_whatever_they_are() {
        let mut rng = Rng::for_test("merged boxes");
        let mut number = |scale: f64| (rng.fraction() * scale) as f32;
        for _ in 0..200 {
            let boxes: Vec<Detection> = (0..40)
                .map(|_| {
                    let bounds = BoundingBox {
                        x_min: number(1.0),
                        y_min: number(1.0),
                        width: number(0.5) + 0.01,
                        height: number(0.5) + 0.01,
                    };
                    Detection { score: 0.5 + number(0.5), bounds, key_points: Vec::new() }
                })
                .collect();
            let merged = merge(boxes.clone(), 0.3, 99);
            assert!(merged.is_sorted_by(|one, next| one.score >= next.score));
            // The plain way: which boxes are left, the best of them, its group.
            let mut left: Vec<&Detection> = boxes.iter().collect();
            for answer in &merged {
                let best =
                    left.iter().copied().reduce(|best, one| if one.score > best.score { one } else { best }).unwrap();
                let group: Vec<_> = left.iter().filter(|one| best.bounds.overlap(&one.bounds) > 0.3).copied().collect();
                left.retain(|one| best.bounds.overlap(&one.bounds) <= 0.3);
                let total: f64 = group.iter().map(|one| f64::from(one.score)).sum();
                let x_min: f64 = group.iter().map(|one| f64::from(one.bounds.x_min * one.score)).sum();
                assert!((f64::from(answer.bounds.x_min) - x_min / total).abs() < 1e-5);
                assert_eq!(answer.score, best.score);
            }
            assert!(left.is_empty());
        }
    }
}
