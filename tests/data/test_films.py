from pneumo_tf.data.films import Film, Films


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
