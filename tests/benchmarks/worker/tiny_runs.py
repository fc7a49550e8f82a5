"""Runs of one epoch on few small films, planned on disk, and trainings that fail."""

import tensorflow as tf

from benchmarks.suite.options import parse
from benchmarks.worker import micro_batching
from pneumo_tf.runs import Runs
from tests.benchmarks.planned import assign_to_cpu, plan_jobs

TINY = ("--only", "baseline_cnn", "--size", "32", "--films", "60", "--epochs", "1")


SILENT = lambda event, **values: None  # noqa: E731


def plan(small_phantom, tmp_path, *arguments):
    """Plan a run on disk; return its folder and the assignment of its worker."""
    options = parse([*TINY, *arguments, "--out", str(tmp_path)])
    ((job,), _) = plan_jobs(options, small_phantom.films.fingerprint)
    runs = Runs(options.runs)
    runs.write_films(small_phantom)
    assignment = assign_to_cpu(small_phantom, options, notes=("noted when it was planned",))
    folder = runs.plan(job.spec)
    folder.work.mkdir()
    return folder, assignment


def fails_until(micro_batches, error):
    real = micro_batching.train
    seen = []

    def train(model, recipe, films, setting, **callbacks):
        seen.append(setting.micro_batches)
        if setting.micro_batches[0] < micro_batches:
            raise error
        return real(model, recipe, films, setting, **callbacks)

    return train, seen


OUT_OF_MEMORY = tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
