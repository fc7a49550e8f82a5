"""Child processes import the modules of this one, whatever is in the folder where they are started."""

import os
import sysconfig
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[1])
"""Folder of both packages."""


def module_variables() -> dict[str, str]:
    """Return environment variables with which `python -m benchmarks.…` runs this very package.

    Python would look in the working folder first, and many projects have a package named `benchmarks` there.
    """
    paths = [os.environ.get("PYTHONPATH", "")]
    # Installed packages are found without it, and should not come before the standard library.
    if sysconfig.get_path("purelib") != ROOT:
        paths.insert(0, ROOT)
    return {"PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(filter(None, paths))}
