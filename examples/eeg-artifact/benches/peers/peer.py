"""What the peers' scripts share: they read a recording of raw numbers, wait to be told to go, and report their times.

The only argument is a JSON file: the keys are those of `spec.rs` beside these scripts. A line "ready" says that all is read; with the next
line on standard input the work begins. The answer is one line of JSON. Reading, building and writing are not timed.
"""

import json
import sys
import time

import mne
import numpy as np

mne.set_log_level("ERROR")


def read():
    """The job, and its recording as MNE has it in memory."""
    with open(sys.argv[1], encoding="utf-8") as file:
        job = json.load(file)
    names = job["names"]
    data = np.fromfile(job["input"], dtype="<f4").reshape(len(names), job["n_times"]).astype(np.float64)
    info = mne.create_info(names, job["sfreq"], "eeg")
    return job, mne.io.RawArray(data, info, copy=None)


def beginning(raw):
    """A copy of a few channels and 30 s, to pass through the work once before it is timed: first calls import and look things up."""
    n_times = min(raw.n_times, int(30 * raw.info["sfreq"]))
    return raw.copy().pick(raw.ch_names[:2]).crop(tmax=(n_times - 1) / raw.info["sfreq"])


def wait():
    """Says that all is ready, and waits for the word to begin."""
    print("ready", flush=True)
    sys.stdin.readline()


def report(job, data, seconds, stages):
    """Writes the result where the job says, and prints how long it took."""
    if job["output"] is not None:
        np.ascontiguousarray(data, dtype="<f8").tofile(job["output"])
    answer = {"seconds": seconds, "stages": stages, "peak_bytes": peak_bytes(), "note": kernels()}
    print(json.dumps(answer), flush=True)


def peak_bytes():
    """The most memory that this process had in use."""
    with open("/proc/self/status", encoding="ascii") as file:
        line = next(line for line in file if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def kernels():
    """Which kernels the linear algebra runs, with how many threads."""
    try:
        import threadpoolctl
    except ImportError:
        return "threadpoolctl is not there"
    found = threadpoolctl.threadpool_info()
    kernels = {f"{one['internal_api']} {one.get('architecture')}, threads: {one['num_threads']}" for one in found}
    return "; ".join(sorted(kernels))


class Stages:
    """Seconds of each stage."""

    def __init__(self):
        self.seconds = {}
        self._begun = time.perf_counter()

    def end(self, name):
        """Ends a stage, and begins the next one."""
        now = time.perf_counter()
        self.seconds[name] = now - self._begun
        self._begun = now

    def total(self):
        """All stages together."""
        return sum(self.seconds.values())
