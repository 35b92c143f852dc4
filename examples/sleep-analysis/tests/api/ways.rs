//! Every way to work: what is the same for each of them is tested over all of them.

/// Modes, each with numbers of workers.
pub(crate) fn every_way() -> impl Iterator<Item = (&'static str, usize)> {
    let workers_of = |mode: &str| match mode {
        "processes" => &[1, 2, 7][..],
        _ => &[1, 2, 3, 7, 16],
    };
    let modes = ["serial", "threads", "processes"];
    modes.into_iter().flat_map(move |mode| workers_of(mode).iter().map(move |workers| (mode, *workers)))
}

/// The same as arguments of the program.
pub(crate) fn every_way_to_ask() -> impl Iterator<Item = [String; 4]> {
    every_way().map(|(mode, workers)| ["--mode".into(), mode.into(), "--workers".into(), workers.to_string()])
}
