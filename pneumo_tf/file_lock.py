"""File locks that keep a second process out of a folder, on file systems that support them."""

import errno
import fcntl
from typing import TextIO

NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}


def lock_file(file: TextIO, *, wait: bool = True) -> bool:
    """Lock an open file until it is closed.

    Args:
        file: The file.
        wait: Whether to wait for another process that has locked it.

    Returns:
        Whether it is locked; False on a file system without locks.

    Raises:
        BlockingIOError: If another process has locked it and `wait` is False.
    """
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno in NO_LOCKS:
            return False
        raise
    return True
