"""Commands without root's permission to read everything: a closed folder is closed to them."""

import os
import shutil
import subprocess
from functools import cache

import pytest

LIMITS = ("--inh-caps=-all", "--bounding-set=-dac_override,-dac_read_search")


@cache
def limited():
    """Words before a command so that permissions hold for it; the test is skipped where there are none."""
    if os.geteuid():
        return ()
    setpriv = shutil.which("setpriv")
    prefix = (setpriv, *LIMITS)
    if setpriv is None or subprocess.run([*prefix, "true"], capture_output=True).returncode:
        pytest.skip("root may read everything, and setpriv cannot take that away")
    return prefix
