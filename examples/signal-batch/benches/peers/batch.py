"""The routes that Python users take with numpy, scipy and pandas, one core: a section's input is read, then each line `go` is one round.

Called as `batch.py SECTION FOLDER`. Prints `ready`, and after each round a line of JSON with its seconds and the numbers that it found.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import signal, stats

RATE = 1e6


def measure(traces):
    """What the workload defines: six numbers for each trace."""
    rows = []
    for x in traces:
        power = np.abs(np.fft.rfft(x)) ** 2
        rows.append(
            {
                "rms": np.sqrt(np.mean(x**2)),
                "peak": np.max(np.abs(x)),
                "mean": np.mean(x),
                "std": np.std(x),
                "dominant_frequency": np.argmax(power) * RATE / len(x),
                "total_power": np.sum(power),
            }
        )
    return pd.DataFrame(rows)


def measure_all(traces):
    """The same and the rest: a windowed spectrum for SNR, THD and SINAD, and edges for times and periods."""
    frame = measure(traces)
    more = [quality(x) | edges(x) for x in traces]
    return pd.concat([frame, pd.DataFrame(more)], axis=1)


def quality(x):
    frequencies, power = signal.periodogram(x, RATE, window="blackmanharris", detrend=False, scaling="spectrum")
    lobe = 4
    power[: lobe + 1] = 0.0
    top = int(np.argmax(power))
    logs = np.log(power[top - 1 : top + 2])
    shift = 0.5 * (logs[0] - logs[2]) / (logs[0] - 2 * logs[1] + logs[2])
    fundamental = power[top - lobe : top + lobe + 1].sum()
    rest = power.copy()
    rest[top - lobe : top + lobe + 1] = 0.0
    distortion = 0.0
    for order in range(2, 11):
        at = order * top % (len(x))
        at = min(at, len(x) - at)
        near = slice(max(at - lobe, 0), at + lobe + 1)
        distortion += rest[near].sum()
        rest[near] = 0.0
    noise = rest.sum()
    return {
        "fundamental_frequency": (top + shift) * RATE / len(x),
        "snr_db": 10 * np.log10(fundamental / noise),
        "thd_percent": 100 * np.sqrt(distortion / fundamental),
        "sinad_db": 10 * np.log10(fundamental / (noise + distortion)),
    }


def edges(x):
    counts, levels = np.histogram(x, bins=100)
    middle = (levels[0] + levels[-1]) / 2
    low = levels[np.argmax(np.where(levels[:-1] < middle, counts, -1))]
    high = levels[np.argmax(np.where(levels[:-1] >= middle, counts, -1))]
    swing = high - low
    above = x > (low + high) / 2
    rises = np.flatnonzero(~above[:-1] & above[1:])
    periods = np.diff(rises) / RATE
    times = {}
    for name, start, end in (("rise_time", 0.1, 0.9), ("fall_time", 0.9, 0.1)):
        crossed = [np.flatnonzero(np.diff(np.signbit(x - (low + share * swing)))) for share in (start, end)]
        at = np.searchsorted(crossed[1], crossed[0])
        at = at[at < len(crossed[1])]
        times[name] = np.mean(crossed[1][at] - crossed[0][: len(at)]) / RATE if len(at) else np.nan
    return times | {"duty_cycle_percent": 100 * above.mean(), "period_jitter": periods.std() if len(periods) else np.nan}


def statistics(columns):
    """Description, fences of quartiles and z outliers of each column."""
    frame = pd.DataFrame(columns)
    described = frame.describe()
    found = []
    for name, column in frame.items():
        q25, q75 = described.loc["25%", name], described.loc["75%", name]
        reach = 1.5 * (q75 - q25)
        fenced = np.flatnonzero((column < q25 - reach) | (column > q75 + reach))
        wild = np.flatnonzero((column - column.mean()).abs() > 3 * column.std(ddof=0))
        found += [*described[name], len(fenced), len(wild)]
    return found


def compare(a, b):
    """Welch, Mann-Whitney and Kolmogorov-Smirnov, effect sizes, and the interval of the difference."""
    welch = stats.ttest_ind(b, a, equal_var=False)
    interval = welch.confidence_interval(0.95)
    ranks = stats.mannwhitneyu(b, a, method="asymptotic")
    gap = stats.ks_2samp(a, b, method="asymp")
    pooled = np.sqrt(((len(a) - 1) * a.var(ddof=1) + (len(b) - 1) * b.var(ddof=1)) / (len(a) + len(b) - 2))
    d = (b.mean() - a.mean()) / pooled
    delta = 2 * ranks.statistic / (len(a) * len(b)) - 1
    return [welch.statistic, welch.pvalue, interval.low, interval.high, ranks.statistic, ranks.pvalue, gap.statistic, d, delta]


def main():
    section, folder = sys.argv[1], Path(sys.argv[2])
    numbers = np.fromfile(folder / f"{section}.f64")
    if section in ("measure", "measure_all"):
        traces = numbers.reshape(50, -1)
        work = {"measure": measure, "measure_all": measure_all}[section]
        act = lambda: work(traces).to_numpy()[:, :6].ravel().tolist()
    elif section == "statistics":
        columns = {f"metric {idx}": column for idx, column in enumerate(numbers.reshape(4, -1))}
        act = lambda: [float(value) for value in statistics(columns)]
    else:
        a, b = numbers.reshape(2, -1)
        act = lambda: [float(value) for value in compare(a, b)]
    act()  # what is made at the first use is not timed
    print("ready", flush=True)
    for _ in sys.stdin:
        begun = time.perf_counter()
        values = act()
        print(json.dumps({"seconds": time.perf_counter() - begun, "values": values}), flush=True)


main()
