"""The tables by groups of films against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.subgroups import subgroups_tables
from tests.report.fabricate import RECIPES, fabricate_runs


def test_cells_are_the_auc_of_scikit_learn(tmp_path):
    (board,) = read_boards(fabricate_runs(tmp_path, RECIPES[:4], 2, flawed=False))
    tables = {table.title: table for table in subgroups_tables(board)}
    table = tables["By subtype of pneumonia"]
    lines = {line[0]: line[1:] for line in table.rows}
    for row in board.ranking:
        if row.name not in lines:
            assert np.ptp(row.test[0].score) == 0
            continue
        for cell, subtype in zip(lines[row.name], ("bacteria", "virus"), strict=False):
            parts = [run.where(np.isin(run.subtypes, ["normal", subtype])) for run in row.test]
            auc = np.mean([roc_auc_score(part.labels, part.score) for part in parts])
            assert float(cell.split()[0]) == pytest.approx(auc, abs=5.1e-3)
    assert list(tables.values())[-1].notes == ["Unknown for these films: age, sex, view."]
