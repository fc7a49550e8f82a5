import csv
import io

from pneumo_tf.data.films import Film, Films
from tests.report.fabricate import fabricate_films


def test_the_frame_has_the_columns_and_values_of_the_csv():
    films = fabricate_films(n_test=40, n_train=60)
    frame = films.to_frame()
    lines = list(csv.DictReader(io.StringIO(films.to_csv())))
    assert list(frame.columns) == list(lines[0])
    assert frame.astype(str).to_dict("records") == lines
    assert frame["label"].tolist() == films.labels.tolist()


def test_a_film_named_like_a_missing_value_keeps_its_name():
    films = Films((Film("NA", 1, "virus", "null", "test", 3, 4, "ff"),))
    frame = films.to_frame()
    assert (frame["id"][0], frame["patient"][0]) == ("NA", "null")


def test_film_tables_survive_csv():
    films = Films(
        (
            Film("a/b.jpeg", 1, "virus", "virus-1", "test", 3, 4, "ff"),
            Film("c", 0, "normal", "n", "train", 5, 6, "0"),
        )
    )
    read = Films.from_csv(films.to_csv())
    assert read == films
    assert read.fingerprint == films.fingerprint
    assert read.indices(["c", "a/b.jpeg"]).tolist() == [1, 0]
