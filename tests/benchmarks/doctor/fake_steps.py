"""Work of steps that end in every way a process can end."""

import os
import signal
import subprocess
import sys
import time

from pneumo_tf.errors import UserError

LONG = 600


def result(step_input):
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "all")
    yield {"visible": visible, "gpu": step_input.gpu, "seconds_left": step_input.seconds_left}
    print("what a library prints is no row")
    os.write(1, b"and neither is this\n")
    yield {"what": "third", "value": 1 / 3, "infinite": float("inf")}


def problem(step_input):
    yield {"what": "fine"}
    yield {"what": "wrong", "problem": "the card is full; stop the other process"}


def nothing(step_input):
    yield from ()


def raises(step_input):
    yield {"what": "before"}
    raise RuntimeError("no algorithm worked\nsecond line")


def refuses(step_input):
    raise UserError("there is no card; plug one in")
    yield


def crashes(step_input):
    yield {"what": "before"}
    print("Failed to create cuSolverDN instance", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGABRT)


def leaves(step_input):
    os._exit(7)
    yield


def hangs(step_input):
    child = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({LONG})"])
    yield {"what": "child", "pid": child.pid}
    time.sleep(LONG)
