"""High-pass, averaged artifact subtraction and low-pass by FACETpy, in its serial mode; see peer.py for the protocol."""

import numpy as np
from facet.core.context import ProcessingContext, ProcessingMetadata
from facet.core.pipeline import Pipeline
from facet.correction import AASCorrection
from facet.preprocessing import HighPassFilter, LowPassFilter

import peer


def steps(job):
    """The steps that the job asks for."""
    if job["highpass"] is not None:
        yield HighPassFilter(freq=job["highpass"])
    if job["aas"]:
        yield AASCorrection(window_size=job["window"], realign_after_averaging=job["realign"])
    if job["lowpass"] is not None:
        yield LowPassFilter(freq=job["lowpass"])


def main():
    job, raw = peer.read()
    metadata = ProcessingMetadata(
        triggers=np.asarray(job["triggers"]), artifact_length=job["artifact_length"], volume_gaps=False
    )
    context = ProcessingContext(raw=raw, metadata=metadata)
    pipeline = Pipeline(list(steps(job)))
    peer.wait()
    stages = peer.Stages()
    result = pipeline.run(initial_context=context, parallel=False, show_progress=False)
    stages.end("all")
    if not result.was_successful():
        raise SystemExit(f"FACETpy failed: {result.error}")
    peer.report(job, result.get_raw()._data, stages.total(), stages.seconds)


main()
