//! The peers' environments.

use manyhands_test_support::python::environment;

use crate::options::Options;
use crate::side::Side;

const FACETPY: [&str; 2] = ["facetpy==2.0.2", "threadpoolctl==3.6.0"];
const MNE: [&str; 2] = ["mne==1.13.2", "threadpoolctl==3.6.0"];

/// A peer's name, and its side.
pub(crate) type Peer = (&'static str, Side);

/// FACETpy, where it can be had.
pub(crate) fn facetpy(options: &Options) -> Option<Peer> {
    peer(options, "FACETpy 2.0.2", &FACETPY, "facet_pipeline.py")
}

/// MNE, where it can be had.
pub(crate) fn mne(options: &Options) -> Option<Peer> {
    peer(options, "MNE 1.13.2", &MNE, "mne_pipeline.py")
}

fn peer(options: &Options, name: &'static str, packages: &[&str], script: &'static str) -> Option<Peer> {
    if !options.with_peers {
        println!("SKIPPED: {name}, because of --without-peers");
        return None;
    }
    environment(packages).map(|python| (name, Side::Peer { python, script }))
}
