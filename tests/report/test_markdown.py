"""Pages hold text from outside as text: it makes no table, heading, link, picture or HTML of its own."""

from dataclasses import replace

import pytest
from jinja2 import UndefinedError
from markdown_it import MarkdownIt

from pneumo_tf.report.markdown import Markdown, Table, code, join_parts, render
from pneumo_tf.report.page import write_leaderboard
from pneumo_tf.report.reading import read_boards
from tests.report.fabricate import RECIPES, fabricate_runs

HOSTILE = "a `b [c](http://x) ![d](e.png) <img src=x onerror=y> | f\n# g\n\x1b[31m h\u202e"
"""A backtick, a link, a picture, HTML, a bar, a heading, an escape sequence and a mark that turns text."""

PARSER = MarkdownIt("commonmark").enable("table")


def tokens(text):
    """Every token of the parsed text, those within paragraphs too."""
    for token in PARSER.parse(text):
        yield token
        yield from token.children or ()


def count(text, *kinds):
    return sum(token.type in kinds for token in tokens(text))


def words(text):
    return " ".join(token.content for token in tokens(text) if token.type in ("text", "code_inline"))


@pytest.mark.parametrize("text", [HOSTILE, *HOSTILE.split(" "), "<!-- x", "[a]: http://b", "](", "a\\|b"])
def test_escaped_text_is_read_back_as_one_line_of_text(text):
    escaped = Markdown.escape(text)
    assert "\n" not in escaped and "\x1b" not in escaped and "\u202e" not in escaped
    shown = f"x {escaped} x"
    assert not count(shown, "link_open", "image", "html_inline", "html_block", "heading_open", "code_inline")
    assert Markdown.escape(escaped) == escaped


def test_a_parser_finds_what_is_hostile_where_nothing_is_escaped():
    kinds = {token.type for token in tokens(HOSTILE)}
    assert {"link_open", "image", "html_inline", "heading_open"} <= kinds


def test_text_is_shown_as_it_is():
    assert words(Markdown.escape("person1_bacteria_2.jpeg: 5 < 6, −0.5 [.82–.95]")) == (
        "person1_bacteria_2.jpeg: 5 < 6, −0.5 [.82–.95]"
    )


def test_markdown_joined_with_other_text_escapes_that_alone():
    assert Markdown("`{}` and {}").format("a|b", Markdown("*c*")) == "`a\\|b` and *c*"
    assert code("a`b\nc") == "`a'b c`"


@pytest.mark.parametrize("aligned", [False, True])
def test_a_cell_stays_a_cell(aligned):
    table = Table(("a", "b"), [(HOSTILE, "1"), ("c", "d | e")], left=2, aligned=aligned).markdown()
    assert count(table, "tr_open") == 3 and count(table, "td_open") == 4
    assert not count(table, "link_open", "image", "html_inline")


def test_paragraphs_have_one_empty_line_between_them():
    table = Table(("a",), [("1",)], notes=["n"], title="T", lead="L", legend=["x", "y"]).markdown()
    assert table == "#### T\n\nL\n\n| a |\n| :-- |\n| 1 |\n\n<sub>n</sub>  \n\n- x\n- y\n"
    assert join_parts(["a\n", "", "b"]) == "a\n\nb"
    assert render("table.md", table=Table(("a",), [])) == ""


def test_a_value_that_a_template_lacks_is_an_error():
    with pytest.raises(UndefinedError):
        render("leaderboard.md", pages=[])


def test_hostile_names_and_reasons_change_nothing_but_text_on_the_board(tmp_path):
    def page(name, text):
        runs = fabricate_runs(tmp_path / name, (replace(RECIPES[0], chosen=text), *RECIPES[1:]), title=text)
        first = next(folder for folder in runs if folder.spec.recipe.name == RECIPES[1].name)
        first.set_status("failed", text, kind="exception")
        other = next(folder for folder in runs if folder.spec.recipe.name == RECIPES[2].name)
        other.write_json("environment.json", other.read_json("environment.json") | {"notes": [text]})
        return write_leaderboard(read_boards(runs), tmp_path / f"{name}-page").read_text("utf-8")

    plain, hostile = page("plain", "harmless"), page("hostile", HOSTILE)
    assert hostile.count("onerror=y") >= 4
    shape = ("link_open", "image", "html_inline", "html_block", "heading_open", "tr_open", "td_open")
    for kind in shape:
        assert count(hostile, kind) == count(plain, kind), kind
    assert "\x1b" not in hostile and "\u202e" not in hostile
