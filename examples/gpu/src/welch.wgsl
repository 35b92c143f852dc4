// Welch's method: segments out of epochs, and the mean of their powers.

struct Welch {
    n_samples: u32,   // samples of one epoch
    segment_len: u32,
    hop: u32,
    n_segments: u32,  // of one epoch
}

const LANES = 64u;

@group(0) @binding(3) var<storage, read> welch: Welch;
@group(0) @binding(4) var<storage, read> epochs: array<f32>;
@group(0) @binding(5) var<storage, read> window: array<f32>;
@group(0) @binding(6) var<storage, read_write> segments: array<f32>;
@group(0) @binding(7) var<storage, read_write> densities: array<f32>;

var<workgroup> partial: array<f32, LANES>;

// Each workgroup takes the segments x, x + groups, .. of the epoch y: without its mean, and windowed.
@compute @workgroup_size(LANES)
fn cut(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let stride = 2u - real.packed; // an odd length has an imaginary part of zero after each sample
    for (var segment = group.x; segment < welch.n_segments; segment += groups.x) {
        let first = group.y * welch.n_samples + segment * welch.hop;
        let to = (group.y * welch.n_segments + segment) * real.complex_len * 2u;
        // The second mean is what rounding left of a first one that is large beside the samples' spread.
        let mean = mean_of(first, 0.0, lane);
        let rest = mean_of(first, mean, lane);
        for (var j = lane; j < welch.segment_len; j += LANES) {
            segments[to + j * stride] = window[j] * (epochs[first + j] - mean - rest);
            if stride == 2u {
                segments[to + j * stride + 1u] = 0.0;
            }
        }
    }
}

fn mean_of(first: u32, less: f32, lane: u32) -> f32 {
    var sum: Sums;
    for (var j = lane; j < welch.segment_len; j += LANES) {
        add(&sum, vec2f(epochs[first + j] - less, 0.0));
    }
    workgroupBarrier(); // all have read the sum before this one
    partial[lane] = total(&sum).x;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            partial[lane] += partial[lane + half];
        }
    }
    workgroupBarrier();
    return partial[0] / f32(welch.segment_len);
}

// One thread for each bin of the epoch y. Bins that have a twin beyond half the length count twice.
@compute @workgroup_size(LANES)
fn averaged(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let n_bins = welch.segment_len / 2u + 1u;
    for (var bin = at.x; bin < n_bins; bin += groups.x * LANES) {
        var powers: Sums;
        for (var segment = 0u; segment < welch.n_segments; segment++) {
            add(&powers, vec2f(power(at.y * welch.n_segments + segment, bin), 0.0));
        }
        let sum = total(&powers).x;
        let has_twin = bin > 0u && 2u * bin != welch.segment_len;
        densities[at.y * n_bins + bin] = select(sum, 2.0 * sum, has_twin);
    }
}
