"""Text that a terminal does not act on."""

import os

import pytest

from pneumo_tf.printable import make_printable


@pytest.mark.parametrize(
    "text, shown",
    [
        ("a b.png", "a b.png"),
        ("é😀.png", "é😀.png"),
        ("a\rb", "a\\rb"),
        ("\u202eb", "\\u202eb"),
        (os.fsdecode(b"\xff\xe9"), "\\xff\\xe9"),
    ],
)
def test_other_characters_are_escaped(text, shown):
    assert make_printable(text) == shown
