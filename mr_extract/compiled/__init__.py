"""The compiled twins of some kernels, where there are any.

What is here is in Python as well, and gives the same bytes there: this is only faster. It is
built where `pip install` finds a compiler. MR_EXTRACT_COMPILED=0 leaves it out.
`python -m mr_extract.compiled` says which it is; the summary of a job says how many of its images
were measured without.
"""

import os

#: Why there are none, empty where there are.
why_not = ""
try:
    if os.environ.get("MR_EXTRACT_COMPILED") == "0":
        raise ImportError("MR_EXTRACT_COMPILED=0 leaves them out")
    from mr_extract.compiled import kernels  # type: ignore[attr-defined]  # it may be absent
except ImportError as error:  # not built, or not wanted: Python does it
    kernels, why_not = None, str(error)
