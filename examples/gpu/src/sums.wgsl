// Long sums: no small number is added to a large sum, because equal terms would be rounded the same way each time.

const STEP = 64u; // terms that are added up before their sum counts as one term

struct Sums {
    terms: vec2f,
    of_terms: vec2f,
    of_sums: vec2f,
    count: u32,
}

// Adds a pair of terms to a pair of sums.
fn add(sums: ptr<function, Sums>, pair: vec2f) {
    (*sums).terms += pair;
    (*sums).count += 1u;
    if (*sums).count % STEP == 0u {
        (*sums).of_terms += (*sums).terms;
        (*sums).terms = vec2f(0.0);
    }
    if (*sums).count % (STEP * STEP) == 0u {
        (*sums).of_sums += (*sums).of_terms;
        (*sums).of_terms = vec2f(0.0);
    }
}

fn total(sums: ptr<function, Sums>) -> vec2f {
    return (*sums).terms + (*sums).of_terms + (*sums).of_sums;
}
