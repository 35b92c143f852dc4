// Sums over traces and their spectra: one workgroup for each trace.

const LANES = 64u;
const FLOATS = 8u; // of one trace in `sums`

@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

struct Lane {
    total: f32,
    squares: f32,
    smallest: f32,
    largest: f32,
    bin: u32,
}

var<workgroup> lanes: array<Lane, LANES>;

fn join_times(lane: u32, other: u32) {
    lanes[lane].total += lanes[other].total;
    lanes[lane].squares += lanes[other].squares;
    lanes[lane].smallest = min(lanes[lane].smallest, lanes[other].smallest);
    lanes[lane].largest = max(lanes[lane].largest, lanes[other].largest);
}

// The larger power wins, and the lower bin of two that are equal.
fn join_powers(lane: u32, other: u32) {
    lanes[lane].total += lanes[other].total;
    let more = lanes[other].largest > lanes[lane].largest;
    let earlier = lanes[other].largest == lanes[lane].largest && lanes[other].bin < lanes[lane].bin;
    if more || earlier {
        lanes[lane].largest = lanes[other].largest;
        lanes[lane].bin = lanes[other].bin;
    }
}

// Sum, sum of squares, smallest and largest of the samples, before they are transformed.
@compute @workgroup_size(LANES)
fn over_time(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let item = group.x;
    var here = Lane(0.0, 0.0, 3.4e38, -3.4e38, 0u);
    var both: Sums; // of the samples, and of their squares
    for (var j = lane; j < real.complex_len; j += LANES) {
        let pair = values[item * real.complex_len + j];
        add(&both, vec2f(pair.x + pair.y, dot(pair, pair)));
        let other = select(pair.x, pair.y, real.packed == 1u);
        here.smallest = min(here.smallest, min(pair.x, other));
        here.largest = max(here.largest, max(pair.x, other));
    }
    here.total = total(&both).x;
    here.squares = total(&both).y;
    lanes[lane] = here;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            join_times(lane, lane + half);
        }
    }
    if lane == 0u {
        sums[item * FLOATS] = lanes[0].total;
        sums[item * FLOATS + 1u] = lanes[0].squares;
        sums[item * FLOATS + 2u] = lanes[0].smallest;
        sums[item * FLOATS + 3u] = lanes[0].largest;
    }
}

// The sum of the powers from bin 1 up to half the length, the largest, and its bin.
@compute @workgroup_size(LANES)
fn over_bins(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let item = group.x;
    var here = Lane(0.0, 0.0, 0.0, -1.0, 0u);
    var powers: Sums;
    for (var bin = lane + 1u; bin <= real.len / 2u; bin += LANES) {
        let found = power(item, bin);
        add(&powers, vec2f(found, 0.0));
        if found > here.largest {
            here.largest = found;
            here.bin = bin;
        }
    }
    here.total = total(&powers).x;
    lanes[lane] = here;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            join_powers(lane, lane + half);
        }
    }
    if lane == 0u {
        sums[item * FLOATS + 4u] = lanes[0].total;
        sums[item * FLOATS + 5u] = lanes[0].largest;
        sums[item * FLOATS + 6u] = bitcast<f32>(lanes[0].bin);
    }
}
