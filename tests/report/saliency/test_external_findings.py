"""Maps on marked external films: values, verdicts, and runs that lack them or hold damaged ones."""

import numpy as np
import pytest

from pneumo_tf.external_sets import external_explanations
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.saliency.external_findings import (
    describe_findings,
    external_findings,
    verdict_against_blob,
)
from pneumo_tf.report.saliency.page import write_explanations
from pneumo_tf.report.saliency.tables import verdict_on_pointing
from tests.report.fabricate import RECIPES, fabricate_runs
from tests.report.saliency.test_saliency import TITLES
from tests.report.tables.test_external_validation import external_dataset, score_external

MARKED = 40
BLOB = {"pointing": 0.3, "energy": 0.2, "iou": 0.2}


def store(folder, dataset, methods, marked=MARKED):
    """Stores maps whose measures are those given for Grad-CAM, and lower ones for the baselines."""
    ids = [film.id for film in dataset.films if film.label][:marked]
    rates = {"grad_cam": methods, "layer_cam": BLOB, "centre": BLOB}
    low = dict.fromkeys(BLOB, 0.1)

    def spread(rate):
        return [round(rate + 0.01 * (at % 3), 3) for at in range(marked)]

    found = {
        name: {"title": title, **{key: spread(rate) for key, rate in rates.get(name, low).items()}}
        for name, title in TITLES.items()
    }
    found["opacity"] = {"title": "the opacity itself", "pointing": [0.9] * marked}
    values = {"layers": ["relu"], "grid": [4, 4], "films": ids, "methods": found}
    folder.write_json(external_explanations(dataset.films.fingerprint), values)
    return found


@pytest.fixture
def scored(tmp_path):
    runs = fabricate_runs(tmp_path / "runs", RECIPES[:1], flawed=False)
    dataset = external_dataset()
    score_external(runs, dataset)
    return runs, dataset


def measured(runs):
    ((dataset, (one,)),) = external_findings(read_boards(runs)[0])
    return dataset, one


def test_values_are_means_over_films_of_the_mean_over_runs(scored):
    runs, dataset = scored
    found = [
        store(folder, dataset, dict.fromkeys(BLOB, rate))
        for folder, rate in zip(runs, (0.4, 0.6), strict=True)
    ]
    _, one = measured(runs)
    expected = np.mean([left["grad_cam"]["energy"] for left in found])
    assert one.mean("grad_cam", "energy").value == pytest.approx(expected)
    assert one.films[0].all() and len(one.ids) == MARKED


@pytest.mark.parametrize(
    ("rate", "verdict"),
    [
        (
            0.5,
            "baseline_cnn: methods compared with the blob in the middle: in the pointing game better: ",
        ),
        (0.3, "baseline_cnn: no method beats the blob in the middle, by any of three measures: in the point"),
        (0.1, "none is better, 1 of 2 worse (highest: LayerCAM 0.31, blob 0.31)"),
    ],
)
def test_the_verdict_names_the_methods_that_beat_the_blob(scored, rate, verdict):
    runs, dataset = scored
    methods = dict.fromkeys(BLOB, rate) | {"energy": 0.2, "iou": 0.2}
    for folder in runs:
        store(folder, dataset, methods)
    _, one = measured(runs)
    assert verdict in verdict_against_blob(one).replace(one.row.name, "baseline_cnn")


def test_the_auc_of_the_verdict_is_that_on_these_films(scored):
    runs, dataset = scored
    for folder in runs:
        store(folder, dataset, dict.fromkeys(BLOB, 0.0))
    _, one = measured(runs)
    assert one.auc == pytest.approx(np.mean(one.row.external_aucs(dataset.films)))
    assert verdict_on_pointing(one).endswith(f"AUC on all films of other: films is {one.auc:.2f}.")


def test_the_page_has_them_and_names_runs_without(scored, tmp_path):
    runs, dataset = scored
    first, second = runs
    store(first, dataset, dict.fromkeys(BLOB, 0.5))
    there, one = measured(runs)
    text = describe_findings(there, [one])
    assert text.startswith("40 films of pneumonia with a mark, of 40 patients.")
    assert text.endswith("1 of 2 runs were measured on this set.")
    page = write_explanations(read_boards(runs), tmp_path / "report").read_text("utf-8")
    assert "### Does the map point at findings on external films? other: films" in page
    (second.path / "explanations").mkdir()
    (second.path / external_explanations(dataset.films.fingerprint)).write_text("{")
    (row,) = read_boards(runs)[0].rows
    assert any("explanations/external-" in fault for fault in row.damaged_extras)


def test_films_of_another_table_are_left_out(scored):
    runs, dataset = scored
    for folder in runs:
        store(folder, dataset, dict.fromkeys(BLOB, 0.5))
        values = folder.read_json(external_explanations(dataset.films.fingerprint))
        values["films"][0] = "of another set"
        folder.write_json(external_explanations(dataset.films.fingerprint), values)
    assert list(external_findings(read_boards(runs)[0])) == []
