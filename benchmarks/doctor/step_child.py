"""One step in its own process: `python -m benchmarks.doctor.step_child FUNCTION INPUT`.

Every row is one line of JSON on standard output; all other output goes to standard error. The exit status is
0 if the step finished; if it raised, the status is 1 and the last line holds the error.
"""

import importlib
import json
import math
import os
import sys
import traceback
from typing import Any

from benchmarks.doctor.step_input import StepInput
from pneumo_tf.errors import UserError

DIGITS = 6
"""Significant digits of a measured number."""


def main() -> int:
    """Run the step that the command line names."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def write(values: dict[str, Any]) -> None:
        output.write(json.dumps({name: _rounded(value) for name, value in values.items()}) + "\n")
        output.flush()

    try:
        module, name = sys.argv[1].split(":")
        measure = getattr(importlib.import_module(module), name)
        for row in measure(StepInput.from_json(sys.argv[2])):
            write(row)
    # Whatever goes wrong in a step becomes the step's result; the traceback is in the log.
    except Exception as error:
        traceback.print_exc()
        kind = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        write({"error": f"{kind}{(str(error).strip().splitlines() or [''])[0][:300]}"})
        return 1
    return 0


def _rounded(value: Any) -> Any:
    """Round a float to `DIGITS` significant digits; turn infinity and nan, which JSON lacks, into text."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else str(value)


if __name__ == "__main__":
    sys.exit(main())
