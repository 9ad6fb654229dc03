#!/usr/bin/env python3
"""Launcher: ``python mr_extract.py -r inline MANIFEST > catalog.tsv``."""

from mr_extract.jobs.extract import main

if __name__ == "__main__":
    main()
