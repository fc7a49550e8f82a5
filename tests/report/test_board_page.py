"""The leaderboard page: complete, the same every time, and fit to be read."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from pneumo_tf.data.datasets.dataset import Dataset
from pneumo_tf.data.datasets.kermany import KERMANY
from pneumo_tf.data.films import Films
from pneumo_tf.errors import UserError
from pneumo_tf.evaluation.intervals import Estimate
from pneumo_tf.predictions import Predictions
from pneumo_tf.recipe import Phase, Published, Recipe
from pneumo_tf.report.markdown import Table
from pneumo_tf.report.number_format import (
    format_number,
    format_signed,
    supported_decimals,
    with_interval,
    with_sd,
)
from pneumo_tf.report.page import NOT_A_DEVICE, SYNTHETIC, write_leaderboard
from pneumo_tf.report.provenance import describe_machines
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.section import LinkedPicture, Section
from pneumo_tf.run_spec import HARNESS_VERSION, RunSpec
from pneumo_tf.runs import Runs
from tests.report.fabricate import NO_IMAGENET, RECIPES, fabricate_films, fabricate_runs, finish


def page(runs, out, figures=()):
    return write_leaderboard(read_boards(runs), out, figures).read_text("utf-8")


def section(text, title):
    return re.split(r"\n#{2,4} ", text.split(f"# {title}\n", 1)[1], maxsplit=1)[0]


def tables(text):
    """Cells of each table, with bars that were escaped left in their cell."""
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        yield [re.split(r"(?<!\\)\|", line.strip())[1:-1] for line in block.strip().splitlines()]


def test_the_same_runs_give_the_same_bytes(tmp_path):
    runs = fabricate_runs(tmp_path / "runs")
    for out in ("first", "again"):
        page(runs, tmp_path / out, [[Section("Curves", [LinkedPicture("figures/roc.png", "ROC")])]])
    for name in ("leaderboard.md", "leaderboard.csv", "leaderboard.json"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_every_table_has_as_many_cells_as_titles(tmp_path):
    recipe = replace(RECIPES[0], chosen="a | b", published=(Published("images | others", {"accuracy": 0.9}),))
    runs = fabricate_runs(tmp_path / "runs", (recipe, *RECIPES[1:]))
    found = list(tables(page(runs, tmp_path)))
    assert len(found) >= 9
    for table in found:
        assert {len(line) for line in table} == {len(table[0])}, table[0]


def test_a_table_refuses_a_row_that_does_not_fit():
    with pytest.raises(ValueError, match="1 cells under 2 titles"):
        Table(("a", "b"), [("1",)]).markdown()


def test_it_opens_with_what_was_run(tmp_path):
    text = page(fabricate_runs(tmp_path / "runs", device="NVIDIA A100-SXM4-40GB"), tmp_path)
    opening = text.split("### Ranking")[0]
    said = ("Phantom chest films", "profile full", "seeds 0, 1", "NVIDIA A100", "mixed_float16", "2025-06-15")
    said += ("TensorFlow 2.21.0", f"harness {HARNESS_VERSION}", "vgg16 (failed: out of memory", NOT_A_DEVICE)
    for words in said:
        assert words in opening
    films = next(tables(opening))
    assert [cell.strip() for cell in films[-1]] == ["test folder", "160", "97", "60", "63", "37"]


def test_synthetic_films_are_marked_and_real_ones_are_not(tmp_path):
    assert SYNTHETIC in page(fabricate_runs(tmp_path / "phantom"), tmp_path)
    assert SYNTHETIC not in page(fabricate_runs(tmp_path / "real", title="Kermany 2018"), tmp_path)


def test_a_failure_is_a_row_with_its_reason_and_a_remedy(tmp_path):
    lines = section(page(fabricate_runs(tmp_path / "runs"), tmp_path), "Not done").splitlines()
    failed = next(line for line in lines if "15.2 GB wanted" in line)
    assert "vgg16" in failed
    assert "more memory" in failed
    assert any("interrupted" in line and "continues where it stopped" in line for line in lines)


def test_published_protocols_are_shown_and_not_ranked(tmp_path):
    text = page(fabricate_runs(tmp_path / "runs"), tmp_path)
    assert "published-validation-head" not in section(text, "Ranking")
    assert "ours, protocol published-validation-head, 1 seed" in section(text, "Keras Applications")


def test_a_published_protocol_is_shown_where_its_authors_printed_nothing(tmp_path):
    recipe = replace(RECIPES[0], published=())
    runs = fabricate_runs(tmp_path / "runs", [recipe], 1, protocol="published-pooled", flawed=False)
    assert "ours, protocol published-pooled, 1 seed" in section(page(runs, tmp_path), "Keras Applications")


def test_published_figures_are_next_to_ours_with_their_images(tmp_path):
    text = section(page(fabricate_runs(tmp_path / "runs"), tmp_path), "Keras Applications")
    head = next(line for line in text.splitlines() if "published, 521 images" in line)
    assert "0.9705" in head
    counted = next(line for line in text.splitlines() if "published, 640 images" in line)
    assert "*0.719*" in counted, "specificity from the printed confusion matrix"


def test_a_published_metric_that_does_not_exist_is_an_error(tmp_path):
    recipe = replace(RECIPES[0], published=(Published("test", {"acuracy": 0.9}),))
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        page(fabricate_runs(tmp_path / "runs", [recipe], flawed=False), tmp_path)


def test_no_nan_is_printed_and_every_dash_has_its_reason(tmp_path):
    runs = fabricate_runs(tmp_path / "runs", flawed=False)
    for folder in runs:
        if folder.spec.recipe.name == "cnn_baseline":
            predictions = folder.read_predictions("test")
            folder.write_predictions("test", Predictions(predictions.ids, -abs(predictions.logits[:, :1])))
    text = page(runs, tmp_path)
    assert not re.search(r"\b(nan|None|inf)\b", text)
    assert "– PPV of cnn_baseline: no film was predicted pneumonia." in section(text, "Each class")
    assert "NaN" not in (tmp_path / "leaderboard.json").read_text("utf-8")


def test_test_films_of_one_class_have_no_auc_and_no_traceback(tmp_path):
    films = fabricate_films().where(lambda film: film.split == "train" or film.label == 1)
    runs = Runs(tmp_path / "runs")
    runs.write_films(Dataset(KERMANY, "Test films of one class", None, films))
    for seed in (0, 1):
        spec = RunSpec(RECIPES[2], "official", films.fingerprint, "full", seed, None, "float32", "random")
        finish(runs.plan(spec), films)
    text = page(runs, tmp_path)
    assert "– AUC of cnn_baseline: the films are of one class." in section(text, "Ranking")
    assert "nan" not in text


def test_notes_on_the_films_are_on_the_page_and_in_the_json(tmp_path):
    runs, films = Runs(tmp_path / "runs"), fabricate_films()
    notes = ("Left out: 2 files with the extension .<b> (such as a|b.<b>).", "Patients unknown.")
    runs.write_films(Dataset(KERMANY, "Films with notes", None, films, notes=notes))
    spec = RunSpec(RECIPES[2], "official", films.fingerprint, "full", 0, None, "float32", "random")
    finish(runs.plan(spec), films)
    licence = "not stated; films in the layout of kermany, not its 5,856 published ones"
    lines = [
        f"- **Films:** Films with notes; licence: {licence}",
        "- Left out: 2 files with the extension .&lt;b> (such as a\\|b.&lt;b>).",
        "- Patients unknown.",
        "- **Runs:** 1 of 1 done",
    ]
    assert "\n".join(lines) in page(runs, tmp_path)
    (board,) = json.loads((tmp_path / "leaderboard.json").read_text("utf-8"))["boards"]
    assert (board["licence"], board["notes"]) == (licence, list(notes))


def test_letters_and_ranks_are_next_to_the_names(tmp_path):
    text = page(fabricate_runs(tmp_path / "runs", n_test=624), tmp_path)
    ranking = next(tables(section(text, "Ranking")))
    assert ranking[0][1].strip() == "Letters"
    assert re.fullmatch(r"a \(1(–\d)?\)", ranking[2][1].strip())
    assert "p &lt; 0.05 after Holm's correction over all pairs" in text


def test_ranks_stay_if_there_are_more_groups_than_letters(tmp_path, monkeypatch):
    monkeypatch.setattr("pneumo_tf.report.standings.assign_letters", lambda significant: None)
    text = section(page(fabricate_runs(tmp_path / "runs"), tmp_path), "Ranking")
    assert re.fullmatch(r"– \(1(–\d)?\)", next(tables(text))[2][1].strip())
    assert "– ahead of the bracket: letters of these rows would be more than a–z and A–Z." in text


def test_differences_are_to_the_first_row_and_paired(tmp_path):
    text = section(
        page(fabricate_runs(tmp_path / "runs", n_test=624), tmp_path), "Differences to the first row"
    )
    (table,) = tables(text)
    assert len(table) == 2 + len(RECIPES) - 1, "title, rule, and every row but the first"
    for line in table[2:]:
        assert line[1].strip().startswith("-"), "no row is above the first"
        assert re.fullmatch(r"(\+|-)\d\.\d+, (&lt; 0\.001|\d\.\d+)", line[3].strip())


def test_a_single_row_is_compared_with_nothing(tmp_path):
    text = page(fabricate_runs(tmp_path / "runs", RECIPES[2:3], flawed=False), tmp_path)
    assert "Differences to the first row" not in text


def test_tables_of_confidence_hold_every_ranked_row(tmp_path):
    text = page(fabricate_runs(tmp_path / "runs"), tmp_path)
    for title in ("Calibration", "Operating points", "Other prevalences", "Risk and coverage"):
        (table,) = tables(section(text, title))
        assert len(table) == 2 + len(RECIPES), title
    header, _, first, *_ = next(tables(section(text, "Operating points")))
    assert [cell.strip() for cell in header[1:3]] == ["Probability 0.5", "Youden"]
    kept, drift = re.fullmatch(r"(\S+) / \S+ \((\S+) / \S+\)", first[1].strip()).groups()
    validation = float(kept) - float(drift)
    assert 0 <= validation <= 1.01


def test_specificity_by_series_needs_two_series(tmp_path):
    assert "Specificity by series" not in page(fabricate_runs(tmp_path / "one"), tmp_path)
    films = fabricate_films()
    renamed = Films(tuple(film._replace(id=series_name(film, at)) for at, film in enumerate(films)))
    runs = Runs(tmp_path / "two")
    runs.write_films(Dataset(KERMANY, "Named as the source names them", None, renamed))
    spec = RunSpec(RECIPES[2], "official", renamed.fingerprint, "full", 0, None, "float32", "random")
    folder = runs.plan(spec)
    finish(folder, renamed)
    given = folder.read_predictions("test")
    score = np.array([-1.0 if "/IM-" in film else 1.0 for film in given.ids], np.float32)
    folder.write_predictions("test", Predictions(given.ids, score[:, None]))
    text = section(page(runs, tmp_path), "Specificity by series")
    header, _, line = next(tables(text))
    count = sum("/IM-" in film for film in given.ids)
    assert [cell.strip() for cell in header[1:]] == [
        f"IM ({count} films)",
        f"NORMAL2-IM ({60 - count} films)",
    ]
    assert [float(cell) for cell in line[1:]] == [1.0, 0.0]


def series_name(film, number):
    """A name as in the published set, every third normal of the first series."""
    if film.label:
        return f"{film.split}/PNEUMONIA/person{number}_{film.subtype}_{number}.jpeg"
    return f"{film.split}/NORMAL/{'' if number % 3 == 0 else 'NORMAL2-'}IM-{number:04d}-0001.jpeg"


def test_one_seed_shows_no_deviation(tmp_path):
    text = section(page(fabricate_runs(tmp_path / "runs", seeds=1), tmp_path), "Every metric")
    assert "±" not in text.split("|", 1)[1]


def test_pictures_are_at_the_place_of_the_caller(tmp_path):
    sections = [
        Section("Curves", [LinkedPicture("figures/a b.png", "ROC | all")]),
        Section("Errors", [LinkedPicture("figures/missed.png", "Missed")]),
    ]
    text = page(fabricate_runs(tmp_path / "runs"), tmp_path, [sections])
    assert "](figures/a%20b.png)" in section(text, "Curves")
    assert text.index("### Ranking") < text.index("### Curves") < text.index("### Errors")


def test_pictures_share_a_caption_and_have_notes_of_their_own(tmp_path):
    pictures = [LinkedPicture(f"figures/{name}.png", "Up is better.", f"Protocol {name}.") for name in "ab"]
    pictures.append(LinkedPicture("figures/c.png", "Down is better."))
    runs = fabricate_runs(tmp_path / "runs", RECIPES[2:3], flawed=False)
    text = section(page(runs, tmp_path, [[Section("Curves", pictures)]]), "Curves")
    lines = [line for line in text.splitlines() if line]
    expected = ["Up is better.", "![Curves](figures/a.png)", "Protocol a.", "![Curves](figures/b.png)"]
    assert lines == [*expected, "Protocol b.", "Down is better.", "![Curves](figures/c.png)"]


def test_notes_of_runs_are_shown_once_with_their_rows(tmp_path):
    text = page(fabricate_runs(tmp_path / "runs"), tmp_path)
    assert text.count(NO_IMAGENET) == 1
    assert f"| {NO_IMAGENET} | densenet121 |" in section(text, "Logged by the runs")
    assert "| **cnn_baseline** | filters 32, 64, 128" in section(text, "Chosen here")


def official(tmp_path, title, separation, profile="full", expected=None):
    """A run on as many test films as the official set has, at a chosen separation of the classes."""
    recipe = Recipe("net", "cnn", (Phase(1, 1e-3),), expected=expected)
    runs = fabricate_runs(
        tmp_path / f"{title}-{profile}-{separation}", [recipe], 1, 624, title=title, flawed=False
    )
    (folder,) = runs
    films = fabricate_films(624)
    part = films.where(lambda film: film.split == "test")
    score = separation * (part.labels - 0.5) + np.random.default_rng(0).normal(size=len(part))
    folder.write_predictions(
        "test", Predictions(tuple(f.id for f in part), score[:, None].astype(np.float32))
    )
    return page(runs, tmp_path)


def test_accuracy_above_results_without_leakage_is_a_warning_on_the_real_test_films_alone(tmp_path):
    doubt = "above every published result without leakage"
    assert doubt in official(tmp_path, "Kermany 2018", 6.0)
    assert doubt not in official(tmp_path, "Kermany 2018", 2.0)
    assert doubt not in official(tmp_path, "Phantom chest films", 6.0)


def test_a_run_outside_of_its_expected_band_is_a_warning(tmp_path):
    assert "outside of 0.86–0.93" in official(tmp_path, "Kermany 2018", 1.0, expected=(0.86, 0.93))
    assert "outside of" not in official(tmp_path, "Kermany 2018", 2.6, expected=(0.86, 0.93))


def test_no_run_and_no_done_run_make_a_page_all_the_same(tmp_path):
    assert "No run is done yet" in page(Runs(tmp_path / "none"), tmp_path)
    runs = fabricate_runs(tmp_path / "runs", (), flawed=False)
    films = fabricate_films()
    spec = RunSpec(RECIPES[0], "official", films.fingerprint, "full", 0, None, "float32", "random")
    runs.plan(spec).set_status("failed", "no space left")
    text = page(runs, tmp_path)
    assert "No run is done yet" in text
    assert "no space left" in section(text, "Not done")


@pytest.mark.parametrize(
    ("half_width", "decimals"),
    [(0.024, 3), (0.05, 2), (0.012, 3), (0.0032, 4), (0.36, 1), (0.2, 2), (1e-9, 4)],
)
def test_decimals_follow_the_interval(half_width, decimals):
    assert supported_decimals([half_width], 3) == decimals


def test_numbers_have_the_decimals_that_intervals_support():
    estimate = Estimate(0.91234, 0.8876, 0.9354, 0.00512, (0.9, 0.92))
    assert with_interval(estimate, 3) == "0.912 [0.888–0.935]"
    assert with_sd(estimate, 3) == "0.9123 ± 0.0051"
    assert with_sd(replace(estimate, sd=np.nan), 2) == "0.912"
    assert with_interval(replace(estimate, low=np.nan, high=np.nan), 3) == "0.912 [–]"
    assert format_number(np.nan, 2) == format_number(None, 2) == "–"
    assert format_number(-0.0001, 2) == "0.00"
    assert supported_decimals([np.nan, 0.0], 3) == 3


@pytest.mark.parametrize(
    ("value", "decimals", "shown"),
    [
        (-0.0004, 2, "-0.0004"),
        (0.25, 2, "+0.25"),
        (-0.0042, 2, "-0.004"),
        (0.00049, 3, "+0.0005"),
        (0.0, 2, "0.00"),
        (-1e-12, 3, "0.000"),
        (1234.5, 1, "+1,234.5"),
        (np.nan, 2, "–"),
    ],
)
def test_a_difference_shows_its_sign_and_first_digit(value, decimals, shown):
    assert format_signed(value, decimals) == shown


def test_finishing_the_last_run_empties_the_list_of_what_is_not_done(tmp_path):
    runs = fabricate_runs(tmp_path / "runs")
    for folder in runs:
        if folder.state != "done":
            finish(folder, fabricate_films())
    text = page(runs, tmp_path)
    assert "Not done" not in text
    assert "**Missing:**" not in text


@pytest.mark.parametrize(
    ("devices", "sentence"),
    [
        (["CPU", "CPU, 1 thread", "CPU, 2 threads"], "CPU, 1 or 2 threads for each run"),
        (["CPU, 1 thread"], "CPU, 1 thread for each run"),
        (["CPU"], "CPU"),
        (["CPU", "NVIDIA A100-SXM4-40GB"], "NVIDIA A100-SXM4-40GB; CPU for rows without a network"),
        ([], "not recorded"),
    ],
)
def test_machines_make_a_sentence(devices, sentence):
    assert describe_machines(devices) == sentence


def test_random_weights_in_place_of_imagenets_are_explained_at_the_top(tmp_path):
    text = page(fabricate_runs(tmp_path / "runs"), tmp_path).split("### Films")[0]
    assert "**Random initial weights instead of ImageNet's:** densenet121; without them" in text
    alone = page(fabricate_runs(tmp_path / "alone", RECIPES[2:3], flawed=False), tmp_path)
    assert "Random initial weights" not in alone
