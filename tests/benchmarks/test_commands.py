"""What every command has in common: its place in the list, its help, and how it refuses."""

import ast
import importlib
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import COMMANDS, main
from benchmarks.command_line import CommandLine, at_least, one_of
from benchmarks.suite import options
from pneumo_tf.errors import UserError

ROOT = Path(__file__).parents[2] / "benchmarks"
PAGES = ("doctor.page", "speed.page")


def load(command):
    package = (ROOT / command).is_dir()
    return importlib.import_module(f"benchmarks.{command}{'.__main__' if package else ''}")


def defines_main(file):
    tree = ast.parse(file.read_text("utf-8"))
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)


def test_every_command_is_listed():
    files = [*ROOT.glob("*.py"), *ROOT.glob("*/__main__.py")]
    places = [file.parent if file.stem == "__main__" else file for file in files if defines_main(file)]
    assert {place.stem for place in places} - {"benchmarks", "worker"} == set(COMMANDS)


def test_the_list_has_one_line_a_command(capsys):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(COMMANDS)
    assert all(re.fullmatch(r"  \w+ +[A-Z][^`]{20,90}\.", line) for line in lines), lines


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("rn_all", "unknown command 'rn_all'; did you mean 'run_all'?"),
        ("report", "python -m benchmarks.report"),
        ("--list", "unknown command '--list'"),
    ],
)
def test_a_word_after_the_package_is_one_line(word, message, capsys):
    assert main([word]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("error: ") and error.count("\n") == 1


@pytest.mark.parametrize("command", [*COMMANDS, *PAGES])
def test_help_has_the_line_of_the_list_and_examples_that_parse(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    module = load(command)
    with pytest.raises(SystemExit) as done:
        module.main(["--help"])
    assert done.value.code == 0
    text = capsys.readouterr().out
    assert module.__doc__.splitlines()[0] in text
    examples = text.split("\nexamples:\n")[1].splitlines()
    assert len(examples) in (2, 3)
    parser = (options if command == "run_all" else module).make_parser()
    for example in examples:
        words = shlex.split(example)
        assert words[:3] == ["python", "-m", f"benchmarks.{command}"]
        parser.parse_args(words[3:])


@pytest.mark.parametrize("command", [*COMMANDS, *PAGES])
def test_an_unknown_option_is_one_line_with_the_nearest(command, capsys):
    assert load(command).main(["--hlp"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1


@pytest.fixture
def parser():
    parser = CommandLine("x", "Something.", ["--count 3"])
    group = parser.add_argument_group("numbers")
    group.add_argument("--count", type=at_least(2))
    parser.add_argument("--kind", type=one_of("kind", ("first", "second")))
    return parser


def test_values_in_range_are_taken(parser):
    given = parser.parse_args(["--count", "2", "--kind=second"])
    assert (given.count, given.kind) == (2, "second")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--count", "1"], "--count: must be at least 2, not 1"),
        (["--count", "-1"], "--count: must be at least 2, not -1"),
        (["--count", "2.5"], "--count: must be a whole number, not 2.5"),
        (["--cuont", "3"], "unknown option '--cuont'; did you mean '--count'?"),
        (["--coun=3"], "unknown option '--coun'; did you mean '--count'?"),
        (["--kind", "secnd"], "--kind: unknown kind 'secnd'; did you mean 'second'?"),
        (["3"], "unexpected '3'; --help shows every option"),
        (["--count"], "--count: expected one argument"),
    ],
)
def test_wrong_arguments_are_named(parser, arguments, message):
    with pytest.raises(UserError) as caught:
        parser.parse_args(arguments)
    assert str(caught.value) == message


def run_without_reader(arguments, **variables):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            env={**os.environ, **variables},
            check=False,
        )
    finally:
        os.close(writing)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_list_whose_reader_has_ended_leaves_no_traceback(unbuffered):
    ended = run_without_reader(["benchmarks.run_all", "--list"], PYTHONUNBUFFERED=unbuffered)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")


def test_every_command_ends_with_the_reader_of_its_help():
    modules = ["benchmarks", *(f"benchmarks.{name}" for name in (*COMMANDS, *PAGES))]
    ends = {module: run_without_reader([module, "--help"]) for module in modules}
    assert {module: ended.stderr for module, ended in ends.items()} == dict.fromkeys(modules, b"")
    # argparse itself ignores that long help cannot be written.
    assert {ended.returncode for ended in ends.values()} <= {0, 128 + signal.SIGPIPE}
