"""Audit of a user's own films, of which no patient is known."""

import re
import shlex
import shutil

import pytest

from benchmarks.audit import main, make_parser
from benchmarks.command_line import reading_options
from tests.report.test_markdown import PARSER

CLASSES = "normal=healthy,pneumonia=covid"

ABOUT_STATING_THEM = (
    "30 % of each subtype were sampled as test films, all films of a patient together.",
    "Patients unknown: every film counts as one patient; films of one person may be divided.",
    "by `--patient` or in a CSV: films of one patient can be in training and in test",
    "no patient of these films is known",
)
"""Sentences that may name patients: none is about a statistic."""


@pytest.fixture(scope="module")
def page(small_phantom, tmp_path_factory):
    place = tmp_path_factory.mktemp("own")
    for number, film in enumerate(small_phantom.films):
        folder = place / "own films" / ("covid" if film.label else "healthy")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(small_phantom.root / film.id, folder / f"scan {number}.png")
    twin = place / "own films/covid"
    shutil.copy(next(twin.iterdir()), twin / "twin.png")
    arguments = ["--data", str(place / "own films"), "--classes", CLASSES, "--test", "0.3"]
    assert main([*arguments, "--patient", r"^(\d+)_`|<b>", "--out", str(place)]) == 0
    return (place / "audit.md").read_text("utf-8")


def test_no_statistic_speaks_of_patients(page):
    for sentence in ABOUT_STATING_THEM:
        assert sentence in page
        page = page.replace(sentence, "")
    found = re.findall(r".*patient.*", page)
    allowed = (
        "## Patients",
        "Patients that leak",
        "State the patient of",
        "| kind |",
        "Made with",
    )
    assert all(any(text in line for text in allowed) for line in found), found
    assert "intervals resample films" in page and "| 5 folds inside train |" in page
    assert "filed under" not in page and "delete all but one" in page and "| unknown |" in page


def test_the_command_of_the_page_states_every_option(page):
    tokens = PARSER.parseInline(page.splitlines()[2])[0].children
    (command,) = (
        token.content for token in tokens if token.type == "code_inline" and "audit" in token.content
    )
    options = make_parser().parse_args(shlex.split(command)[3:])
    stated = reading_options(options)
    assert stated.classes == {"healthy": "normal", "covid": "pneumonia"} and stated.test == 0.3
    assert stated.patient.pattern == r"^(\d+)_`|<b>"
