"""One trace for all lengths; XLA compiles for the usual length alone."""

import json
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from pneumo_tf.failures import failure_of
from pneumo_tf.training.compiled import Compiled, XlaFailed

LENGTHS = (8, 8, 3, 8, 3)
COUNT = """
import json, numpy as np, tensorflow as tf
from pneumo_tf.training.compiled import Compiled
compiled = Compiled(lambda batch: tf.reduce_mean(tf.tanh(batch), axis=1), xla=True)
for length in {lengths}:
    compiled(np.zeros((length, 2), np.float32))
print(json.dumps(compiled.xla_compilations))
"""


def test_lengths_8_8_3_8_3_compile_once_as_xla_itself_reports(tmp_path):
    # XLA writes the program of every compilation to the folder.
    variables = os.environ | {"XLA_FLAGS": f"--xla_dump_to={tmp_path} --xla_dump_hlo_as_text"}
    command = [sys.executable, "-c", COUNT.format(lengths=LENGTHS)]
    counted = subprocess.run(command, check=True, env=variables, stdout=subprocess.PIPE).stdout
    programs = list(tmp_path.glob("*before_optimizations.txt"))
    assert json.loads(counted) == len(programs) == 1
    assert "f32[8,2]" in programs[0].read_text()


def test_every_first_call_counts_as_trace(monkeypatch):
    calls, real = [], tf.function

    def watched(function, *, jit_compile, **how):
        compiled = real(function, jit_compile=jit_compile, **how)
        return lambda batch: calls.append((len(batch), jit_compile)) or compiled(batch)

    monkeypatch.setattr(tf, "function", watched)
    compiled, seconds = Compiled(lambda batch: tf.reduce_mean(batch, axis=1), xla=True), [0.0]
    numbers = np.arange(16, dtype=np.float32).reshape(8, 2)
    for length in (*LENGTHS, 1):
        np.testing.assert_array_equal(compiled(numbers[:length]), numbers[:length].mean(1))
        seconds.append(compiled.trace_seconds)
    assert calls == [(8, True), (8, True), (3, False), (8, True), (3, False), (1, False)]
    assert [after > before for before, after in pairwise(seconds)] == [True, False, True, False, False, False]


def test_a_smaller_last_batch_is_not_traced_again():
    traces = []
    compiled = Compiled(lambda batch: traces.append(1) or batch + 1, xla=False)
    for size in (3, 1, 2):
        assert compiled(np.zeros((size, 2), np.float32)).shape == (size, 2)
    assert len(traces) == 1
    assert compiled.trace_seconds > 0
    assert compiled.xla_compilations == 0


def test_what_xla_cannot_compile_fails_with_a_kind_and_a_remedy_of_its_own():
    def through_text(batch):
        # XLA has no strings.
        return tf.strings.to_number(tf.strings.as_string(batch))

    numbers = np.ones((2, 2), np.float32)
    with pytest.raises(XlaFailed) as raised:
        Compiled(through_text, xla=True)(numbers)
    failure = failure_of(raised.value)
    assert failure.kind == "xla"
    assert failure.reason.endswith("add --xla off")
    np.testing.assert_array_equal(Compiled(through_text, xla=False)(numbers), numbers)


def test_a_full_device_is_no_failure_of_xla(monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")

    monkeypatch.setattr(tf, "function", lambda *_, **__: full)
    with pytest.raises(tf.errors.ResourceExhaustedError):
        Compiled(tf.identity, xla=True)(np.ones((2, 2), np.float32))
