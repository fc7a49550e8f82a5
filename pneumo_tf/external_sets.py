"""Names of predictions and files of a run about external films: `external-<fingerprint of the films>`."""

PREFIX = "external-"


def external_set(fingerprint: str) -> str:
    """Return the name of the predictions of the films with a fingerprint."""
    return PREFIX + fingerprint


def external_explanations(fingerprint: str) -> str:
    """Return the path, in a run's folder, of measures of the maps of the films with a fingerprint."""
    return f"explanations/{external_set(fingerprint)}.json"


def fingerprint_of(name: str) -> str:
    """Return the fingerprint of the films of an external set of predictions, `""` for any other set."""
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else ""
