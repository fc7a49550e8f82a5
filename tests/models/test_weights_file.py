"""Downloads of weights files, from a server on this machine."""

import hashlib
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pneumo_tf.errors import UserError
from pneumo_tf.models.architecture import Weights
from pneumo_tf.models.weights_file import HostUnreachable, check_recorded, fetch, find

CONTENT = b"published weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A file without a published checksum: its description, and where the server reads it."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    (tmp_path / "site").mkdir()
    file = tmp_path / "site" / "some.h5"
    file.write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=file.parent))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Weights("own.h5", f"http://127.0.0.1:{server.server_port}/some.h5", None, "MIT"), file
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_download_appears_complete_with_its_checksum(published):
    weights, _ = published
    path = fetch(weights)
    assert find(weights) == path
    assert path.read_bytes() == CONTENT
    record = path.with_name("own.h5.sha256")
    assert record.read_text() == f"{SHA256}  own.h5\n"
    assert set(path.parent.iterdir()) == {path, record}


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_published_checksum_decides_and_none_is_recorded(published, kind):
    weights, file = published
    weights = replace(weights, checksum=f"{kind}:{hashlib.new(kind, CONTENT).hexdigest()}")
    path = fetch(weights)
    assert list(path.parent.iterdir()) == [path]
    path.unlink()
    file.write_bytes(b"other weights")
    with pytest.raises(UserError, match="it is not the published file"):
        fetch(weights)
    assert not list(path.parent.iterdir())


def test_another_file_than_the_first_download_is_refused(published):
    weights, file = published
    path = fetch(weights)
    check_recorded(path, weights)
    path.unlink()
    file.write_bytes(b"other weights")
    with pytest.raises(UserError, match=f"not {SHA256}; it is not the file of the first download"):
        fetch(weights)
    assert find(weights) is None
    path.write_bytes(b"other weights")
    with pytest.raises(UserError, match=r"not the one in own\.h5\.sha256; remove both"):
        check_recorded(path, weights)
    path.with_name("own.h5.sha256").unlink()
    check_recorded(path, weights)


def test_only_a_missing_connection_says_something_of_the_host(published):
    weights, _ = published
    with pytest.raises(UserError, match=r"nothing\.h5: File not found") as refused:
        fetch(replace(weights, url=weights.url.replace("some", "nothing")))
    assert not isinstance(refused.value, HostUnreachable)
    # Port 9 discards what it is sent, where anything listens to it at all.
    with pytest.raises(HostUnreachable, match=r"cannot download http://127\.0\.0\.1:9/some\.h5: .*refused"):
        fetch(replace(weights, url="http://127.0.0.1:9/some.h5"))


def test_a_place_that_cannot_be_written_says_nothing_of_the_host(published, tmp_path):
    weights, _ = published
    (tmp_path / "keras").write_text("a file")
    with pytest.raises(UserError, match="cannot download") as refused:
        fetch(weights)
    assert not isinstance(refused.value, HostUnreachable)
