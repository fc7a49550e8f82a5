"""Logistic regression on age, sex and view, alone or with the score of an image model."""

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pneumo_tf.data.films import METADATA, Films
from pneumo_tf.errors import UserError

SCORE = len(METADATA)
"""Column of an image score, if there is one."""


def read_metadata(films: Films) -> np.ndarray:
    """Return age in years, sex and view of films.

    Args:
        films: Film table with the covariates `METADATA`.

    Returns:
        (n, 3) objects: a number, nan if it is unknown; and two texts, `""` if unknown.

    Raises:
        UserError: If an age is not a number.
    """
    ages, *categories = (films.column(name) for name in METADATA)
    numbers = [_read_age(film.id, age) for film, age in zip(films, ages, strict=True)]
    table = np.empty((len(films), len(METADATA)), object)
    for place, column in enumerate((numbers, *categories)):
        table[:, place] = column
    return table


def metadata_regression() -> Pipeline:
    """Return logistic regression on the columns of `read_metadata`, not fitted yet."""
    return _regression([])


def score_and_metadata_regression() -> Pipeline:
    """Return logistic regression on the columns of `read_metadata` and an image score, not fitted yet."""
    return _regression([("score", StandardScaler(), [SCORE])])


def _regression(more: list[tuple[str, StandardScaler, list[int]]]) -> Pipeline:
    """Return the regression; all statistics and categories of its encoding are those of the films of the fit.

    An unknown age counts as the mean, with an indicator; an unknown sex or view is a category of its own. A
    category without a film in the fit counts as none.
    """
    age = make_pipeline(SimpleImputer(add_indicator=True, keep_empty_features=True), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore")
    encoding = ColumnTransformer([("age", age, [0]), ("categories", categories, [1, 2]), *more])
    # Few features and many films: scikit-learn's penalty hardly matters, that of thumbnails would.
    return make_pipeline(encoding, LogisticRegression(class_weight="balanced", max_iter=2000))


def _read_age(film_id: str, age: str) -> float:
    try:
        return float(age) if age else np.nan
    except ValueError:
        raise UserError(
            f"the age of {film_id} is {age!r}, not a number of years; correct the table"
        ) from None
