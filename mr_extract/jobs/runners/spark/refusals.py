"""Why spark-submit did not run the program, in one line, from what it and Java have said."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mr_extract.jobs.runners.spark.java import in_one_line

_MAIN = re.compile(r'^Exception in thread "main" (.+)')
_CAUSED = re.compile(r"^Caused by: ")
_ERROR = re.compile(r"^(?:\d\d[\d/.:, -]+ )?(?:ERROR|Error:) ?(.+)|^(JAVA_HOME is not set)"
                    r"|^(\S*spark-class: line \d+: .+)")
_CODE = re.compile(r"^\s*exit code: (\d+)")
_NO_JAVA = re.compile(r"JAVA_HOME is not set|/bin/java: No such file|java: command not found")


def why_refused(lines: Iterable[str]) -> str:
    """Return why spark-submit failed.

    Parameters
    ----------
    lines : iterable of str
        The last that it wrote.
    """
    found, error, last, code = "", "", "", ""
    for line in lines:
        if _NO_JAVA.search(line):
            return "Spark needs Java: install it, or say with JAVA_HOME where it is"
        if match := _MAIN.match(line):
            found = match[1]
        elif _CAUSED.match(line):
            found = f"{found}\n{line}"
        elif match := _ERROR.match(line):
            error = next(filter(None, match.groups()))
        if match := _CODE.search(line):
            code = match[1]
        if line.strip() and not line.startswith("\tat "):
            last = line.strip()
    if not found and code:
        return f"the program that Spark runs ended with status {code}, without a word"
    return in_one_line(found or error or last or "spark-submit failed and said nothing")
