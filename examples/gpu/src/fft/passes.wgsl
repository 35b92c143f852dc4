// Passes of a transform. Each reads one buffer and writes the other; y counts the items, x their values.
// A pass of radix r joins r transforms of `span` values into one of r * span (Stockham: sorted as it goes).

struct Shape {
    len: u32,    // values of one item in this pass
    span: u32,   // values that the passes before have joined
    radix: u32,
    padded: u32, // values of one item in a convolution with a chirp
}

@group(0) @binding(0) var<storage, read> shape: Shape;
@group(0) @binding(1) var<storage, read> source: array<vec2f>;
@group(0) @binding(2) var<storage, read_write> result: array<vec2f>;
// The roots of unity of the length; the chirp, or its spectrum, where an entry point says so.
@group(0) @binding(3) var<storage, read> roots: array<vec2f>;

const LANES = 64u;

fn times(a: vec2f, b: vec2f) -> vec2f {
    return vec2f(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

// a times -i
fn turned_back(a: vec2f) -> vec2f {
    return vec2f(a.y, -a.x);
}

fn conjugate(a: vec2f) -> vec2f {
    return vec2f(a.x, -a.y);
}

@compute @workgroup_size(LANES)
fn radix2(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let part = shape.len / 2u;
    let item = at.y * shape.len;
    for (var j = at.x; j < part; j += groups.x * LANES) {
        let inner = j % shape.span;
        let turn = inner * (part / shape.span);
        let a = source[item + j];
        let b = times(source[item + j + part], roots[turn]);
        let to = item + (j - inner) * 2u + inner;
        result[to] = a + b;
        result[to + shape.span] = a - b;
    }
}

@compute @workgroup_size(LANES)
fn radix3(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let part = shape.len / 3u;
    let item = at.y * shape.len;
    for (var j = at.x; j < part; j += groups.x * LANES) {
        let inner = j % shape.span;
        let turn = inner * (part / shape.span);
        let a = source[item + j];
        let b = times(source[item + j + part], roots[turn]);
        let c = times(source[item + j + 2u * part], roots[2u * turn]);
        let sum = b + c;
        let middle = a - 0.5 * sum;
        let side = 0.8660254037844386 * turned_back(b - c);
        let to = item + (j - inner) * 3u + inner;
        result[to] = a + sum;
        result[to + shape.span] = middle + side;
        result[to + 2u * shape.span] = middle - side;
    }
}

@compute @workgroup_size(LANES)
fn radix4(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let part = shape.len / 4u;
    let item = at.y * shape.len;
    for (var j = at.x; j < part; j += groups.x * LANES) {
        let inner = j % shape.span;
        let turn = inner * (part / shape.span);
        let a = source[item + j];
        let b = times(source[item + j + part], roots[turn]);
        let c = times(source[item + j + 2u * part], roots[2u * turn]);
        let d = times(source[item + j + 3u * part], roots[3u * turn]);
        let even_sum = a + c;
        let even_difference = a - c;
        let odd_sum = b + d;
        let odd_difference = turned_back(b - d);
        let to = item + (j - inner) * 4u + inner;
        result[to] = even_sum + odd_sum;
        result[to + shape.span] = even_difference + odd_difference;
        result[to + 2u * shape.span] = even_sum - odd_sum;
        result[to + 3u * shape.span] = even_difference - odd_difference;
    }
}

@compute @workgroup_size(LANES)
fn radix5(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) groups: vec3u) {
    // cos and sin of 2 pi / 5 and 4 pi / 5
    const C1 = 0.30901699437494745;
    const S1 = 0.9510565162951535;
    const C2 = -0.8090169943749475;
    const S2 = 0.5877852522924731;
    let part = shape.len / 5u;
    let item = at.y * shape.len;
    for (var j = at.x; j < part; j += groups.x * LANES) {
        let inner = j % shape.span;
        let turn = inner * (part / shape.span);
        let a = source[item + j];
        let b = times(source[item + j + part], roots[turn]);
        let c = times(source[item + j + 2u * part], roots[2u * turn]);
        let d = times(source[item + j + 3u * part], roots[3u * turn]);
        let e = times(source[item + j + 4u * part], roots[4u * turn]);
        let outer_sum = b + e;
        let outer_difference = turned_back(b - e);
        let inner_sum = c + d;
        let inner_difference = turned_back(c - d);
        let first = a + C1 * outer_sum + C2 * inner_sum;
        let first_side = S1 * outer_difference + S2 * inner_difference;
        let second = a + C2 * outer_sum + C1 * inner_sum;
        let second_side = S2 * outer_difference - S1 * inner_difference;
        let to = item + (j - inner) * 5u + inner;
        result[to] = a + outer_sum + inner_sum;
        result[to + shape.span] = first + first_side;
        result[to + 2u * shape.span] = second + second_side;
        result[to + 3u * shape.span] = second - second_side;
        result[to + 4u * shape.span] = first - first_side;
    }
}

// Any small prime radix: each thread makes one value of the result from `radix` of the source.
@compute @workgroup_size(LANES)
fn radix_of_a_prime(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) groups: vec3u) {
    let part = shape.len / shape.radix;
    let item = at.y * shape.len;
    for (var value = at.x; value < shape.len; value += groups.x * LANES) {
        let j = value % part;
        let output = value / part;
        let inner = j % shape.span;
        // The turn between the inputs: that of the span, and that of the output.
        let turn = inner * (part / shape.span) + output * part;
        var sum = source[item + j];
        var angle = 0u;
        for (var input = 1u; input < shape.radix; input++) {
            angle = (angle + turn) % shape.len;
            sum += times(source[item + j + input * part], roots[angle]);
        }
        result[item + (j - inner) * shape.radix + inner + output * shape.span] = sum;
    }
}

// The first pass of a convolution: `roots` is the chirp of `len` values; the rest of the padded length is zero.
@compute @workgroup_size(LANES)
fn chirped(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) groups: vec3u) {
    for (var j = at.x; j < shape.padded; j += groups.x * LANES) {
        var value = vec2f(0.0);
        if j < shape.len {
            value = times(source[at.y * shape.len + j], roots[j]);
        }
        result[at.y * shape.padded + j] = value;
    }
}

// The product with the chirp's spectrum (`roots`), conjugated so that the next transform is the inverse one.
@compute @workgroup_size(LANES)
fn multiplied(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) groups: vec3u) {
    for (var j = at.x; j < shape.padded; j += groups.x * LANES) {
        let value = at.y * shape.padded + j;
        result[value] = conjugate(times(source[value], roots[j]));
    }
}

// The last pass of a convolution: back to `len` values; `roots` is the chirp again.
@compute @workgroup_size(LANES)
fn unchirped(@builtin(global_invocation_id) at: vec3u, @builtin(num_workgroups) groups: vec3u) {
    for (var j = at.x; j < shape.len; j += groups.x * LANES) {
        result[at.y * shape.len + j] = times(conjugate(source[at.y * shape.padded + j]), roots[j]);
    }
}
