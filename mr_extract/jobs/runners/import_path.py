"""Where the Python of a process on this machine finds this package."""

import os

import mr_extract


def import_path() -> str:
    """Return the value of ``PYTHONPATH``, with the folder of this package before the others."""
    root = os.path.dirname(os.path.dirname(mr_extract.__file__))
    return os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
