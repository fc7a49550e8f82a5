"""A process that allocates a card's memory and waits: `python -m benchmarks.doctor.card_filler FREE_MB`."""

import sys

import pynvml
import tensorflow as tf

from pneumo_tf.costs.hardware import gpus, nvml_handle
from pneumo_tf.training.device import prepare_tensorflow

BLOCK_MB = 128


def main() -> int:
    """Allocate blocks until FREE_MB are left, print `full`, and keep them until standard input ends."""
    free_mb = int(sys.argv[1])
    prepare_tensorflow()
    card = gpus()[0]
    pynvml.nvmlInit()
    handle = nvml_handle(card)
    blocks = []
    try:
        while pynvml.nvmlDeviceGetMemoryInfo(handle).free >> 20 > free_mb + BLOCK_MB:
            blocks.append(tf.random.stateless_uniform((BLOCK_MB << 18,), seed=(0, len(blocks))))
    except tf.errors.OpError as error:
        print(f"no further block: {error}", file=sys.stderr)
    print("full", flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
