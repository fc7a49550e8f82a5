"""Measures of a finished network's maps on external films with masks, in a file of their own."""

from benchmarks.worker.external_scores import external_pixels
from benchmarks.worker.finished_run import load_finished
from benchmarks.worker.run_context import RunContext
from pneumo_tf.explain.record import record_external_explanations


def write_external_maps(run: RunContext) -> None:
    """Write measures of the maps of a finished network on the external films of the assignment.

    Raises:
        DamagedFile: If the model of the run is missing or damaged.
    """
    model, _ = load_finished(run)
    for _, dataset, pixels in external_pixels(run):
        with run.clock.stage("explain"):
            record_external_explanations(run.folder, model, dataset, pixels)
