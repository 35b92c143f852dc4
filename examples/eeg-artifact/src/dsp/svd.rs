//! The best approximation of low rank of a matrix whose columns are stretches of samples: the leading part of its singular value
//! decomposition.
//!
//! The columns stay where they are; the only matrix that is made is that of the dot products of the smaller side (the Gram matrix),
//! filled block by block. Its eigenvectors are singular vectors, its eigenvalues the squares of singular values (Golub and Van
//! Loan, Matrix Computations, 4th edition, section 8.6). Squaring costs half of the digits of the weakest components alone: an
//! approximation of rank k is exact to about 1e-16 of the matrix times (s1 / gap)², where the gap is that between sk² and s(k+1)².

use std::borrow::Cow;
use std::ops::Range;

use super::eigen::SymmetricEigen;

/// So many elements of the longer side are multiplied at once: a block of a thousand rows fits into the cache of a core.
const BLOCK: usize = 64;

/// A matrix whose column j is `(samples - shift) * scale - centre`.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    columns: Vec<Column<'a>>,
    /// One number for each row.
    centre: Vec<f64>,
}

/// One column, of as many samples as the matrix has rows.
#[derive(Debug)]
pub(crate) struct Column<'a> {
    /// The samples; a copy where the stretch is cut by the end of the recording and was filled with zeros.
    pub(crate) samples: Cow<'a, [f64]>,
    /// What is subtracted from each.
    pub(crate) shift: f64,
    /// What each is then multiplied by.
    pub(crate) scale: f64,
}

/// How many components an approximation has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Rank {
    /// This many, or as many as there are.
    Count(usize),
    /// The fewest whose squared singular values reach this share of all.
    Share(f64),
}

/// A matrix of low rank: the sum over components of left times right transposed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LowRank {
    /// Each has one number per row of the matrix; of length 1, or of its singular value.
    pub(crate) left: Vec<Vec<f64>>,
    /// Each has one number per column of the matrix.
    pub(crate) right: Vec<Vec<f64>>,
    /// The singular values, in falling order.
    pub(crate) singular_values: Vec<f64>,
}

impl<'a> Columns<'a> {
    /// These columns, each as long as `centre`.
    pub(crate) fn new(columns: Vec<Column<'a>>, centre: Vec<f64>) -> Self {
        debug_assert!(columns.iter().all(|column| column.samples.len() == centre.len()));
        Self { columns, centre }
    }

    /// The best approximation of this rank. Cost: rows · columns · the smaller of both for the Gram matrix, 4/3 of its third power
    /// for its form, and rows · columns for each component.
    pub(crate) fn low_rank(&self, rank: Rank) -> LowRank {
        let by_rows = self.centre.len() <= self.columns.len();
        let n = self.centre.len().min(self.columns.len());
        let gram = if by_rows { self.gram_of_rows() } else { self.gram_of_columns() };
        let total = (0..n).map(|idx| gram[idx * n + idx]).sum();
        let eigen = SymmetricEigen::new(n, gram);
        let values = leading_values(&eigen, rank, total);
        let vectors = eigen.vectors(&values);
        let singular_values = values.iter().map(|value| value.max(0.0).sqrt()).collect();
        if by_rows {
            let right = vectors.iter().map(|left| self.times_rows(left)).collect();
            LowRank { left: vectors, right, singular_values }
        } else {
            let left = vectors.iter().map(|right| self.times_columns(right)).collect();
            LowRank { left, right: vectors, singular_values }
        }
    }

    /// The dot products of all rows with each other.
    fn gram_of_rows(&self) -> Vec<f64> {
        let fill = |range: Range<usize>, block: &mut [f64]| {
            for (idx, column) in range.enumerate() {
                let column = &self.columns[column];
                for (row, (sample, centre)) in column.samples.iter().zip(&self.centre).enumerate() {
                    block[row * BLOCK + idx] = (sample - column.shift) * column.scale - centre;
                }
            }
        };
        gram(self.centre.len(), self.columns.len(), fill)
    }

    /// The dot products of all columns with each other.
    fn gram_of_columns(&self) -> Vec<f64> {
        let fill = |range: Range<usize>, block: &mut [f64]| {
            for (column, row) in self.columns.iter().zip(block.chunks_exact_mut(BLOCK)) {
                let samples = column.samples[range.clone()].iter().zip(&self.centre[range.clone()]);
                for (value, (sample, centre)) in row.iter_mut().zip(samples) {
                    *value = (sample - column.shift) * column.scale - centre;
                }
            }
        };
        gram(self.columns.len(), self.centre.len(), fill)
    }

    /// The dot product of each column with a vector of one number per row.
    fn times_rows(&self, vector: &[f64]) -> Vec<f64> {
        let sum: f64 = vector.iter().sum();
        let centre = dot(&self.centre, vector);
        let product = |column: &Column<'_>| (dot(&column.samples, vector) - column.shift * sum) * column.scale - centre;
        self.columns.iter().map(product).collect()
    }

    /// The sum of the columns, each times its number.
    fn times_columns(&self, vector: &[f64]) -> Vec<f64> {
        let mut sum = vec![0.0; self.centre.len()];
        for (column, weight) in self.columns.iter().zip(vector) {
            for (sum, (sample, centre)) in sum.iter_mut().zip(column.samples.iter().zip(&self.centre)) {
                *sum += weight * ((sample - column.shift) * column.scale - centre);
            }
        }
        sum
    }
}

impl LowRank {
    /// Adds one column of the approximation, times a factor, to as many samples as are given.
    pub(crate) fn add_column(&self, column: usize, factor: f64, to: &mut [f64]) {
        for (left, right) in self.left.iter().zip(&self.right) {
            let weight = factor * right[column];
            to.iter_mut().zip(left).for_each(|(value, left)| *value += weight * left);
        }
    }
}

fn leading_values(eigen: &SymmetricEigen, rank: Rank, total: f64) -> Vec<f64> {
    match rank {
        Rank::Count(count) => eigen.values().take(count).collect(),
        Rank::Share(share) => {
            let mut sum = 0.0;
            let mut is_reached = false;
            let until_reached = |value: &f64| {
                let is_wanted = !is_reached;
                sum += value.max(0.0);
                is_reached = sum >= share * total;
                is_wanted
            };
            eigen.values().take_while(until_reached).collect()
        }
    }
}

/// The dot products of n rows with each other, both triangles. `fill` writes elements of the longer side into a block of rows.
fn gram(n: usize, n_long: usize, fill: impl Fn(Range<usize>, &mut [f64])) -> Vec<f64> {
    let mut gram = vec![0.0; n * n];
    if n == 0 {
        return gram;
    }
    let mut block = vec![0.0; n * BLOCK];
    for start in (0..n_long).step_by(BLOCK) {
        let end = n_long.min(start + BLOCK);
        if end < start + BLOCK {
            block.fill(0.0);
        }
        fill(start..end, &mut block);
        add_products(&block, &mut gram, n);
    }
    for row in 0..n {
        for column in row + 1..n {
            gram[row * n + column] = gram[column * n + row];
        }
    }
    gram
}

/// Adds the dot products of the block's rows to the lower triangle.
fn add_products(block: &[f64], gram: &mut [f64], n: usize) {
    for (row, products) in gram.chunks_exact_mut(n).enumerate() {
        let this = &block[row * BLOCK..(row + 1) * BLOCK];
        for (other, product) in block.chunks_exact(BLOCK).zip(&mut products[..=row]) {
            *product += dot(this, other);
        }
    }
}

/// The dot product, in eight sums so that it is fast; always in this order, so that it has the same bits everywhere.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix of `rows` x `n` that is the sum of products with singular values 9, 4 and 1, as columns with shifts and scales.
    fn of_rank_three(rows: usize, n: usize) -> Vec<Vec<f64>> {
        let wave = |len: usize, k: usize| -> Vec<f64> {
            let turn = |idx: usize| std::f64::consts::PI * (idx as f64 + 0.5) * k as f64 / len as f64;
            (0..len).map(|idx| turn(idx).cos() * (2.0 / len as f64).sqrt()).collect()
        };
        let components: Vec<_> = (1..=3).map(|k| (wave(rows, k), wave(n, k + 1))).collect();
        let value = |column: usize, row: usize| {
            let weighted = components.iter().zip([9.0, 4.0, 1.0]);
            weighted.map(|((left, right), weight)| weight * left[row] * right[column]).sum::<f64>()
        };
        (0..n).map(|column| (0..rows).map(|row| value(column, row)).collect()).collect()
    }

    fn columns(matrix: &[Vec<f64>]) -> Columns<'_> {
        let whole = matrix.iter().map(|samples| Column { samples: Cow::Borrowed(samples), shift: 0.0, scale: 1.0 });
        Columns::new(whole.collect(), vec![0.0; matrix[0].len()])
    }

    fn largest_error(matrix: &[Vec<f64>], low: &LowRank) -> f64 {
        let mut largest = 0.0_f64;
        for (idx, column) in matrix.iter().enumerate() {
            let mut rest = column.clone();
            low.add_column(idx, -1.0, &mut rest);
            largest = rest.iter().fold(largest, |largest, value| largest.max(value.abs()));
        }
        largest
    }

    #[test]
    fn a_matrix_of_rank_three_is_its_three_components_whichever_side_is_longer() {
        for (rows, n) in [(40, 150), (150, 40), (65, 65)] {
            let matrix = of_rank_three(rows, n);
            let low = columns(&matrix).low_rank(Rank::Count(3));
            for (found, expected) in low.singular_values.iter().zip([9.0, 4.0, 1.0]) {
                assert!((found - expected).abs() < 1e-13, "{rows} x {n}: {found}");
            }
            assert!(largest_error(&matrix, &low) < 1e-13, "{rows} x {n}");
            assert!(largest_error(&matrix, &columns(&matrix).low_rank(Rank::Count(2))) > 1e-3);
        }
    }

    #[test]
    fn all_components_give_the_matrix_back_though_most_are_zero() {
        for (rows, n) in [(20, 70), (70, 20)] {
            let matrix = of_rank_three(rows, n);
            let low = columns(&matrix).low_rank(Rank::Count(1000));
            assert_eq!(low.left.len(), 20);
            assert!(largest_error(&matrix, &low) < 1e-13, "{rows} x {n}");
        }
    }

    #[test]
    fn a_share_takes_the_first_count_that_reaches_it() {
        let matrix = of_rank_three(30, 50);
        let count = |share| columns(&matrix).low_rank(Rank::Share(share)).left.len();
        let total = 81.0 + 16.0 + 1.0;
        assert_eq!([0.5, 81.1 / total, 96.9 / total, 97.1 / total].map(count), [1, 2, 2, 3]);
    }

    #[test]
    fn shift_scale_and_centre_are_taken_into_account_on_both_sides() {
        for (rows, n) in [(30, 50), (50, 30)] {
            let matrix = of_rank_three(rows, n);
            let centre: Vec<f64> = (0..rows).map(|row| row as f64 * 0.1).collect();
            let moved: Vec<Vec<f64>> = matrix
                .iter()
                .map(|column| column.iter().zip(&centre).map(|(value, centre)| (value + centre) * 4.0 + 7.0).collect())
                .collect();
            let moved = moved.iter().map(|column| Column { samples: Cow::Borrowed(column), shift: 7.0, scale: 0.25 });
            let low = Columns::new(moved.collect(), centre).low_rank(Rank::Count(3));
            assert!(largest_error(&matrix, &low) < 1e-12, "{rows} x {n}");
        }
    }

    #[test]
    fn no_columns_and_no_rows_give_no_components() {
        assert!(Columns::new(Vec::new(), vec![0.0; 5]).low_rank(Rank::Share(0.9)).left.is_empty());
        let empty = Column { samples: Cow::Borrowed(&[][..]), shift: 0.0, scale: 1.0 };
        assert!(Columns::new(vec![empty], Vec::new()).low_rank(Rank::Count(2)).left.is_empty());
    }
}
