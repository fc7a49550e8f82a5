"""Tables and figures of a recipe of three classes, beside the same recipe of two."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.special import softmax
from sklearn.metrics import confusion_matrix, roc_auc_score

from benchmarks.recipes import RECIPES
from pneumo_tf.report.figures import grad_cam_classes, style, three_class_confusion
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.three_classes import three_classes_tables
from tests.report.fabricate import fabricate_runs

CELLS, SIDE = 6, 48
CHOSEN = [RECIPES[name] for name in ("mobilenetv2_frozen_3_classes", "mobilenetv2_frozen", "baseline_cnn")]


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return read_boards(fabricate_runs(tmp_path_factory.mktemp("runs"), CHOSEN, 2, flawed=False))[0]


def row_of(board, name):
    return next(row for row in board.ranking if row.name == name)


def truth(run):
    return np.array([["normal", "bacteria", "virus"].index(name) for name in run.subtypes])


def test_tables_have_the_values_of_scikit_learn(board):
    measures, scores = three_classes_tables(board)
    row = row_of(board, "mobilenetv2_frozen_3_classes")
    macro = np.mean(
        [
            roc_auc_score(truth(run), softmax(run.logits.astype(float), axis=1), multi_class="ovr")
            for run in row.test
        ]
    )
    (line,) = measures.rows
    assert line[0] == row.name and float(line[1].split()[0]) == pytest.approx(macro, abs=5e-3)
    (line,) = scores.rows
    binary = row_of(board, "mobilenetv2_frozen")
    aucs = [np.mean([roc_auc_score(run.labels, run.score) for run in one.test]) for one in (row, binary)]
    assert line[0] == row.name and line[2] == binary.name
    assert [float(line[place].split()[0]) for place in (1, 3)] == pytest.approx(aucs, abs=6e-3)
    assert float(line[4].split()[0].replace("−", "-")) == pytest.approx(aucs[0] - aucs[1], abs=5e-3)


def texts(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text")))


def test_the_confusion_matrix_has_the_counts_of_scikit_learn(board):
    with style.applied():
        (page,) = three_class_confusion.draw_three_class_confusions(board)
    runs = row_of(board, "mobilenetv2_frozen_3_classes").test
    counts = np.mean([confusion_matrix(truth(run), run.logits.argmax(axis=1)) for run in runs], axis=0)
    found = texts(page.figure)
    for count in counts.flat:
        assert f"{count:.1f}\n" in found or f"{count:.0f}\n" in found


def test_maps_of_each_class_have_its_probability(board, tmp_path):
    row = row_of(board, "mobilenetv2_frozen_3_classes")
    run, rng = row.test[0], np.random.default_rng(0)
    chosen = [int(np.flatnonzero(run.subtypes == name)[0]) for name in ("normal", "bacteria", "virus")]
    row.runs[0].write_arrays(
        "explained",
        {
            "ids": np.array([run.ids[place] for place in chosen]),
            "pixels": rng.integers(0, 256, (3, SIDE, SIDE)).astype(np.uint8),
            "maps": rng.gamma(1, 1, (3, CELLS, CELLS)).astype(np.float32),
            "class_maps": rng.gamma(1, 1, (3, 3, CELLS, CELLS)).astype(np.float32),
            "common": np.ones(3, bool),
        },
    )
    with style.applied():
        (page,) = grad_cam_classes.draw_grad_cam_by_class(board)
    found = texts(page.figure)
    for share in softmax(run.logits[chosen].astype(float), axis=1).flat:
        assert f"probability {share:.3f}" in found


def test_a_board_of_two_classes_has_neither(tmp_path):
    plain = read_boards(fabricate_runs(tmp_path, CHOSEN[1:], 1, flawed=False))[0]
    assert not any(table.rows for table in three_classes_tables(plain))
    assert not list(three_class_confusion.draw_three_class_confusions(plain))
    assert not list(grad_cam_classes.draw_grad_cam_by_class(plain))
