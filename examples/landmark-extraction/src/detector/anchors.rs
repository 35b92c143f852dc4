//! The points that boxes are measured from.

use crate::spec_error::SpecError;

/// A grid over the input whose cells all have the same number of anchors, in the cell's middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Pixels from cell to cell. It divides the input's side.
    pub stride: usize,
    /// Anchors of a cell.
    pub anchors: usize,
}

/// Each box's anchor (x, y) in shares of the input: grid by grid, row by row, cell by cell.
pub(super) fn anchors(grids: &[Grid], size: usize) -> Result<Vec<(f32, f32)>, SpecError> {
    let mut anchors = Vec::new();
    for grid in grids {
        if grid.stride == 0 || !size.is_multiple_of(grid.stride) {
            return Err(SpecError::Stride { stride: grid.stride, size });
        }
        let cells = size / grid.stride;
        let middle = |cell: usize| (cell as f32 + 0.5) / cells as f32;
        for row in 0..cells {
            for column in 0..cells {
                anchors.extend(std::iter::repeat_n((middle(column), middle(row)), grid.anchors));
            }
        }
    }
    Ok(anchors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_are_the_middles_of_cells_grid_by_grid_and_row_by_row() {
        let grids = [Grid { stride: 4, anchors: 1 }, Grid { stride: 8, anchors: 2 }];
        let expected = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75), (0.5, 0.5), (0.5, 0.5)];
        assert_eq!(anchors(&grids, 8).unwrap(), expected);
    }

    #[test]
    fn a_stride_that_does_not_divide_the_input_is_refused() {
        for stride in [0, 3, 16] {
            let refused = anchors(&[Grid { stride, anchors: 1 }], 8).unwrap_err();
            assert_eq!(refused, SpecError::Stride { stride, size: 8 });
        }
        assert!(anchors(&[Grid { stride: 0, anchors: 1 }], 0).is_err());
    }
}
