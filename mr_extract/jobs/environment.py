"""What the Python of a task must have."""

import sys
from importlib.util import find_spec

PACKAGES = ("numpy", "sep", "astropy", "orjson")


def check_environment():
    """End the process where a package that measures is not there.

    A node that lacks one is no reason for an image to fail: Hadoop tries the task on another.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        sys.exit(f"mr_extract: {sys.executable} has no {', '.join(missing)}; "
                 "name a Python that has with --python-bin")
