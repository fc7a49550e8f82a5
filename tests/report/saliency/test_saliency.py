"""What is said of maps: values joined over runs, paired differences, verdicts, runs compared."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from pneumo_tf.explain.maps import pack_maps
from pneumo_tf.report.page import write_leaderboard
from pneumo_tf.report.reading import read_boards
from pneumo_tf.report.saliency import robustness, tables
from pneumo_tf.report.saliency.border import border_table
from pneumo_tf.report.saliency.measures import BASELINES, means_over_runs, read_explanations
from pneumo_tf.report.saliency.page import summary_table, write_explanations
from tests.report.fabricate import RECIPES, fabricate_runs

FILMS = 40
TITLES = {
    "grad_cam": "Grad-CAM",
    "layer_cam": "LayerCAM",
    "centre": "blob in the middle",
    "edges": "edges of the film",
    "random": "random map",
    "input_gradient": "input gradient",
}
ORDER = np.random.default_rng(0).permutation(20)
"""In which order films are hit as the rate grows: neighbours are often of one patient."""

RATES = {"layer_cam": 0.5, "centre": 0.25, "edges": 0.2, "random": 0.15, "input_gradient": 0.3}


def leave(run, scored, own=0.75, ceiling=1.0, masks=True, films=FILMS, shift=0.0, more=None):
    """Writes what a worker leaves: each map hits in its share of films, Grad-CAM in `own` of them."""
    half = films // 2
    chosen = np.concatenate([np.flatnonzero(scored.labels == label)[:half] for label in (0, 1)])
    sick = scored.labels[chosen] == 1
    methods = {}
    for name, title in TITLES.items():
        rate = RATES.get(name, own)
        hit = (ORDER[np.arange(films) % 20] < 20 * rate).astype(float) + shift
        methods[name] = {
            "title": title,
            "border": [round(0.1 + 0.02 * n, 2) for n in range(films)],
            "corners": [0.05] * films,
            "outside_body": [0.1] * films,
            "empty": [0.0] * films,
            "deletion": [0.8 - 0.5 * value if at else None for value, at in zip(hit, sick, strict=True)],
        }
        if masks:
            methods[name]["pointing"] = [value if at else None for value, at in zip(hit, sick, strict=True)]
            methods[name]["energy"] = [0.5 if at else None for at in sick]
    if masks:
        hit = (ORDER[np.arange(films) % 20] < 20 * ceiling).astype(float)
        known = [value if at else None for value, at in zip(hit, sick, strict=True)]
        methods["opacity"] = {"title": "the opacity itself", "pointing": known}
    ids = [scored.ids[at] for at in chosen]
    left = {"layers": ["relu"], "grid": [7, 7], "films": ids, "methods": methods, **(more or {})}
    run.write_json("explanations.json", left)


def sanity(ids, first, last, between):
    """What a worker leaves of the cascade; LayerCAM never changes."""

    def of(value):
        return {"rank": [value + 0.01 * (at % 3) for at in range(len(ids))], "ssim": [value] * len(ids)}

    stages = [
        {"layers": layers, "share": layers / 9, "methods": {"grad_cam": of(value), "layer_cam": of(0.9)}}
        for layers, value in ((1, first), (2, 0.6), (4, 0.5), (7, 0.4), (9, last))
    ]
    return {
        "films": list(ids),
        "stages": stages,
        "next_film": {"grad_cam": of(between), "layer_cam": of(0.3)},
    }


@pytest.fixture
def board(tmp_path):
    return read_boards(fabricate_runs(tmp_path, RECIPES[:2], seeds=2, n_test=120, flawed=False))[0]


@pytest.fixture
def row(board):
    return board.rows[0]


def only(board):
    (left,) = read_explanations(board)
    return left


def cells(table, line=0):
    return dict(zip(table.header, table.rows[line], strict=True))


def test_a_board_without_measures_says_so(board, tmp_path):
    assert read_explanations(board) == []
    assert "No run has results of explanations yet." in write_explanations([board], tmp_path).read_text(
        "utf-8"
    )
    page = write_leaderboard([board], tmp_path).read_text("utf-8")
    assert "Tests of the maps" not in page


def test_a_line_per_row_and_map(board, row):
    leave(row.runs[0], row.test[0])
    table = tables.by_map([only(board)], tables.POINTING)
    assert [line[1] for line in table.rows] == [
        "**Grad-CAM**",
        *list(TITLES.values())[1:],
        "the opacity itself",
    ]
    assert [line[0] for line in table.rows] == [row.name] + [""] * 6
    assert cells(table)["Pointing game ↑"].startswith("0.75 [0.")
    assert cells(table, 2)["Pointing game ↑"].startswith("0.25 [0.")
    overlap = tables.by_map([only(board)], tables.OVERLAP)
    assert overlap.header == ("Recipe", "Map", "Energy in opacity ↑")
    assert tables.by_map([only(board)], tables.AGREEMENT).rows == []


def test_differences_to_baselines_are_paired_and_marked(board, row):
    leave(row.runs[0], row.test[0])
    table = tables.lead_over_baselines([only(board)], "pointing")
    assert table.header[2:] == tuple(TITLES[name] for name in BASELINES)
    assert cells(table)["blob in the middle"].startswith("**+0.50** [+0.")
    # LayerCAM hits wherever the input gradient does, and in a fifth more.
    assert cells(table, 1)["input gradient"].startswith("**+0.20** [+0.")
    leave(row.runs[0], row.test[0], own=0.2)
    assert cells(tables.lead_over_baselines([only(board)], "pointing"))["edges of the film"].startswith(
        "0.00 ["
    )


VERDICTS = [
    # Rates of Grad-CAM, the input gradient and the opacity itself; what is said.
    (0.75, 0.3, 1.0, ["Grad-CAM beats every baseline; LayerCAM beats every baseline."]),
    (0.30, 0.3, 0.9, ["not shown to beat", "gradient (0.00); LayerCAM", "are not the reason", "hits 0.90"]),
    (0.30, 0.3, 0.3, ["7 × 7 cells are too coarse to point with: the opacity itself", "hits 0.30, Grad-CAM"]),
    (0.65, 0.6, 0.8, ["is not shown to beat input gradient (+0.05)", "7 × 7 cells may be the reason"]),
    (0.00, 0.3, 0.9, ["is beaten by blob in the middle (-0.25), edges of the film"]),
]


@pytest.mark.parametrize(("own", "gradient", "ceiling", "said"), VERDICTS)
def test_the_verdict_names_the_baselines_and_the_reason(
    board, row, own, gradient, ceiling, said, monkeypatch
):
    monkeypatch.setitem(RATES, "input_gradient", gradient)
    leave(row.runs[0], row.test[0], own, ceiling)
    line = tables.verdict_on_pointing(only(board))
    assert line.startswith(f"{row.name}: in the pointing game Grad-CAM ")
    for part in said:
        assert part in line
    assert ("AUC on the test films" in line) == (own != 0.75)


def test_deletion_is_better_low(board, row):
    leave(row.runs[0], row.test[0], masks=False)
    left = only(board)
    line = tables.verdict_on_faithfulness(left)
    assert line == f"{row.name}: by deletion Grad-CAM beats every baseline."
    assert "ROAD" not in line
    assert tables.count_beaten(left, "grad_cam", "deletion") == "4 of 4"
    assert tables.count_beaten(left, "grad_cam", "pointing") == "–"
    assert tables.lead_over_baselines([left], "pointing").rows == []


def test_values_of_a_film_are_averaged_over_runs(board, row):
    leave(row.runs[0], row.test[0])
    before = only(board).mean("centre", "pointing").value
    leave(row.runs[1], row.test[1], shift=1.0)
    after = only(board)
    assert after.mean("centre", "pointing").value == pytest.approx(before + 0.5)
    assert after.mean("centre", "pointing").films == 20


def test_a_film_has_the_mean_of_the_runs_that_have_a_value_for_it():
    runs = [(["b", "a"], [1.0, None]), (["a", "b"], [3.0, 2.0]), (["b"], [6.0])]
    np.testing.assert_array_equal(means_over_runs(runs, ["a", "b", "c"]), [3.0, 3.0, np.nan])
    np.testing.assert_array_equal(means_over_runs([], ["a"]), [np.nan])


def test_runs_with_other_films_or_fewer_measures_add_what_they_have(board, row):
    leave(row.runs[0], row.test[0], films=10, masks=False)
    leave(row.runs[1], row.test[1], films=40)
    left = only(board)
    assert left.mean("grad_cam", "border").films == 40
    assert left.mean("grad_cam", "pointing").films == 20
    assert left.mean("opacity", "pointing").films == 20


def test_means_are_of_the_films_of_a_kind(board, row):
    leave(row.runs[0], row.test[0])
    left = only(board)
    kinds = [left.mean("grad_cam", "pointing", [kind]).films for kind in ("bacteria", "virus", "normal")]
    assert sum(kinds) == 20
    assert kinds[2] == 0


def test_the_alarm_names_the_films_that_are_worst(board, row):
    leave(row.runs[0], row.test[0])
    line = cells(border_table([only(board)]))
    worst = only(board).ids[-1].rsplit("/", 1)[-1].removesuffix(".jpeg")
    assert line["Most on the border"].startswith(f"{worst} (0.88)")
    assert line["normal"].startswith("0.29")
    assert line["pneumonia"].startswith("0.69")
    assert line["Corners"].startswith("0.05")
    assert line["Outside"].startswith("0.10")


@pytest.mark.parametrize(
    ("last", "between", "said"),
    [
        (0.1, 0.4, "yes"),
        (0.3, 0.1, "no"),  # more similar than maps of different films
        (0.8, 0.9, "no"),  # a blob, whatever film and weights
    ],
)
def test_what_the_weights_change_is_said(board, row, last, between, said):
    ids = row.test[0].ids[:15]
    leave(row.runs[0], row.test[0], more={"sanity": sanity(ids, 0.95, last, between)})
    left = only(board)
    assert robustness.changes_with_weights(left) == said
    line = robustness.verdict_on_weights(left)
    how = {"yes": "changes with the weights", "no": "is not shown to change"}[said]
    assert f"Grad-CAM {how}: rank correlation {last + 0.01:.2f} with all weights randomized" in line
    assert f"(15 films), {between + 0.01:.2f} between different films; LayerCAM is not shown" in line


def test_the_table_of_weights_goes_from_the_logits_to_all(board, row):
    leave(row.runs[0], row.test[0], more={"sanity": sanity(row.test[0].ids[:15], 0.95, 0.8, 0.4)})
    table = robustness.weights_table([only(board)])
    assert [line[1] for line in table.rows][:2] == ["Grad-CAM, rank correlation", "Grad-CAM, SSIM"]
    found = [float(line.split(" ")[0]) for line in table.rows[0][2:]]
    assert found == pytest.approx([0.96, 0.61, 0.51, 0.41, 0.81, 0.41], abs=0.006)


def test_old_runs_say_nothing_of_the_weights(board, row):
    leave(row.runs[0], row.test[0])
    left = only(board)
    assert (left.randomization, left.stored) == (None, ())
    assert robustness.changes_with_weights(left) == "–"
    assert robustness.compare_runs([left]) == []


def keep(run, scored, maps, films=FILMS):
    leave(run, scored, films=films, more={"maps": pack_maps(maps)})


def spearman(one, other):
    return np.mean([spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)])


def test_maps_of_two_runs_are_compared_film_by_film(board, row):
    random = np.random.default_rng(0)
    first = random.random((FILMS, 7, 7)).astype(np.float32)
    second = first + 0.8 * random.random((FILMS, 7, 7)).astype(np.float32)
    keep(row.runs[0], row.test[0], first)
    keep(row.runs[1], row.test[1], second)
    left = only(board)
    (of,) = robustness.compare_runs([left])
    assert left.average(of.same["rank"]).value == pytest.approx(spearman(first, second), abs=0.01)
    turned = np.roll(second, -1, axis=0)
    assert left.average(of.next_film["rank"]).value == pytest.approx(spearman(first, turned), abs=0.01)
    assert of.others.shape == (FILMS,)
    assert np.isnan(of.others).all()  # no other recipe left maps
    assert (
        "maps repeat from run to run beyond what maps of different films share"
        in robustness.verdict_on_runs(of)
    )
    table = robustness.runs_table([of])
    assert table.header[-1] != "Rank correlation with other recipes"
    assert cells(table)["Runs"] == "2"
    same, different = (left.average(values["rank"]).value for values in (of.same, of.next_film))
    assert robustness.summarize_runs(of) == f"{same:.2f} ({different:.2f})"


def test_a_blob_that_all_films_share_is_not_repeatability(board, row):
    blob = np.exp(-np.hypot(*(np.mgrid[:7, :7] - 3)))[None]
    for run, scored, seed in zip(row.runs, row.test, (0, 1), strict=True):
        noise = 0.05 * np.random.default_rng(seed).random((FILMS, 7, 7))
        keep(run, scored, (blob + noise).astype(np.float32))
    (of,) = robustness.compare_runs([only(board)])
    assert only(board).average(of.same["rank"]).value > 0.6
    assert (
        "are not shown to be more similar between runs than maps of different films"
        in robustness.verdict_on_runs(of)
    )


def test_recipes_with_the_same_crop_and_fit_are_compared(board, row):
    random = np.random.default_rng(0)
    maps = random.random((FILMS, 7, 7)).astype(np.float32)
    for run, scored in zip(row.runs, row.test, strict=True):
        keep(run, scored, maps)
    other = board.rows[1]
    assert (other.recipe.fit, other.recipe.edge_crop) == (row.recipe.fit, row.recipe.edge_crop)
    keep(other.runs[0], other.test[0], maps[::-1].copy())
    (of, *_) = robustness.compare_runs(read_explanations(board))
    found = of.one.average(of.others).value
    keep(other.runs[0], other.test[0], maps)
    (of, *_) = robustness.compare_runs(read_explanations(board))
    assert of.one.average(of.others).value == pytest.approx(1, abs=1e-6)
    assert abs(found) < 0.2
    ours, theirs = read_explanations(board)
    cropped = replace(theirs, row=replace(other, recipe=replace(other.recipe, edge_crop=0.05)))
    assert np.isnan(robustness.compare_runs([ours, cropped])[0].others).all()


def test_folds_without_common_films_have_nothing_to_compare(board, row):
    maps = np.random.default_rng(0).random((FILMS, 7, 7)).astype(np.float32)
    for run, scored in zip(row.runs, row.test, strict=True):
        keep(run, scored, maps)
    left = row.runs[1].read_json("explanations.json")
    known = set(left["films"])
    left["films"] = [film_id for film_id in row.test[1].ids if film_id not in known][:FILMS]
    row.runs[1].write_json("explanations.json", left)
    (of,) = robustness.compare_runs([only(board)])
    assert robustness.verdict_on_runs(of) == f"{row.name}: no film has a map in two runs."


def test_the_page_and_the_board_agree(board, row, tmp_path):
    maps = np.random.default_rng(0).random((FILMS, 7, 7)).astype(np.float32)
    for run, scored in zip(row.runs, row.test, strict=True):
        more = {"maps": pack_maps(maps), "sanity": sanity(scored.ids[:15], 0.95, 0.1, 0.4)}
        leave(run, scored, more=more)
    text = write_leaderboard([board], tmp_path).read_text("utf-8")
    line = next(line for line in text.splitlines() if line.startswith(f"| {row.name} | 7 × 7 |"))
    assert line.startswith(f"| {row.name} | 7 × 7 | 4 of 4 | 4 of 4 | – | yes | 1.00 (")
    assert "[Every test](explanations.md)" in text
    page = (tmp_path / "explanations.md").read_text("utf-8")
    assert line in page
    for heading in (
        "Does the map point at the opacity?",
        "Does the model need what is marked?",
        "Does the map depend on the weights?",
        "Does another run give the same map?",
        "Shortcut alarm",
    ):
        assert f"### {heading}\n" in page
    assert "Do the methods agree?" not in page  # nothing was measured of it


def test_a_set_without_outlines_says_that_pointing_is_not_known(board, row, tmp_path):
    leave(row.runs[0], row.test[0], masks=False)
    page = write_explanations([board], tmp_path).read_text("utf-8")
    assert "No opacity is outlined in this set" in page
    assert "Pointing game" not in page.split("## ", 1)[1]


def test_rows_of_one_recipe_under_three_protocols_have_their_own_lines(tmp_path):
    protocols = {"official": 0.75, "published-pooled": 0.5, "published-test-selected": 0.25}
    for protocol in protocols:
        runs = fabricate_runs(tmp_path, RECIPES[:1], 2, 120, protocol=protocol, flawed=False)
    (board,) = read_boards(runs)
    maps = np.random.default_rng(0).random((2, FILMS, 7, 7)).astype(np.float32)
    for row in board.rows:
        for number, (run, scored) in enumerate(zip(row.runs, row.test, strict=True)):
            kept = maps[number if row.protocol == "published-pooled" else 0]
            leave(run, scored, own=protocols[row.protocol], more={"maps": pack_maps(kept)})
    summary = summary_table(board)
    assert [line[0] for line in summary.rows] == [
        "convnext_base",
        "convnext_base, published-pooled",
        "convnext_base, published-test-selected",
    ]
    assert [line[-2][:4] == "1.00" for line in summary.rows] == [True, False, True], "similarity of two runs"
    page = write_explanations([board], tmp_path).read_text("utf-8")
    for row, line in zip(board.rows, summary.rows, strict=True):
        assert f"\n| {row.label} | **Grad-CAM** | {protocols[row.protocol]:.2f} [" in page
        assert f"\n- {row.label}: in the pointing game" in page
        assert line[-1] in page
