"""The compiled twins of some kernels, where there are any.

What is here is in Python as well, and gives the same bytes there: this is only faster. It is
built where `pip install` finds a compiler. MR_EXTRACT_COMPILED=0 leaves it out.
"""

import os

try:
    if os.environ.get("MR_EXTRACT_COMPILED") == "0":
        raise ImportError
    from mr_extract.compiled import kernels  # type: ignore[attr-defined]  # it may be absent
except ImportError:  # not built, or not wanted: Python does it
    kernels = None
