"""Initial weights that are not available: by host, by profile, and on the board."""

from urllib.parse import urlsplit

import pytest

from benchmarks.suite import initial_weights, planning
from benchmarks.suite import run as suite_run
from benchmarks.suite.forecast import missing_weights
from benchmarks.suite.options import parse
from benchmarks.suite.planning import choose_jobs
from pneumo_tf.costs.hardware import Gpu
from pneumo_tf.errors import UserError
from pneumo_tf.failures import FAILURES
from pneumo_tf.models.registry import architecture
from pneumo_tf.models.weights_file import HostUnreachable
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.unfinished import unfinished
from pneumo_tf.runs import Runs
from tests.benchmarks.planned import plan_jobs

A100 = Gpu(0, "NVIDIA A100-SXM4-40GB", 40960, (8, 0))
FULL = ("--profile", "full", "--seeds", "1")
HUGGING_FACE = urlsplit(architecture("resnet18").weights.url).netloc


@pytest.fixture
def keras_home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    folder = tmp_path / "keras" / "models"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def internet(keras_home, monkeypatch):
    """Answers of hosts: those in `closed` cannot be reached, the others have what `refused` does not name."""

    class Internet:
        closed: set[str] = set()
        refused: set[str] = set()

        def __init__(self):
            self.asked = []

        def fetch(self, weights, progress=None):
            self.asked.append(weights.file)
            if urlsplit(weights.url).netloc in self.closed:
                raise HostUnreachable(weights.url, "timed out")
            if weights.file in self.refused:
                raise UserError(f"cannot download {weights.url}: Not Found")
            path = keras_home / weights.file
            path.write_bytes(weights.file.encode())
            return path

    it = Internet()
    monkeypatch.setattr(initial_weights, "fetch", it.fetch)
    return it


def planned(*arguments, synthetic=False, gpu=A100):
    jobs, lines = plan_jobs(parse(arguments), synthetic=synthetic, gpu=gpu)
    return {job.spec.recipe.name: job for job in jobs}, "\n".join(lines)


def file_of(name):
    return architecture(name).weights.file


def test_one_host_that_is_not_reached_costs_its_own_files_alone(internet):
    internet.closed = {HUGGING_FACE}
    jobs, logged = planned("--profile", "quick", "--only", "resnet18_transfer,mobilenetv2_finetuned,vgg16")
    assert jobs["resnet18_transfer"].spec.weights == "random"
    assert all(jobs[name].weights for name in ("mobilenetv2_finetuned", "vgg16"))
    assert f"RANDOM INITIAL WEIGHTS for resnet18: ImageNet's are missing ({HUGGING_FACE} cannot be" in logged
    assert "mobilenetv2:" not in logged


def test_a_host_that_is_not_reached_is_tried_once(internet):
    internet.closed = {urlsplit(architecture("vgg16").weights.url).netloc}
    jobs, logged = planned("--profile", "quick", "--only", "vgg16,densenet121,resnet50v2")
    assert len(internet.asked) == 1
    assert {job.spec.weights for job in jobs.values()} == {"random"}
    assert logged.count("RANDOM INITIAL WEIGHTS") == 1
    assert all(name in logged for name in ("vgg16", "densenet121", "resnet50v2"))


def test_a_refused_file_does_not_mark_its_host_unreachable(internet):
    internet.refused = {file_of("vgg16")}
    jobs, logged = planned("--profile", "quick", "--only", "vgg16,densenet121")
    assert jobs["vgg16"].spec.weights == "random"
    assert jobs["densenet121"].weights.name == file_of("densenet121")
    assert f"{architecture('vgg16').weights.url}: Not Found" in logged


@pytest.mark.parametrize("how", [FULL, ("--profile", "quick", "--weights", "imagenet")])
def test_a_recipe_whose_weights_are_needed_fails_and_names_file_and_address(internet, how):
    internet.closed = {HUGGING_FACE}
    jobs, logged = planned(*how, "--only", "resnet18_transfer,vgg16,custom_cnn")
    failure = jobs["resnet18_transfer"].failure
    assert failure.kind == "weights-missing"
    for text in (failure.reason, logged):
        assert file_of("resnet18") in text
        assert architecture("resnet18").weights.url in text
        assert "timed out" in text
    assert FAILURES["weights-missing"].remedy in logged
    assert "--weights random" in FAILURES["weights-missing"].remedy
    assert not jobs["vgg16"].failure and not jobs["custom_cnn"].failure
    assert jobs["custom_cnn"].spec.weights == "random"


def test_synthetic_films_and_the_quick_profile_start_at_random(internet):
    internet.closed = {HUGGING_FACE}
    chosen = ("--only", "resnet18_transfer")
    for how in ({"synthetic": True}, {"gpu": None}):
        job = planned(*chosen, **how)[0]["resnet18_transfer"]
        assert (job.failure, job.spec.weights) == (None, "random")
    asked = len(internet.asked)
    assert not planned(*chosen, *FULL, synthetic=True)[0]["resnet18_transfer"].failure
    assert len(internet.asked) == asked
    assert not planned(*chosen, *FULL, "--weights", "random")[0]["resnet18_transfer"].failure


def test_a_damaged_file_is_not_trained_from(internet, keras_home):
    file = keras_home / file_of("resnet18")
    file.write_bytes(b"changed")
    file.with_name(f"{file.name}.sha256").write_text(f"{'0' * 64}  {file.name}\n")
    jobs, logged = planned(*FULL, "--only", "resnet18_transfer")
    assert jobs["resnet18_transfer"].failure
    assert "is not the file that was downloaded first" in logged


def test_a_dry_run_downloads_nothing_and_names_what_is_not_here(internet):
    jobs, logged = planned(*FULL, "--only", "vgg16", "--dry-run")
    assert not internet.asked
    assert "vgg16 are not on this machine; a dry run downloads nothing" in logged
    assert not jobs["vgg16"].failure
    assert set(missing_weights(jobs.values())) == {"vgg16"}
    jobs, logged = planned("--profile", "quick", "--only", "vgg16", "--dry-run")
    assert "RANDOM INITIAL WEIGHTS for vgg16" in logged and "a dry run downloads nothing" in logged


@pytest.fixture
def suite(internet, small_phantom, tmp_path, monkeypatch):
    """Runs the command on films taken for real; an engine that starts none."""

    class Engine:
        started = []

        def __init__(self, *_, **__):
            pass

        def run(self, jobs):
            for job, folder in jobs:
                self.started.append(job.spec.recipe.name)
                folder.set_status("interrupted", "by the test")

    monkeypatch.setattr(suite_run, "LocalEngine", Engine)
    real = initial_weights.InitialWeights
    as_real = {"required": True, "synthetic": False}
    monkeypatch.setattr(planning, "InitialWeights", lambda *a, **k: real(*a, **k | as_real))

    def start(*more):
        Engine.started.clear()
        out = tmp_path / "out"
        options = ("--data", str(small_phantom.root), "--out", str(out), *FULL, *more)
        options += ("--only", "resnet18_transfer,majority")
        failed = suite_run.run_suite(parse(options))
        (board,) = read_boards(Runs(out / "runs"))
        return failed, list(Engine.started), {row.name: row for row in board.rows}, board

    return start


def test_missing_weights_are_a_failed_row_until_they_come(suite, internet, capsys):
    internet.closed = {HUGGING_FACE}
    failed, started, rows, board = suite()
    assert failed
    assert started == ["majority"]
    (run,) = rows["resnet18_transfer"].unfinished
    assert (run.state, run.kind) == ("failed", "weights-missing")
    line = next(line for line in unfinished(board).rows if line[0] == "resnet18_transfer")
    assert file_of("resnet18") in line[4]
    assert "--weights random" in line[5]
    printed = capsys.readouterr()
    assert "1 cannot start because their initial weights are missing, 1 to do" in printed.out + printed.err
    # Asked for again, without --retry-failed; the same row of the same run.
    asked = len(internet.asked)
    assert suite()[2]["resnet18_transfer"].unfinished == rows["resnet18_transfer"].unfinished
    assert len(internet.asked) == asked + 1
    internet.closed = set()
    _, started, rows, _ = suite()
    assert "resnet18_transfer" in started
    assert [run.state for run in rows["resnet18_transfer"].unfinished] == ["interrupted"]
    assert len(rows) == 2


def test_random_weights_take_the_place_of_the_failed_row(suite, internet):
    internet.closed = {HUGGING_FACE}
    suite()
    _, started, rows, _ = suite("--weights", "random")
    assert "resnet18_transfer" in started
    assert len(rows) == 2
    assert rows["resnet18_transfer"].initial == "random"


def test_a_dry_run_counts_a_run_that_lacked_its_weights(suite, internet, tmp_path, monkeypatch):
    internet.closed = {HUGGING_FACE}
    suite()
    dataset = next(iter(Runs(tmp_path / "out" / "runs"))).spec.dataset
    options = parse([*FULL, "--only", "resnet18_transfer", "--dry-run"])
    jobs, _ = plan_jobs(options, dataset, synthetic=False)
    runs = Runs(tmp_path / "out" / "runs")
    assert runs.state(jobs[0].spec) == "failed"
    assert choose_jobs(jobs, runs, parse(["--dry-run"])) == jobs


@pytest.mark.parametrize(
    ("wanted", "downloads"), [("auto", "none"), ("random", "none"), ("imagenet", "resnet18 (45 MB)")]
)
def test_a_dry_run_names_the_downloads_of_the_run_itself(
    internet, small_phantom, tmp_path, capsys, wanted, downloads
):
    options = ["--data", str(small_phantom.root), "--out", str(tmp_path / "out"), "--weights", wanted]
    assert not suite_run.run_suite(parse([*options, "--only", "resnet18_transfer", "--dry-run"]))
    assert f"Downloads of ImageNet weights: {downloads}" in capsys.readouterr().out
    assert not internet.asked
