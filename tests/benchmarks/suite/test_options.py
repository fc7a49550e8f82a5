import pytest

from benchmarks.recipes import RECIPES
from benchmarks.run_all import main
from benchmarks.suite.options import parse
from benchmarks.suite.suites import SUITES, choose_recipes
from pneumo_tf.errors import UserError
from pneumo_tf.models.registry import architecture
from pneumo_tf.models.trivial import TRIVIAL_MODELS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seedz", "3"], "did you mean '--seeds'"),
        (["--suite", "cor"], "did you mean 'core'"),
        (["--only", "baselin_cnn"], "did you mean 'baseline_cnn'"),
        (["--protocol", "oficial"], "did you mean 'official'"),
        (["--profile", "ful"], "did you mean 'full'"),
        (["--precision", "bfloat16"], "did you mean 'mixed_bfloat16'"),
        (["resnet50v2"], "unexpected 'resnet50v2'; recipes are chosen with --only resnet50v2"),
        (["--seeds", "1", "resnet50"], "recipes are chosen with --only resnet50v2"),
        (["cor"], "a suite is chosen with --suite core"),
        (["cv5"], "a protocol is chosen with --protocol cv5"),
        (["something"], "unexpected 'something'; --help"),
        (["--seeds"], "--seeds: expected one argument"),
        (["--seeds", "0"], "--seeds: must be at least 1, not 0"),
        (["--views", "0"], "--views: must be all or a whole number of at least 1, not 0"),
        (["--views", "some"], "not some"),
        (["--films", "3"], "--films: must be at least 40"),
        (["--size", "many"], "--size: must be a whole number, not many"),
        (["--weights", "/nowhere", "--dry-run"], "no such file or folder"),
        (["--data", "/nowhere"], "/nowhere"),
        (["--only", "vgg16", "--size", "16"], "--size: must be at least 32"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert message in error
    assert error.count("\n") == 1


def test_an_output_that_cannot_be_written_is_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert main(["--only", "majority", "--out", str(tmp_path / "file")]) == 2
    assert "choose another --out" in capsys.readouterr().err


def test_every_suite_names_recipes_and_core_has_the_documented_ones():
    for name, members in SUITES.items():
        assert set(members) <= set(RECIPES), name
        assert len(set(members)) == len(members), name
    assert {"convnext_base", "densenet121", "resnet50v2", "resnet101v2", "vgg16"} < set(SUITES["core"])
    assert set(SUITES["all"]) == set(RECIPES)


def test_every_recipe_has_an_architecture():
    for recipe in RECIPES.values():
        if recipe.phases:
            assert (recipe.size or architecture(recipe.architecture).size) >= 32
        else:
            assert recipe.architecture in TRIVIAL_MODELS


def test_patterns_choose_among_all_recipes_without_repetition():
    assert [r.name for r in choose_recipes("core", "resnet18_scratch*, vgg16")][-1] == "vgg16"
    assert len(choose_recipes("core", "vgg16,vgg*,*")) == len(RECIPES)
    with pytest.raises(UserError, match="known|mean"):
        choose_recipes("core", "vgg17x,majority")


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as done:
        main(["--help"])
    assert done.value.code == 0
    text = capsys.readouterr().out
    for option in (
        "--suite",
        "--only",
        "--data",
        "--profile",
        "--weights",
        "--retry-failed",
        "--dry-run",
        "--out",
    ):
        assert option in text


def test_defaults():
    options = parse([])
    assert (options.suite, options.data, options.profile, options.weights) == ("core", "auto", "auto", "auto")
    assert options.runs.as_posix() == "outputs/runs"


def test_xla_without_a_gpu_is_refused_before_anything_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert main(["--xla", "on", "--data", "phantom", "--out", str(tmp_path / "out")]) == 2
    assert "--xla on needs a GPU" in capsys.readouterr().err
    assert not (tmp_path / "out" / "runs").exists()
