//! The largest eigenvalues of a symmetric matrix, and their eigenvectors.
//!
//! The matrix is brought to tridiagonal form by Householder reflections; eigenvalues are found by bisection on the number of sign
//! changes of its Sturm sequence, and eigenvectors by inverse iteration. Golub and Van Loan, Matrix Computations, 4th edition,
//! sections 8.3.1, 8.4.1 and 8.2.2. So the cost is 4/3 n³ for the form, and n² for each pair that is asked for.
//!
//! Promise: eigenvectors are orthonormal to about 1e-13, those of equal eigenvalues too.

use super::svd::dot;

/// A symmetric matrix in tridiagonal form, with the reflections that led there.
#[derive(Debug, Clone)]
pub(crate) struct SymmetricEigen {
    n: usize,
    /// Row by row. Row j holds the vector of reflection j from its element j + 1 on.
    reflections: Vec<f64>,
    /// The factor of each reflection: it is I - factor v vᵀ.
    factors: Vec<f64>,
    diagonal: Vec<f64>,
    off_diagonal: Vec<f64>,
    /// The largest element, by which all were divided, so that nothing overflows whatever the unit.
    scale: f64,
    /// A bound on the magnitude of all eigenvalues.
    bound: f64,
}

impl SymmetricEigen {
    /// Brings a matrix of n rows, both triangles filled, to tridiagonal form in place.
    pub(crate) fn new(n: usize, mut matrix: Vec<f64>) -> Self {
        let largest = matrix.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let scale = if largest > 0.0 { largest } else { 1.0 };
        matrix.iter_mut().for_each(|value| *value /= scale);
        let mut factors = vec![0.0; n];
        let mut off_diagonal = vec![0.0; n.saturating_sub(1)];
        let mut update = vec![0.0; n];
        for row in 0..n.saturating_sub(1) {
            let (above, below) = matrix.split_at_mut((row + 1) * n);
            let vector = &mut above[row * n + row + 1..];
            (off_diagonal[row], factors[row]) = reflection(vector);
            if factors[row] != 0.0 {
                reflect_both_sides(below, n, row + 1, vector, factors[row], &mut update[row + 1..]);
            }
        }
        let diagonal: Vec<f64> = (0..n).map(|row| matrix[row * n + row]).collect();
        let bound = bound(&diagonal, &off_diagonal);
        Self { n, reflections: matrix, factors, diagonal, off_diagonal, scale, bound }
    }

    /// The eigenvalues from the largest down, one at each call of the iterator, to about 1e-16 of the largest magnitude. Cost: n each.
    pub(crate) fn values(&self) -> impl Iterator<Item = f64> + '_ {
        let mut above = self.bound;
        (0..self.n).map(move |rank| {
            above = self.value(rank, above);
            above * self.scale
        })
    }

    /// The orthonormal eigenvectors of these eigenvalues, which are the largest ones in falling order.
    pub(crate) fn vectors(&self, values: &[f64]) -> Vec<Vec<f64>> {
        let values: Vec<f64> = values.iter().map(|value| value / self.scale).collect();
        let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(values.len());
        let close = 1e-3 * self.bound;
        let mut first_close = 0;
        for (rank, value) in values.iter().enumerate() {
            if rank > 0 && values[rank - 1] - value > close {
                first_close = rank;
            }
            let vector = self.tridiagonal_vector(*value, rank, &vectors[first_close..]);
            vectors.push(vector);
        }
        vectors.iter_mut().for_each(|vector| self.reflect_back(vector));
        vectors
    }

    /// The eigenvalue with `rank` others above it, which is at most `above`.
    fn value(&self, rank: usize, above: f64) -> f64 {
        let (mut low, mut high) = (-self.bound, above);
        // Each round halves the range: 60 reach 2e-18 of it.
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            if self.n_below(middle) < self.n - rank {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    }

    /// How many eigenvalues are below a number: the negative pivots of the elimination of T - number.
    fn n_below(&self, number: f64) -> usize {
        let tiny = f64::EPSILON * f64::EPSILON * self.bound;
        let (mut pivot, mut n_below) = (1.0, 0);
        for row in 0..self.n {
            let coupling = if row == 0 { 0.0 } else { self.off_diagonal[row - 1] };
            pivot = self.diagonal[row] - number - coupling * coupling / pivot;
            if pivot.abs() < tiny {
                pivot = -tiny;
            }
            n_below += usize::from(pivot < 0.0);
        }
        n_below
    }

    /// An eigenvector of the tridiagonal form, orthogonal to these others.
    fn tridiagonal_vector(&self, value: f64, rank: usize, others: &[Vec<f64>]) -> Vec<f64> {
        /// Two suffice from a start that is not orthogonal to the answer; the third removes what rounding left.
        const ROUNDS: usize = 3;
        let elimination = Elimination::new(&self.diagonal, &self.off_diagonal, value, self.bound);
        let mut vector = start(self.n, rank);
        for _ in 0..ROUNDS {
            elimination.solve(&mut vector);
            normalise(&mut vector);
            // Twice is enough: the second removes what the rounding of the first left.
            for other in others.iter().chain(others) {
                let share = dot(other, &vector);
                vector.iter_mut().zip(other).for_each(|(value, other)| *value -= share * other);
            }
            normalise(&mut vector);
        }
        vector
    }

    /// From the tridiagonal form to the matrix itself.
    fn reflect_back(&self, vector: &mut [f64]) {
        for row in (0..self.n.saturating_sub(1)).rev() {
            let reflection = &self.reflections[row * self.n + row + 1..(row + 1) * self.n];
            let tail = &mut vector[row + 1..];
            let share = self.factors[row] * dot(reflection, tail);
            tail.iter_mut().zip(reflection).for_each(|(value, along)| *value -= share * along);
        }
    }
}

/// Gershgorin's bound on the magnitude of the eigenvalues, where the largest element of the matrix was 1; above zero for zeros too.
fn bound(diagonal: &[f64], off_diagonal: &[f64]) -> f64 {
    let at = |row: usize| off_diagonal.get(row).map_or(0.0, |value| value.abs());
    let radius = |row: usize| diagonal[row].abs() + at(row) + row.checked_sub(1).map_or(0.0, at);
    let bound = (0..diagonal.len()).map(radius).fold(0.0, f64::max);
    (1.0 + 1e-12) * bound.max(1e-3)
}

/// Turns a vector into that of the reflection which maps it to a multiple of the first axis. Returns the multiple and the factor.
fn reflection(vector: &mut [f64]) -> (f64, f64) {
    let Some((first, rest)) = vector.split_first_mut() else { return (0.0, 0.0) };
    let rest_square = dot(rest, rest);
    if rest_square == 0.0 {
        return (*first, 0.0);
    }
    let norm = (*first * *first + rest_square).sqrt();
    let multiple = if *first > 0.0 { -norm } else { norm };
    let head = *first - multiple;
    rest.iter_mut().for_each(|value| *value /= head);
    *first = 1.0;
    (multiple, -head / multiple)
}

/// A <- H A H with H = I - factor v vᵀ, on the rows and columns from `from` on; `below` holds these rows.
fn reflect_both_sides(below: &mut [f64], n: usize, from: usize, vector: &[f64], factor: f64, update: &mut [f64]) {
    for (row, value) in below.chunks_exact(n).zip(update.iter_mut()) {
        *value = factor * dot(&row[from..], vector);
    }
    let along = 0.5 * factor * dot(update, vector);
    update.iter_mut().zip(vector).for_each(|(value, v)| *value -= along * v);
    for (idx, row) in below.chunks_exact_mut(n).enumerate() {
        let (v, w) = (vector[idx], update[idx]);
        let both = vector.iter().zip(update.iter());
        row[from..].iter_mut().zip(both).for_each(|(value, (other_v, other_w))| *value -= v * other_w + w * other_v);
    }
}

/// Numbers between -1 and 1 without a pattern, other ones for each rank.
fn start(n: usize, rank: usize) -> Vec<f64> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(rank as u64 + 1);
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..n).map(next).collect()
}

/// To length 1; zeros stay. In two steps, because the squares of very large numbers are not finite.
fn normalise(vector: &mut [f64]) {
    let largest = vector.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    if largest == 0.0 || !largest.is_finite() {
        return;
    }
    vector.iter_mut().for_each(|value| *value /= largest);
    let norm = dot(vector, vector).sqrt();
    vector.iter_mut().for_each(|value| *value /= norm);
}

/// Gaussian elimination of T - shift with partial pivoting.
struct Elimination {
    /// The upper triangle: the diagonal and two diagonals above it.
    upper: Vec<[f64; 3]>,
    /// For each row but the last: whether it was exchanged with the next one, and the multiple that was subtracted.
    steps: Vec<(bool, f64)>,
}

impl Elimination {
    fn new(diagonal: &[f64], off_diagonal: &[f64], shift: f64, bound: f64) -> Self {
        let n = diagonal.len();
        let least = f64::EPSILON * bound;
        let at = |row: usize| off_diagonal.get(row).copied().unwrap_or(0.0);
        let mut upper = Vec::with_capacity(n);
        let mut steps = Vec::with_capacity(n);
        let mut here = [diagonal.first().map_or(0.0, |value| value - shift), at(0), 0.0];
        for (row, value) in diagonal.iter().enumerate().skip(1) {
            let mut next = [at(row - 1), value - shift, at(row)];
            let exchange = next[0].abs() > here[0].abs();
            if exchange {
                std::mem::swap(&mut here, &mut next);
            }
            let pivot = away_from_zero(here[0], least);
            let multiple = next[0] / pivot;
            upper.push([pivot, here[1], here[2]]);
            steps.push((exchange, multiple));
            here = [next[1] - multiple * here[1], next[2] - multiple * here[2], 0.0];
        }
        upper.push([away_from_zero(here[0], least), 0.0, 0.0]);
        Self { upper, steps }
    }

    /// Solves (T - shift) x = b in place.
    fn solve(&self, vector: &mut [f64]) {
        for (row, (exchange, multiple)) in self.steps.iter().enumerate() {
            if *exchange {
                vector.swap(row, row + 1);
            }
            vector[row + 1] -= multiple * vector[row];
        }
        let n = vector.len();
        for row in (0..n).rev() {
            let [pivot, first, second] = self.upper[row];
            let next = if row + 1 < n { first * vector[row + 1] } else { 0.0 };
            let after = if row + 2 < n { second * vector[row + 2] } else { 0.0 };
            vector[row] = (vector[row] - next - after) / pivot;
        }
    }
}

fn away_from_zero(pivot: f64, least: f64) -> f64 {
    if pivot.abs() >= least { pivot } else { least.copysign(pivot) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Q D Qᵀ with Q = H1 H2 of two reflections: a matrix with known eigenvalues.
    fn with_values(values: &[f64]) -> Vec<f64> {
        let n = values.len();
        let mut matrix = vec![0.0; n * n];
        values.iter().enumerate().for_each(|(row, value)| matrix[row * n + row] = *value);
        for rank in 0..2 {
            let vector = start(n, rank + 7);
            let factor = 2.0 / dot(&vector, &vector);
            reflect_both_sides(&mut matrix, n, 0, &vector, factor, &mut vec![0.0; n]);
        }
        matrix
    }

    /// Checks A v = λ v and that vectors are orthonormal.
    fn assert_pairs(n: usize, matrix: &[f64], values: &[f64], vectors: &[Vec<f64>]) {
        let scale = values.iter().fold(1e-12_f64, |largest, value| largest.max(value.abs()));
        for (rank, (value, vector)) in values.iter().zip(vectors).enumerate() {
            for (row, component) in matrix.chunks_exact(n).zip(vector) {
                assert!((dot(row, vector) - value * component).abs() < 1e-12 * scale, "pair {rank}");
            }
            for (other_rank, other) in vectors.iter().enumerate() {
                let expected = f64::from(u8::from(rank == other_rank));
                assert!((dot(vector, other) - expected).abs() < 1e-12, "vectors {rank} and {other_rank}");
            }
        }
    }

    #[test]
    fn known_eigenvalues_are_found_with_their_vectors() {
        let expected: Vec<f64> = (0..60).map(|idx| 100.0 * 0.8_f64.powi(idx)).collect();
        let matrix = with_values(&expected);
        let eigen = SymmetricEigen::new(60, matrix.clone());
        let values: Vec<f64> = eigen.values().collect();
        values.iter().zip(&expected).for_each(|(found, value)| assert!((found - value).abs() < 1e-12 * 100.0));
        assert_pairs(60, &matrix, &values, &eigen.vectors(&values));
    }

    #[test]
    fn equal_eigenvalues_have_orthogonal_vectors() {
        let expected: Vec<f64> = [vec![3.0; 5], vec![1.0; 12], vec![0.0; 13]].concat();
        let matrix = with_values(&expected);
        let eigen = SymmetricEigen::new(30, matrix.clone());
        let values: Vec<f64> = eigen.values().collect();
        values.iter().zip(&expected).for_each(|(found, value)| assert!((found - value).abs() < 1e-13 * 3.0));
        assert_pairs(30, &matrix, &values, &eigen.vectors(&values));
    }

    #[test]
    fn a_matrix_of_zeros_and_a_matrix_of_one_number_are_decomposed() {
        let eigen = SymmetricEigen::new(4, vec![0.0; 16]);
        let values: Vec<f64> = eigen.values().collect();
        assert!(values.iter().all(|value| value.abs() < 1e-15), "{values:?}");
        assert_pairs(4, &[0.0; 16], &[0.0; 4], &eigen.vectors(&values));
        let one = SymmetricEigen::new(1, vec![-2.5]);
        assert_eq!(one.values().map(|value| (value * 1e12).round() / 1e12).collect::<Vec<_>>(), [-2.5]);
        assert_eq!(one.vectors(&[-2.5])[0][0].abs(), 1.0);
        assert_eq!(SymmetricEigen::new(0, Vec::new()).values().count(), 0);
    }

    #[test]
    fn a_diagonal_matrix_keeps_its_axes() {
        let matrix = vec![1.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 3.0];
        let eigen = SymmetricEigen::new(3, matrix.clone());
        let values: Vec<f64> = eigen.values().collect();
        assert_pairs(3, &matrix, &values, &eigen.vectors(&values));
        assert!((values[0] - 5.0).abs() < 1e-14 && (values[2] - 1.0).abs() < 1e-14);
    }
}
