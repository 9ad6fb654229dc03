"""What the Python of a task must have, and what is said where it has not."""

import re
import sys
from importlib.util import find_spec

PACKAGES = ("numpy", "sep", "astropy", "orjson")

_ADVICE = "--env-archive auto ships one"
_NO_PROGRAM = re.compile(r'Cannot run program "([^"]+)".*error=2\b|failed with code 127\b')
_OTHER_VERSION = re.compile(r"PYTHON_VERSION_MISMATCH.*different version:? (\S+) than that in "
                            r"driver:? ([\d.]*\d)")
_NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '([^'.]+)")


def check_environment() -> None:
    """End the process where a package that measures is not there.

    A node that lacks one is no reason for an image to fail: Hadoop tries the task on another.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        sys.exit(f"mr_extract: the nodes' Python, {sys.executable}, lacks {', '.join(missing)}: "
                 f"{_ADVICE}, --python-bin names another")


def advice(cause: str) -> str:
    """Say what a node lacks, and what to do, where the cause of a failed task tells.

    Parameters
    ----------
    cause : str
        The last line of a task, or the bottom of Java's trace.

    Returns
    -------
    str
        Empty for other causes.
    """
    if found := _NO_MODULE.search(cause):
        return f"the nodes' Python lacks {found[1]}: {_ADVICE}"
    if found := _OTHER_VERSION.search(cause):
        return (f"the nodes' Python is {found[1]}, and this one {found[2]}: {_ADVICE}, or "
                "--python-bin names another")
    if found := _NO_PROGRAM.search(cause):
        return f"the nodes have no {found[1] or 'such Python'}: {_ADVICE}"
    return ""
