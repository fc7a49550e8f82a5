"""The tables of net benefit against counting."""

import re

import numpy as np
import pytest

from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.tables.net_benefit import net_benefit_tables
from tests.report.fabricate import RECIPES, fabricate_runs


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return read_boards(fabricate_runs(tmp_path_factory.mktemp("runs"), RECIPES, 2, flawed=False))[0]


def first_number(cell):
    return float(re.search(r"-?[\d.]+", cell)[0])


def test_cells_are_hits_minus_weighted_alarms(board):
    table, _ = net_benefit_tables(board)
    lines = {line[0]: line[1:] for line in table.rows}
    for row in board.ranking:
        for cell, threshold in zip(lines[row.name], (0.1, 0.25, 0.5), strict=True):
            found = []
            for run in row.test:
                called = run.probability > threshold
                hits, alarms = np.sum(called & (run.labels == 1)), np.sum(called & (run.labels == 0))
                found.append(100 * (hits - alarms * threshold / (1 - threshold)) / len(run))
            assert first_number(cell) == pytest.approx(np.mean(found), abs=0.051)
    share = board.ranking[0].test[0].labels.mean()
    assert first_number(lines["*all positive*"][2]) == pytest.approx(100 * (2 * share - 1), abs=0.051)


def test_only_rows_above_every_rival_are_bold(tmp_path):
    (board,) = read_boards(fabricate_runs(tmp_path, RECIPES, 2, flawed=False))
    trivial = next(row for row in board.ranking if row.trivial and np.ptp(row.test[0].score))
    first, second = [row for row in board.ranking if not row.trivial][:2]
    # As good as a trivial row, so not better.
    second.__dict__["test"] = trivial.test * 2
    table, _ = net_benefit_tables(board)
    bold = {line[0] for line in table.rows if line[3].startswith("**")}
    assert first.name in bold
    assert not bold & {second.name, *(row.name for row in board.ranking if row.trivial)}


def test_films_of_one_class_have_no_net_benefit(board, tmp_path):
    normal = fabricate_runs(tmp_path, RECIPES[:2], 1, flawed=False)
    (plain,) = read_boards(normal)
    for row in plain.ranking:
        one = tuple(run.where(run.labels == 0) for run in row.test)
        row.__dict__["test"] = one
    assert not any(table.rows for table in net_benefit_tables(plain))
