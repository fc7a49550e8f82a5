"""A suite on films of which one is damaged: it is named once, also by a second call."""

from benchmarks import run_all
from tests.audit.planted import Planted


def test_a_damaged_film_is_named_by_run_all(small_phantom, tmp_path, monkeypatch, capfd):
    planted = Planted(small_phantom, tmp_path / "chest_xray")
    monkeypatch.chdir(tmp_path)
    film_id = planted.ids("train/NORMAL")[0]
    whole = (planted.root / film_id).read_bytes()
    (planted.root / film_id).write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    command = ["--data", str(planted.root), "--only", "thumbnail,border", "--out", str(tmp_path / "out")]
    for _ in range(2):
        assert run_all.main(command) == 0
        printed = "".join(capfd.readouterr())
        assert printed.count("Corrupt JPEG data") == 1
        assert f"1 of 120 films are damaged and were decoded as far as possible, such as {film_id}" in printed
