import os
import pickle
import signal
import time

import numpy as np
import pytest

from pneumo_tf.errors import UserError
from pneumo_tf.report.figures import list_drawings, sections
from pneumo_tf.report.parallel import forked_map, measure_board
from pneumo_tf.report.reading import read_boards
from tests.report.fabricate import RECIPES, fabricate_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return fabricate_runs(tmp_path_factory.mktemp("runs"), RECIPES[3:6], n_test=60, n_train=120)


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_the_order_of_the_items(processes):
    offset = 3
    assert forked_map(lambda number: number + offset, range(20), processes) == list(range(3, 23))


def test_work_is_done_elsewhere_and_changes_nothing_here():
    seen = []
    elsewhere = forked_map(lambda number: seen.append(number) or os.getpid(), range(4), 2)
    assert os.getpid() not in elsewhere
    assert seen == []


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_is_raised_as_if_it_were_found_here(processes):
    def fail(number):
        raise UserError(f"film {number} is damaged")

    with pytest.raises(UserError, match="film 0 is damaged"):
        forked_map(fail, range(3), processes)


def test_the_error_of_the_first_item_is_raised_even_if_another_fails_before(tmp_path):
    def fail(number):
        while number == 0 and not (tmp_path / "1").exists():
            time.sleep(0.01)
        (tmp_path / str(number)).touch()
        raise UserError(f"film {number} is damaged")

    with pytest.raises(UserError, match="film 0 is damaged"):
        forked_map(fail, range(20), 2)
    assert len(list(tmp_path.iterdir())) < 20, "after an error no further item is begun"


def test_an_error_keeps_where_it_was_raised():
    def fail(number):
        raise KeyError(number)

    with pytest.raises(KeyError) as raised:
        forked_map(fail, range(2), 2)
    assert "in fail" in raised.value.__notes__[0]


def test_a_single_call_needs_no_process():
    assert forked_map(lambda _: os.getpid(), [0], 4) == [os.getpid()]
    assert forked_map(lambda _: os.getpid(), [], 4) == []


def test_a_process_that_the_system_kills_is_a_user_error():
    with pytest.raises(UserError, match=r"killed by the system, most likely out of memory; free memory"):
        forked_map(lambda _: os.kill(os.getpid(), signal.SIGKILL), range(2), 2)


def test_rows_keep_what_was_computed_elsewhere(runs):
    (own,), (unscored,) = read_boards(runs), read_boards(runs)
    forked = measure_board(unscored, 2)
    for row, other in zip(own.rows, forked.rows, strict=True):
        assert (other.known_metrics is not None) == bool(row.runs)
        assert other.estimates.keys() == row.estimates.keys()
        for name, estimate in row.estimates.items():
            # One thread adds in another order than several: the last bit may differ.
            numbers = ((of.value, of.low, of.high, of.sd) for of in (other.estimates[name], estimate))
            np.testing.assert_allclose(*numbers, rtol=1e-12)
            np.testing.assert_allclose(other.estimates[name].replicates, estimate.replicates, rtol=1e-6)
        assert [scored.ids for scored in other.test] == [scored.ids for scored in row.test]
    assert [row.name for row in forked.ranking] == [row.name for row in own.ranking]


def test_processes_send_no_predictions_back(runs):
    (board,) = read_boards(runs)
    for row in measure_board(board, 2).rows:
        for scored, sets in zip(row.test, row.sets, strict=True):
            assert scored is sets[row.reported_set], "a copy would double the memory of a large report"
        assert len(pickle.dumps(row.metrics)) < len(row.runs) * 10_000 + 50_000


def test_pictures_are_the_same_bytes_however_many_processes_draw(runs, tmp_path):
    (board,) = read_boards(runs)
    drawn = [
        sections(forked_map(lambda draw: draw(), list_drawings(board, tmp_path / str(processes)), processes))
        for processes in (1, 2)
    ]
    assert drawn[0] == drawn[1]
    paths = [path for section in drawn[0] for path, *_ in section.pictures]
    assert len(set(paths)) == len(paths) > 10
    sheets = next(section for section in drawn[0] if section.title == "Evaluation sheets")
    assert len(sheets.pictures) == sum(bool(row.runs) for row in board.rows) > 3
    for path in paths:
        assert (tmp_path / "1" / path).read_bytes() == (tmp_path / "2" / path).read_bytes()
