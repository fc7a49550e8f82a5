"""What README and docs say of the tree is so."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMED = re.compile(r"`((?:benchmarks|pneumo_tf|tests|docs|outputs)/[\w/.]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_and_folder_that_a_page_names_is_there(page):
    made = ("outputs/report", "outputs/runs", "outputs/cache", "outputs/doctor")
    for name in NAMED.findall(page.read_text("utf-8")):
        assert name.startswith(made) or (ROOT / name).exists(), f"{page.name} names {name}"


def test_the_folder_table_of_readme_has_every_folder_of_modules_or_the_one_above():
    listed = set(re.findall(r"^\| `([\w/]+)/` \|", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE))
    folders = {
        path.parent for package in ("benchmarks", "pneumo_tf") for path in ROOT.glob(f"{package}/**/*.py")
    }
    for folder in folders - {ROOT / "pneumo_tf"}:
        names = {place.relative_to(ROOT).as_posix() for place in (folder, folder.parent)}
        assert names & (listed - {"benchmarks"}) or folder == ROOT / "benchmarks", folder
    assert all((ROOT / name).is_dir() for name in listed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_readme_names_every_folder_of_the_packages():
    text = (ROOT / "README.md").read_text("utf-8")
    modules = [*ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("pneumo_tf/**/*.py")]
    missing = {path.parent.name for path in modules if f"{path.parent.name}/" not in text}
    assert not missing
