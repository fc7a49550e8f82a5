"""Phantom: synthetic frontal chest films for machines without data.

The films are schematic drawings. They test every step from files to report; a score on them
does not predict performance on patients.

Example:
    >>> from pathlib import Path
    >>> from pneumo_tf.data.datasets.phantom.spec import PhantomSpec
    >>> from pneumo_tf.data.datasets.phantom.writer import write_phantom
    >>> root = write_phantom(PhantomSpec(seed=0), Path("data/phantom"))
"""
