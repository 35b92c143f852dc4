//! Points moved to where a heat map is warm around them.

use super::Point;
use crate::sigmoid::sigmoid;

/// The constants of heat maps: one map for each point, value after value at `[row][column][map]`, before the sigmoid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeatMaps {
    /// Cells of a map's side.
    pub size: usize,
    /// Maps, used or not.
    pub maps: usize,
    /// Cells of the window to each side of the cell that a point is in.
    pub reach: usize,
    /// A point moves when the largest probability of its window is at least this.
    pub min_probability: f32,
}

impl HeatMaps {
    /// Values of all maps.
    pub(super) fn numbers(&self) -> usize {
        self.size.saturating_mul(self.size).saturating_mul(self.maps)
    }

    /// Moves each point, in shares of the region, to the weighted middle of its window. A point outside of its map stays, and so does one
    /// whose window is cold. z never changes.
    pub(super) fn refine(&self, points: &mut [Point], values: &[f32]) {
        for (map, point) in points.iter_mut().enumerate().take(self.maps) {
            let Some((column, row)) = self.cell(point.x).zip(self.cell(point.y)) else { continue };
            if let Some((x, y)) = self.warm_middle(column, row, &values[map..]) {
                (point.x, point.y) = (x, y);
            }
        }
    }

    /// The cell of a coordinate, toward zero: so one between -1 and 0 cells is in cell 0. `None` outside, and for NaN.
    fn cell(&self, at: f32) -> Option<usize> {
        let cell = (at * self.size as f32).trunc();
        (cell >= 0.0 && cell < self.size as f32).then_some(cell as usize)
    }

    /// The middle of the window, weighted by probability. `None` when it is too cold.
    fn warm_middle(&self, column: usize, row: usize, values: &[f32]) -> Option<(f32, f32)> {
        let window = |cell: usize| {
            cell.saturating_sub(self.reach)..cell.saturating_add(self.reach).saturating_add(1).min(self.size)
        };
        let (mut sum, mut largest, mut across, mut down) = (0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32);
        for row in window(row) {
            for column in window(column) {
                let probability = sigmoid(values[(row * self.size + column) * self.maps]);
                sum += probability;
                largest = largest.max(probability);
                across += probability * column as f32;
                down += probability * row as f32;
            }
        }
        let size = self.size as f32;
        (largest >= self.min_probability && sum > 0.0).then(|| (across / size / sum, down / size / sum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLD: f32 = -50.0;

    /// Two maps of 8 x 8 cells, cold but for these cells of the second one.
    fn values(warm: &[(usize, usize, f32)]) -> Vec<f32> {
        let mut values = vec![COLD; 8 * 8 * 2];
        for &(column, row, value) in warm {
            values[(row * 8 + column) * 2 + 1] = value;
        }
        values
    }

    /// Where the second map takes a point.
    fn refined(x: f32, y: f32, warm: &[(usize, usize, f32)]) -> (f32, f32) {
        let maps = HeatMaps { size: 8, maps: 2, reach: 1, min_probability: 0.5 };
        let mut points = [Point { x, y, z: 7.0 }; 2];
        maps.refine(&mut points, &values(warm));
        assert_eq!(points[0], Point { x, y, z: 7.0 }, "its own map is cold");
        assert_eq!(points[1].z, 7.0);
        (points[1].x, points[1].y)
    }

    fn is_close(one: (f32, f32), other: (f32, f32)) -> bool {
        (one.0 - other.0).abs() < 1e-6 && (one.1 - other.1).abs() < 1e-6
    }

    #[test]
    fn a_point_moves_to_the_weighted_middle_of_its_window() {
        // The point is in cell (3, 4), whose window is columns 2 to 4 and rows 3 to 5.
        assert!(is_close(refined(0.45, 0.55, &[(4, 5, 20.0)]), (0.5, 0.625)));
        assert!(is_close(refined(0.45, 0.55, &[(2, 3, 0.0), (4, 3, 0.0)]), (3.0 / 8.0, 3.0 / 8.0)));
        // sigmoid(ln 3) is 3/4 and sigmoid(-ln 3) is 1/4.
        let third = 3.0_f32.ln();
        assert!(is_close(refined(0.45, 0.55, &[(2, 4, third), (4, 4, -third)]), (2.5 / 8.0, 0.5)));
        // Beyond the window nothing counts.
        assert!(is_close(refined(0.45, 0.55, &[(4, 5, 20.0), (5, 5, 20.0), (4, 6, 20.0)]), (0.5, 0.625)));
    }

    #[test]
    fn a_point_stays_when_its_window_is_cold_or_it_is_outside() {
        // Lukewarm cells do not add up to a warm one.
        assert_eq!(refined(0.45, 0.55, &[(4, 5, -0.001), (3, 5, -0.001), (2, 4, -0.001)]), (0.45, 0.55));
        let everywhere: Vec<_> = (0..64).map(|cell| (cell % 8, cell / 8, 20.0)).collect();
        for outside in [-0.125, 1.0, -7.0, 9.0, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(refined(outside, 0.5, &everywhere), (outside, 0.5));
            assert_eq!(refined(0.5, outside, &everywhere), (0.5, outside));
        }
        let mut not_a_number = [Point { x: f32::NAN, y: 0.5, z: 0.0 }; 2];
        HeatMaps { size: 8, maps: 2, reach: 1, min_probability: 0.5 }.refine(&mut not_a_number, &values(&everywhere));
        assert!(not_a_number[1].x.is_nan());
    }

    #[test]
    fn cells_are_counted_toward_zero_and_windows_are_cut_at_the_border() {
        let corner = [(0, 0, 20.0), (1, 1, 20.0), (2, 2, 20.0)];
        assert!(is_close(refined(-0.05, -0.1, &corner), (0.5 / 8.0, 0.5 / 8.0)));
        assert!(is_close(refined(0.99, 0.99, &[(7, 7, 20.0), (6, 7, 20.0), (5, 7, 20.0)]), (6.5 / 8.0, 7.0 / 8.0)));
    }
}
