//! Products of matrices.

/// How a matrix lies in memory: steps from row to row and from column to column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Steps {
    pub(super) row: usize,
    pub(super) column: usize,
}

/// Adds the product of `a` (`rows` x `inner`) and `b` (`inner` x `columns`, row by row) to `sum` (`rows` x `columns`, row by row).
///
/// Each number is summed in the order of `inner`, so the result does not depend on how wide the machine's registers are.
pub(super) fn add_product(a: &[f32], steps: Steps, b: &[f32], sum: &mut [f32], [rows, inner, columns]: [usize; 3]) {
    let mut first = 0;
    while first < columns {
        first += match columns - first {
            32.. => strip::<32>(a, steps, b, sum, [rows, inner, columns], first),
            16.. => strip::<16>(a, steps, b, sum, [rows, inner, columns], first),
            8.. => strip::<8>(a, steps, b, sum, [rows, inner, columns], first),
            _ => strip::<1>(a, steps, b, sum, [rows, inner, columns], first),
        };
    }
}

/// `WIDE` columns of the product, eight rows at a time. Gives `WIDE`.
fn strip<const WIDE: usize>(
    a: &[f32],
    steps: Steps,
    b: &[f32],
    sum: &mut [f32],
    [rows, inner, columns]: [usize; 3],
    first: usize,
) -> usize {
    let mut row = 0;
    while row < rows {
        let (a, sum) = (&a[row * steps.row..], &mut sum[row * columns..]);
        row += match rows - row {
            8.. => block::<WIDE, 8>(a, steps, b, sum, [inner, columns, first]),
            4.. => block::<WIDE, 4>(a, steps, b, sum, [inner, columns, first]),
            _ => block::<WIDE, 1>(a, steps, b, sum, [inner, columns, first]),
        };
    }
    WIDE
}

/// `ROWS` rows of `WIDE` columns. Gives `ROWS`.
#[inline(always)]
fn block<const WIDE: usize, const ROWS: usize>(
    a: &[f32],
    steps: Steps,
    b: &[f32],
    sum: &mut [f32],
    [inner, columns, first]: [usize; 3],
) -> usize {
    let mut sums = [[0.0_f32; WIDE]; ROWS];
    for k in 0..inner {
        let line: &[f32; WIDE] = b[k * columns + first..][..WIDE].try_into().expect("WIDE numbers");
        for (row, sums) in sums.iter_mut().enumerate() {
            let factor = a[row * steps.row + k * steps.column];
            for (sum, value) in sums.iter_mut().zip(line) {
                *sum += factor * value;
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        let line = &mut sum[row * columns + first..][..WIDE];
        line.iter_mut().zip(sums).for_each(|(sum, value)| *sum += value);
    }
    ROWS
}
