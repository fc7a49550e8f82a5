"""Scoring variants: which runs are scored, what is missing, and finished runs that are only added to."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.recipes import RECIPES
from benchmarks.suite.additions import (
    count_additions,
    describe_variant_options,
    list_addition_jobs,
    list_missing_additions,
    missing_variants,
    requested_variants,
)
from benchmarks.suite.options import parse
from benchmarks.suite.terminal import RunsShown, Terminal
from benchmarks.worker import finished_run, scoring
from benchmarks.worker.attempt import add_scores
from pneumo_tf.data.pixels import cached_pixels
from pneumo_tf.data.protocols.by_patient import split_official
from pneumo_tf.errors import UserError
from pneumo_tf.models.registry import build
from pneumo_tf.predictions import Predictions
from pneumo_tf.recipe import Augment
from pneumo_tf.runs import Runs
from pneumo_tf.training import variant_scorer
from pneumo_tf.training.step import Predictor
from tests.benchmarks.planned import assign_to_cpu, plan_jobs

BOTH = ("--only", "regularized_cnn,thumbnail", "--size", "32", "--films", "60", "--epochs", "1")
DRAWS = ("--tta", "2", "--mc-dropout", "3")


class Sent(list):
    def __call__(self, event, **values):
        self.append((event, values))


def contents(folder):
    files = (path for path in folder.path.rglob("*") if path.is_file())
    return {path.relative_to(folder.path).as_posix(): path.read_bytes() for path in files}


def plan(out, films, *arguments):
    options = parse([*BOTH, *arguments, "--out", str(out)])
    jobs, _ = plan_jobs(options, films.fingerprint)
    return options, jobs, Runs(options.runs)


def test_only_recipes_that_have_something_to_draw_are_variants_of():
    options = parse(DRAWS)
    assert requested_variants(RECIPES["regularized_cnn"], options) == [
        "tta-1",
        "tta-2",
        "mc-1",
        "mc-2",
        "mc-3",
    ]
    assert requested_variants(RECIPES["mobilenetv2_frozen"], options) == ["tta-1", "tta-2"]
    assert requested_variants(RECIPES["thumbnail"], options) == []
    assert requested_variants(RECIPES["regularized_cnn"], parse([])) == []


def test_what_is_left_out_or_mild_is_logged():
    recipes = [RECIPES[name] for name in ("regularized_cnn", "mobilenetv2_frozen", "thumbnail")]
    lines = describe_variant_options(recipes, parse(DRAWS))
    assert "--tta leaves out thumbnail: there is no network" in lines
    assert "--mc-dropout leaves out mobilenetv2_frozen, thumbnail: there is no dropout" in lines
    assert [line for line in lines if "mild" in line][0].startswith("--tta: mobilenetv2_frozen trained")
    assert describe_variant_options(recipes, parse([])) == []
    assert describe_variant_options(recipes[:1], parse(DRAWS)) == []


@pytest.mark.parametrize("option", ["--tta", "--mc-dropout"])
def test_one_draw_has_no_spread_and_is_refused(option):
    with pytest.raises(UserError, match=f"{option}: must be at least 2, not 1"):
        parse([option, "1"])


def test_a_plan_adds_only_what_finished_runs_lack(tmp_path, small_phantom):
    options, jobs, runs = plan(tmp_path, small_phantom.films, *DRAWS)
    net, trivial = (
        next(j for j in jobs if bool(j.spec.recipe.phases) == network) for network in (True, False)
    )
    assert count_additions(jobs, jobs, runs, options, {}) == 1, "the network, once it is trained"
    assert list_addition_jobs(jobs, runs, options, {}) == []
    for job in jobs:
        runs.plan(job.spec).set_status("done")
    folder = runs.folder(net.spec)
    assert list_addition_jobs(jobs, runs, options, {}) == []
    assert "model.keras is missing; --fresh trains the run again" in "".join(
        list_missing_additions([net], runs, options, {})
    )
    folder.model.write_bytes(b"model")
    (job,) = list_addition_jobs(jobs, runs, options, {})
    assert job.variants == ("tta-1", "tta-2", "mc-1", "mc-2", "mc-3")
    assert job.spec.id == net.spec.id, "a variant is not part of the id"
    folder.write_predictions("test@tta-1", Predictions(("a",), np.zeros((1, 1), np.float32)))
    (job,) = list_addition_jobs(jobs, runs, options, {})
    assert job.variants == ("tta-2", "mc-1", "mc-2", "mc-3")
    assert count_additions(jobs, [], runs, options, {}) == 1
    assert "see " in "".join(list_missing_additions([net], runs, options, {}))
    assert missing_variants(trivial, runs, options) == ()
    assert list_missing_additions([trivial], runs, options, {}) == []


@pytest.fixture
def finished(small_phantom, tmp_path, monkeypatch):
    """What a run leaves that scoring needs, its network as it was built, and the job that scores it."""
    # Threads and determinism can be set once in a process; the tests beside this one have their own.
    monkeypatch.setattr(finished_run, "prepare_device", lambda *_: None)
    options, jobs, runs = plan(tmp_path, small_phantom.films, *DRAWS)
    runs.write_films(small_phantom)
    job = next(job for job in jobs if job.spec.recipe.phases)
    assignment = assign_to_cpu(small_phantom, options)
    folder, recipe = runs.plan(job.spec), job.spec.recipe
    model = build(recipe.architecture, head=recipe.head, size=recipe.size, weights=None)
    folder.save_model(model.save)
    test = split_official(small_phantom.films).test
    pixels = cached_pixels(small_phantom, options.cache, side=recipe.size)
    logits = Predictor(model)(pixels, small_phantom.films.indices(test))
    folder.write_predictions("test", Predictions(test, logits))
    folder.set_status("done")
    (job,) = list_addition_jobs([job], runs, options, {})
    return folder, replace(assignment, task="score", variants=job.variants), job, (runs, options, {})


def test_conditions_are_added_to_a_finished_run_and_nothing_else_changes(finished):
    folder, assignment, job, request = finished
    before = contents(folder)
    sent = Sent()
    assert add_scores(folder, assignment, sent) == ""
    after = contents(folder)
    added = {f"predictions/test@{condition}.csv" for condition in job.variants}
    assert set(after) - set(before) == added
    assert {name: after[name] for name in before} == before
    assert list_addition_jobs([job], *request) == [] and list_missing_additions([job], *request) == []
    sets = [folder.read_predictions(f"test@{condition}") for condition in job.variants]
    plain = folder.read_predictions("test")
    assert all(one.ids == plain.ids for one in sets)
    assert len({one.logits.tobytes() for one in [plain, *sets]}) == 6
    assert "note" not in [event for event, _ in sent]


def test_the_saved_model_without_augmentation_gives_the_stored_predictions(finished, monkeypatch):
    folder, assignment, *_ = finished
    still = Augment(rotation=1e-9)
    for module in (variant_scorer, scoring):
        monkeypatch.setattr(module, "view_augment", lambda recipe: still)
    assert add_scores(folder, replace(assignment, task="score", variants=("tta-1",)), Sent()) == ""
    one, plain = folder.read_predictions("test@tta-1"), folder.read_predictions("test")
    assert one.ids == plain.ids
    np.testing.assert_allclose(one.logits, plain.logits, atol=1e-5)


def test_a_run_that_was_not_scored_is_not_called_done_once_more(finished, capsys):
    folder, *_ = finished
    shown = RunsShown(Terminal(), 2)
    with shown:
        for succeeded in (True, False):
            shown.started(folder.spec.id, folder)
            shown.ended(folder.spec.id, folder, succeeded=succeeded)
    first, second = capsys.readouterr().out.splitlines()
    assert ": done in 0 s" in first
    assert ": done, nothing added in 0 s" in second


def test_failed_scoring_is_one_note_and_the_run_stays_done(finished):
    folder, assignment, job, request = finished
    folder.model.write_bytes(b"no model")
    before, sent = contents(folder), Sent()
    assert add_scores(folder, assignment, sent)
    assert contents(folder) == before and folder.state == "done"
    ((_, note),) = [item for item in sent if item[0] == "note"]
    assert note["text"].startswith("not scored with tta-1, tta-2, mc-1")
    assert note["text"].endswith("model.keras: cannot be read as a Keras model; run it again with --fresh")
    folder.model.unlink()
    assert "is missing; run it again with --fresh" in add_scores(folder, assignment, Sent())
    assert folder.state == "done"
    assert "is missing" in list_missing_additions([job], *request)[0]


@pytest.mark.slow
def test_the_command_scores_what_is_done_without_training_again(small_phantom, tmp_path):
    def command(*arguments):
        code = [sys.executable, "-m", "benchmarks.run_all", "--data", str(small_phantom.root), *BOTH]
        code += ["--out", str(tmp_path), *arguments]
        done = subprocess.run(
            code, capture_output=True, text=True, cwd=Path(__file__).parents[3], check=False
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, done.stdout

    assert command()[0] == 0
    net = next(folder for folder in Runs(tmp_path / "runs") if folder.spec.recipe.phases)
    before = contents(net)
    code, text = command(*DRAWS, "--dry-run")
    assert (
        code == 0
        and "0 to do, 1 to extend with scores or explanations from saved models" in text
        and "to extend " in text
    )
    code, text = command(*DRAWS)
    assert code == 0 and "done" in text
    after = contents(net)
    assert len(after) == len(before) + 5 and all(
        after[name] == before[name] for name in before if name not in ("lock", "log.txt")
    )
    page = (tmp_path / "report" / "leaderboard.md").read_text()
    assert "2 augmented views" in page and "3 dropout samples" in page
    net.model.unlink()
    code, text = command("--tta", "3")
    assert code == 1 and text.count("not scored with tta-3") == 1
    assert net.state == "done"
    code, text = command("--tta", "3", "--dry-run")
    assert code == 0 and "no model" in text
