"""Downloads from Kaggle through kagglehub, with advice for each kind of failure."""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from pneumo_tf.errors import UserError

_LOGIN = "run `python -c 'import kagglehub; kagglehub.login()'` with a token of your Kaggle account"


def download_dataset(handle: str, page: str) -> Path:
    """Download a dataset into kagglehub's cache, unless it is there already.

    Args:
        handle: Owner, name and version, such as `owner/name/versions/2`.
        page: Web page of the dataset, for download in a browser.

    Returns:
        The folder of the dataset.

    Raises:
        UserError: If kagglehub is not installed, or Kaggle cannot be reached or refuses.
    """
    return _download(lambda kagglehub: kagglehub.dataset_download(handle), page, _LOGIN)


def download_competition(name: str, page: str) -> Path:
    """Download the files of a competition, whose rules the user has to accept, as `download_dataset` does."""
    access = f"{_LOGIN}, and accept the rules at {page}/rules"
    return _download(lambda kagglehub: kagglehub.competition_download(name), page, access)


def _download(download: Callable[[ModuleType], str], page: str, access: str) -> Path:
    """Download through kagglehub; `access` is what to do if Kaggle refuses."""
    by_hand = f"or download {page} in a browser and give the file with --zip"
    try:
        import kagglehub
        from kagglehub import exceptions
        from requests import HTTPError, RequestException
    except ImportError as error:
        raise UserError(f"kagglehub is not installed; run `pip install kagglehub`, {by_hand}") from error
    try:
        return Path(download(kagglehub))
    except (exceptions.UnauthenticatedError, exceptions.CredentialError) as error:
        raise UserError(f"Kaggle requires a login; {access}, {by_hand}") from error
    except HTTPError as error:
        status = error.response.status_code if error.response is not None else "with an error"
        advice = access if status in (401, 403) else "try again later"
        raise UserError(f"Kaggle answered {status}; {advice}, {by_hand}") from error
    except RequestException as error:
        raise UserError(f"cannot reach Kaggle; check the network and run again, {by_hand}") from error
    except (exceptions.DataCorruptionError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"the download was damaged; run again, {by_hand}") from error
    except (exceptions.BackendError, exceptions.KaggleEnvironmentError) as error:
        raise UserError(f"Kaggle could not serve the set ({error}); run again, {by_hand}") from error
