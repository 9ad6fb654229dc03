#!/usr/bin/env python3
"""Launcher: ``python mr_extract.py -r inline MANIFEST > catalog.tsv``."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

try:
    from mr_extract.jobs.extract import main
except ModuleNotFoundError as error:
    sys.exit(f"mr_extract: Python needs {error.name}: after `make env` use .venv/bin/python, "
             "or pip install what setup.py lists")

if __name__ == "__main__":
    main()
