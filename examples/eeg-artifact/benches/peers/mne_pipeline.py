"""High-pass, averaged artifact subtraction and low-pass by MNE, with one job; see peer.py for the protocol."""

import mne
import numpy as np

import peer


def run(job, raw):
    """The three steps in place: seconds of each."""
    events = np.asarray(job["triggers"])
    # It refuses a last volume that the recording does not hold to its end, and wants equal distances but for a few samples.
    events = events[events + int(np.round(np.median(np.diff(events)))) <= raw.n_times]
    window = tuple(job["mne_window"])
    stages = peer.Stages()
    if job["highpass"] is not None:
        raw.filter(l_freq=job["highpass"], h_freq=None, n_jobs=1)
        stages.end("highpass")
    if job["aas"]:
        mne.preprocessing.remove_fmri_gradient_artifact(raw, events, window=window, tr_tol=4, copy=False)
        stages.end("aas")
    if job["lowpass"] is not None:
        raw.filter(l_freq=None, h_freq=job["lowpass"], n_jobs=1)
        stages.end("lowpass")
    return stages


def main():
    job, raw = peer.read()
    run(job, peer.beginning(raw))
    peer.wait()
    stages = run(job, raw)
    peer.report(job, raw._data, stages.total(), stages.seconds)


main()
