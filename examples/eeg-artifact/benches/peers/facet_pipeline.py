"""High-pass, averaged artifact subtraction and low-pass by FACETpy, in its serial mode; see peer.py for the protocol."""

import numpy as np
from facet.core.context import ProcessingContext, ProcessingMetadata
from facet.core.pipeline import Pipeline
from facet.correction import AASCorrection
from facet.preprocessing import HighPassFilter, LowPassFilter
from loguru import logger

import peer

logger.remove()  # it would print each step


def steps(job):
    """The steps that the job asks for."""
    if job["highpass"] is not None:
        yield HighPassFilter(freq=job["highpass"])
    if job["aas"]:
        yield AASCorrection(window_size=job["window"], realign_after_averaging=job["realign"])
    if job["lowpass"] is not None:
        yield LowPassFilter(freq=job["lowpass"])


def context_of(job, raw):
    """The recording with its triggers."""
    triggers = np.asarray(job["triggers"])
    metadata = ProcessingMetadata(
        triggers=triggers[triggers < raw.n_times], artifact_length=job["artifact_length"], volume_gaps=False
    )
    return ProcessingContext(raw=raw, metadata=metadata)


def run(job, context):
    """The pipeline, one channel after the other."""
    result = Pipeline(list(steps(job))).run(initial_context=context, parallel=False, show_progress=False)
    if not result.was_successful():
        raise SystemExit(f"FACETpy failed: {result.error}")
    return result.get_raw()


def main():
    job, raw = peer.read()
    run(job, context_of(job, peer.beginning(raw)))
    context = context_of(job, raw)
    peer.wait()
    stages = peer.Stages()
    cleaned = run(job, context)
    stages.end("all")
    peer.report(job, cleaned._data, stages.total(), stages.seconds)


main()
