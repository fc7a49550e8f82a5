"""Import paths of child processes, so that they use these modules whatever their working folder holds."""

import os
import sysconfig
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[1])
"""Folder of both packages."""


def module_variables() -> dict[str, str]:
    """Return environment variables with which `python -m benchmarks.…` runs this package.

    Python would search the working folder first, where many projects have a package named `benchmarks`.
    """
    paths = [os.environ.get("PYTHONPATH", "")]
    # Not for an installed package, which is found anyway and must not precede the standard library.
    if sysconfig.get_path("purelib") != ROOT:
        paths.insert(0, ROOT)
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
