// Real items and their spectra, however they are laid out.

struct Real {
    len: u32,         // samples of one item
    complex_len: u32, // complex values of one item
    packed: u32,      // 1: value j holds the samples 2j and 2j + 1; 0: value j holds sample j, and zero
}

@group(0) @binding(0) var<storage, read> real: Real;
@group(0) @binding(1) var<storage, read> values: array<vec2f>;
@group(0) @binding(2) var<storage, read> turns: array<vec2f>;

// The squared magnitude of a bin up to half the length, of the item's transform in `values`.
fn power(item: u32, bin: u32) -> f32 {
    let first = item * real.complex_len;
    let z = values[first + bin % real.complex_len];
    if real.packed == 0u {
        return dot(z, z);
    }
    // z is even + i odd; with its mirror image both come apart.
    let mirror = values[first + (real.complex_len - bin) % real.complex_len];
    let even = 0.5 * vec2f(z.x + mirror.x, z.y - mirror.y);
    let odd = 0.5 * vec2f(z.y + mirror.y, mirror.x - z.x);
    let turn = turns[bin];
    let whole = even + vec2f(odd.x * turn.x - odd.y * turn.y, odd.x * turn.y + odd.y * turn.x);
    return dot(whole, whole);
}
