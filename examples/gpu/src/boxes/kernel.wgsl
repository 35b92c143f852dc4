// The best box at each of many periods: one workgroup per period.
//
// All sums are of whole numbers, so that neither the order of additions nor a compiler that rearranges them changes a result. A point
// is placed with 64-bit fixed point, in halves of 32 bits, for the same reason: floats are used for the objective alone.

struct Search {
    n_points: u32,
    n_durations: u32,
    // How many bins are wrapped around the fold.
    oversample: u32,
    is_snr: u32,
    // Bits of a fraction of a bin in the upper half of a fixed-point number.
    fraction_bits: u32,
    // A point that is this near to the edge of a bin, in the lower half, may be in the other bin with double precision.
    doubt: u32,
    // Over all points.
    sum: i32,
    total_weight: i32,
    // Numbers per period in `bins`.
    stride: u32,
}

struct Found {
    first: u32,
    // 0: there is no box.
    bins: u32,
    sum: i32,
    weight: i32,
    is_doubtful: u32,
}

@group(0) @binding(0) var<storage, read> search: Search;
// Upper and lower half of the time, flux times weight, weight.
@group(0) @binding(1) var<storage, read> points: array<vec4<u32>>;
// Upper and lower half of the period, its bins rounded up, and the bits of 1 / upper half.
@group(0) @binding(2) var<storage, read> periods: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> durations: array<u32>;
@group(0) @binding(4) var<storage, read_write> bins: array<atomic<i32>>;
@group(0) @binding(5) var<storage, read_write> found: array<Found>;

const WIDTH = 64u;
const NONE = -1.0f;

var<workgroup> is_doubtful: atomic<u32>;
var<workgroup> chunk_sums: array<vec2<i32>, WIDTH>;
var<workgroup> objectives: array<f32, WIDTH>;
// The place of a duration in the list, and the first bin.
var<workgroup> places: array<vec2<u32>, WIDTH>;

@compute @workgroup_size(64)
fn best_boxes(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let period = periods[group.x];
    let base = group.x * search.stride;
    let n_bins = period.z + search.oversample;
    for (var at = lane; at <= n_bins; at += WIDTH) {
        atomicStore(&bins[base + 2u * at], 0);
        atomicStore(&bins[base + 2u * at + 1u], 0);
    }
    storageBarrier();
    for (var at = lane; at < search.n_points; at += WIDTH) {
        let point = points[at];
        let place = base + 2u * (1u + min(bin_of(point.xy, period), n_bins - 1u));
        atomicAdd(&bins[place], bitcast<i32>(point.z));
        atomicAdd(&bins[place + 1u], bitcast<i32>(point.w));
    }
    storageBarrier();
    // Assigned, not added: as the search on the cores does.
    for (var at = 1u + lane; at <= search.oversample; at += WIDTH) {
        let to = base + 2u * (period.z + at - 1u);
        atomicStore(&bins[to], atomicLoad(&bins[base + 2u * at]));
        atomicStore(&bins[to + 1u], atomicLoad(&bins[base + 2u * at + 1u]));
    }
    storageBarrier();
    add_up(base, n_bins, lane);
    try_all(base, n_bins, lane);
    workgroupBarrier();
    if lane == 0u {
        found[group.x] = best_of_all(base);
    }
}

// The bin of a time, counted from 0: the whole part of the time modulo the period.
fn bin_of(time: vec2<u32>, period: vec4<u32>) -> u32 {
    let approximate = (f32(time.x) + f32(time.y) * exp2(-32.0)) * bitcast<f32>(period.w);
    var cycles = u32(approximate);
    var phase = minus(time, times(cycles, period.xy));
    if (phase.x & 0x80000000u) != 0u {
        phase = plus(phase, period.xy);
        cycles -= 1u;
    } else if !is_less(phase, period.xy) {
        phase = minus(phase, period.xy);
        cycles += 1u;
    }
    // In the first cycle nothing was subtracted, so that both precisions agree.
    if cycles > 0u {
        let mask = (1u << search.fraction_bits) - 1u;
        let fraction = phase.x & mask;
        let left = minus(period.xy, phase);
        let is_after_edge = fraction == 0u && phase.y <= search.doubt;
        let is_before_edge = fraction == mask && phase.y >= ~search.doubt;
        let is_before_end = left.x == 0u && left.y <= search.doubt;
        if is_after_edge || is_before_edge || is_before_end {
            atomicStore(&is_doubtful, 1u);
        }
    }
    return phase.x >> search.fraction_bits;
}

// Turns bins into running sums: each lane adds up a chunk of neighbours, from the sum of the chunks before it.
fn add_up(base: u32, n_bins: u32, lane: u32) {
    let chunk = (n_bins + WIDTH) / WIDTH;
    let start = min(lane * chunk, n_bins + 1u);
    let end = min(start + chunk, n_bins + 1u);
    var sum = vec2<i32>(0, 0);
    for (var at = start; at < end; at++) {
        sum += pair(base, at);
    }
    chunk_sums[lane] = sum;
    workgroupBarrier();
    sum = vec2<i32>(0, 0);
    for (var before = 0u; before < lane; before++) {
        sum += chunk_sums[before];
    }
    for (var at = start; at < end; at++) {
        sum += pair(base, at);
        atomicStore(&bins[base + 2u * at], sum.x);
        atomicStore(&bins[base + 2u * at + 1u], sum.y);
    }
    storageBarrier();
}

fn pair(base: u32, at: u32) -> vec2<i32> {
    return vec2<i32>(atomicLoad(&bins[base + 2u * at]), atomicLoad(&bins[base + 2u * at + 1u]));
}

// Each lane tries every 64th box of each duration and keeps its best one; the first of equal ones.
fn try_all(base: u32, n_bins: u32, lane: u32) {
    var best = NONE;
    var place = vec2<u32>(0u, 0u);
    for (var duration = 0u; duration < search.n_durations; duration++) {
        let width = durations[duration];
        for (var first = lane; first + width <= n_bins; first += WIDTH) {
            let objective = judge(pair(base, first + width) - pair(base, first));
            if objective > best {
                best = objective;
                place = vec2<u32>(duration, first);
            }
        }
    }
    objectives[lane] = best;
    places[lane] = place;
}

// How well a box with these sums fits, but for a factor that all boxes share; below zero for one that has nothing inside or outside, or
// is a bump.
fn judge(inside: vec2<i32>) -> f32 {
    let outside = vec2<i32>(search.sum, search.total_weight) - inside;
    if inside.y <= 0 {
        return NONE;
    }
    if outside.y <= 0 {
        // With double precision, what is left of the weight by rounding may count.
        atomicStore(&is_doubtful, 1u);
        return NONE;
    }
    let weight_inside = f32(inside.y);
    let weight_outside = f32(outside.y);
    let depth = f32(outside.x) / weight_outside - f32(inside.x) / weight_inside;
    if depth < 0.0 {
        return NONE;
    }
    if search.is_snr != 0u {
        return depth / sqrt(1.0 / weight_inside + 1.0 / weight_outside);
    }
    return depth * depth * weight_inside;
}

fn best_of_all(base: u32) -> Found {
    var best = 0u;
    for (var lane = 1u; lane < WIDTH; lane++) {
        let is_first = places[lane].x < places[best].x
            || (places[lane].x == places[best].x && places[lane].y < places[best].y);
        if objectives[lane] > objectives[best] || (objectives[lane] == objectives[best] && is_first) {
            best = lane;
        }
    }
    let is_doubtful_here = atomicLoad(&is_doubtful);
    if objectives[best] < 0.0 {
        return Found(0u, 0u, 0, 0, is_doubtful_here);
    }
    let first = places[best].y;
    let width = durations[places[best].x];
    let inside = pair(base, first + width) - pair(base, first);
    return Found(first, width, inside.x, inside.y, is_doubtful_here);
}

fn plus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.y + b.y;
    return vec2<u32>(a.x + b.x + select(0u, 1u, low < a.y), low);
}

fn minus(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2<u32>(a.x - b.x - select(0u, 1u, a.y < b.y), a.y - b.y);
}

fn is_less(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.x < b.x || (a.x == b.x && a.y < b.y);
}

// A factor below 2^16 times a fixed-point number.
fn times(factor: u32, number: vec2<u32>) -> vec2<u32> {
    let low = (number.y & 0xffffu) * factor;
    let middle = (number.y >> 16u) * factor + (low >> 16u);
    return vec2<u32>(number.x * factor + (middle >> 16u), (middle << 16u) | (low & 0xffffu));
}
