"""Store what the harness computes: `python -m tests.golden`, in a commit that raises `HARNESS_VERSION`."""

import json
import tempfile
from pathlib import Path

from pneumo_tf.run_spec import HARNESS_VERSION
from tests.golden.values import TRAININGS, digests, logits

STORED = Path(__file__).with_name("stored.json")


def main():
    values = {"harness": HARNESS_VERSION, "digests": digests(), "logits": {}}
    for name, (recipe, parts) in TRAININGS.items():
        with tempfile.TemporaryDirectory() as work:
            values["logits"][name] = logits(recipe, parts, Path(work)).round(5).tolist()
    STORED.write_text(json.dumps(values, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
