import dataclasses
import hashlib

import pytest

from benchmarks.recipes import RECIPES
from benchmarks.suite import plan
from benchmarks.suite.options import parse
from benchmarks.suite.profile import QUICK, SEEDS, profile_name, scale
from benchmarks.suite.source import find_source
from pneumo_tf.costs.hardware import Gpu, resolve_precision
from pneumo_tf.errors import UserError
from pneumo_tf.models.registry import ARCHITECTURES, architecture
from tests.benchmarks.planned import plan_jobs

A100 = Gpu(0, "NVIDIA A100-SXM4-40GB", 40960, (8, 0))


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def planned(*arguments, gpu=None, synthetic=True):
    return plan_jobs(parse(arguments), gpu=gpu, synthetic=synthetic)


def test_full_on_a_gpu_is_every_recipe_as_published_with_three_seeds(keras_home):
    jobs, _ = planned("--suite", "all", "--profile", "full", gpu=A100)
    trained = [job for job in jobs if job.spec.recipe.phases]
    assert len(trained) == 3 * sum(bool(r.phases) for r in RECIPES.values())
    assert len({job.spec.id for job in jobs}) == len(jobs)
    for job in trained:
        published = RECIPES[job.spec.recipe.name]
        assert job.spec.recipe.phases == published.phases
        assert job.spec.recipe.batch == published.batch
        assert job.spec.precision == "mixed_bfloat16"
        assert job.spec.train_films is None
        assert job.spec.profile == "full"


def test_xla_is_on_for_a_gpu_and_part_of_the_id(keras_home):
    ids = {}
    for choice, gpu, compiled in [
        ("auto", A100, True),
        ("on", A100, True),
        ("off", A100, False),
        ("auto", None, False),
        ("off", None, False),
    ]:
        jobs, _ = planned(
            "--only", "baseline_cnn,majority", "--precision", "float32", "--xla", choice, gpu=gpu
        )
        network, trivial = sorted(jobs, key=lambda job: not job.spec.recipe.phases)
        assert (network.spec.xla, trivial.spec.xla) == (compiled, False)
        ids.setdefault(compiled, set()).add(network.spec.id)
    assert [len(of_choice) for of_choice in ids.values()] == [1, 1]
    assert ids[True] != ids[False]


def test_auto_leaves_out_backbones_that_are_an_exception(keras_home, monkeypatch):
    entry = dataclasses.replace(architecture("conv3"), without_xla="1.3 times slower on an A100")
    monkeypatch.setitem(ARCHITECTURES, "conv3", entry)
    for choice, compiled, noted in [("auto", False, True), ("on", True, False)]:
        (job,) = planned("--only", "baseline_cnn", "--seeds", "1", "--xla", choice, gpu=A100)[0]
        assert job.spec.recipe.architecture == "conv3"
        assert job.spec.xla == compiled
        assert ("without XLA: 1.3 times slower on an A100" in job.notes) == noted
    (job,) = planned("--only", "baseline_cnn")[0]
    assert not any("XLA" in note for note in job.notes)


def test_a_laptop_gets_the_quick_profile_in_float32(keras_home):
    jobs, _ = planned()
    for job in jobs:
        assert job.spec.profile == "quick"
        if job.spec.recipe.phases:
            assert job.spec.recipe.size <= QUICK.size
            assert job.spec.precision == "float32"


def test_overrides_make_the_profile_custom(keras_home):
    assert (
        profile_name(parse(["--size", "96", "--epochs", "2"]), "quick") == "custom: quick, size 96, epochs 2"
    )
    jobs, _ = planned("--size", "96", "--epochs", "2", "--films", "200", "--only", "convnext_base")
    recipe = jobs[0].spec.recipe
    assert (recipe.size, [phase.epochs for phase in recipe.phases]) == (96, [2, 2])
    assert jobs[0].spec.train_films == 200


def test_missing_weights_are_logged_and_noted(keras_home):
    jobs, logged = planned("--only", "vgg16,baseline_cnn")
    notes = {job.spec.recipe.name: job.notes for job in jobs}
    assert "random initial weights" in notes["vgg16"][0]
    assert notes["baseline_cnn"] == ()
    assert "RANDOM INITIAL WEIGHTS for vgg16" in logged[0]
    assert {job.spec.weights for job in jobs} == {"random"}


def test_weights_that_are_here_are_used_and_hashed(keras_home):
    file = keras_home / architecture("vgg16").weights.file
    file.write_bytes(b"weights")
    jobs, logged = planned("--only", "vgg16")
    assert jobs[0].weights == file
    assert jobs[0].spec.weights == f"imagenet {hashlib.sha256(b'weights').hexdigest()[:12]}"
    assert not logged
    jobs, _ = planned("--only", "vgg16", "--weights", "random")
    assert jobs[0].weights is None
    assert "as requested" in jobs[0].notes[0]


@pytest.mark.parametrize(
    ("capability", "precision"),
    [((9, 0), "mixed_bfloat16"), ((8, 0), "mixed_bfloat16"), ((7, 5), "mixed_float16"), ((6, 1), "float32")],
)
def test_precision_follows_the_device(capability, precision):
    assert resolve_precision("auto", Gpu(0, "x", 1, capability)) == precision
    assert resolve_precision("auto", None) == "float32"
    assert resolve_precision("mixed_float16", None) == "mixed_float16"


@pytest.mark.parametrize(
    ("gpu", "synthetic", "profile"),
    [(A100, False, "full"), (A100, True, "quick"), (None, False, "quick"), (None, True, "quick")],
)
def test_the_full_profile_is_for_real_films_on_a_gpu(keras_home, gpu, synthetic, profile):
    chosen = "--only", "baseline_cnn"
    jobs, _ = planned(*chosen, gpu=gpu, synthetic=synthetic)
    assert {job.spec.profile for job in jobs} == {profile}
    assert len(jobs) == SEEDS[profile]
    jobs, _ = planned(*chosen, "--profile", "full", gpu=gpu, synthetic=synthetic)
    assert {job.spec.profile for job in jobs} == {"full"}


def test_heavy_runs_come_first(keras_home):
    jobs, _ = planned()
    assert [job.memory_mb for job in jobs] == sorted((job.memory_mb for job in jobs), reverse=True)


def test_a_gpu_takes_the_activations_off_the_host():
    for recipe in (recipe for recipe in RECIPES.values() if recipe.phases):
        recipe = scale(recipe, "full", parse([]))
        on_cpu, on_gpu = (plan.estimate_mb(recipe, gpu) for gpu in (None, A100))
        entry = architecture(recipe.architecture)
        activations = entry.activation_mb * recipe.batch * (recipe.size / entry.size) ** 2
        assert on_cpu - on_gpu == pytest.approx(plan.WHOLE_RUN * activations)


def test_a_weights_file_of_no_recipe_is_refused(keras_home, tmp_path):
    (tmp_path / "my.h5").write_bytes(b"weights")
    with pytest.raises(UserError, match="unknown weights file 'my.h5'"):
        planned("--only", "vgg16", "--weights", str(tmp_path / "my.h5"))


def test_synthetic_films_named_by_their_folder_stay_synthetic(tmp_path):
    (tmp_path / "phantom.json").write_text("{}")
    (tmp_path / "chest_xray").mkdir()
    for folder in (tmp_path, tmp_path / "chest_xray"):
        source = find_source(str(folder))
        assert source.dataset.synthetic and source.ready
        assert source.path == folder


def test_views_are_set_where_a_frozen_phase_would_draw_more_of_them(keras_home):
    def views(*arguments, **how):
        jobs, logged = planned("--suite", "all", *arguments, **how)
        recipes = {job.spec.recipe.name: job for job in jobs}
        return {name: job.spec.recipe.views for name, job in recipes.items()}, recipes, logged

    default, jobs, logged = views("--profile", "full", gpu=A100)
    assert set(default.values()) == {None}
    assert not any("augmented view" in line for line in logged)
    # Quick, with more epochs than it has by itself.
    assert views("--epochs", "12")[0]["vgg16"] == QUICK.views
    eight, jobs, logged = views("--views", "8", "--profile", "full", gpu=A100)
    two_phase = {r.name for r in RECIPES.values() if r.family.startswith("Two-phase transfer")}
    assert {name for name, count in eight.items() if count} == two_phase
    assert {eight[name] for name in two_phase} == {8}
    assert "8 augmented views" in jobs["vgg16"].notes[-1]
    assert "augmented view" not in " ".join(jobs["custom_cnn"].notes)
    assert any("vgg16" in line and "--views all" in line for line in logged)
    every, jobs, logged = views("--views", "all", gpu=A100)
    assert set(every.values()) == {None}
    assert not any("augmented view" in line for line in logged)
    # The quick profile has 3 epochs, which need no more than 3 views.
    assert set(views("--views", "3")[0].values()) == {None}
    assert views("--views", "2")[0]["vgg16"] == 2
    assert views("--views", "1", gpu=A100)[1]["vgg16"].spec.id != jobs["vgg16"].spec.id


def test_every_view_of_its_own_is_the_run_that_it_was_before_views_were_cycled(keras_home):
    jobs, _ = planned("--only", "densenet121", "--views", "all", "--weights", "random", gpu=A100)
    assert "views" not in jobs[0].spec.recipe.distinctive()
