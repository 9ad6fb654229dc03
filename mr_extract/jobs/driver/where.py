"""Which lines are meant: ``--where``, in the words of SQL, of fields and a log book's columns.

SQLite evaluates it, some lines at a time, and may do no more than read them: no statement but
ours, no function but those of `FUNCTIONS`, no file.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mr_extract.jobs.driver.log_book import LOG, OWN, LogBook
from mr_extract.jobs.driver.where_lines import Lines, quoted

if TYPE_CHECKING:
    from mr_extract.jobs.driver.plan import Plan

FUNCTIONS = ("abs", "coalesce", "glob", "ifnull", "iif", "instr", "length", "like", "lower",
             "max", "min", "nullif", "round", "substr", "trim", "upper")
_STEPS = 1 << 20  # of SQLite's machine between two looks
_LOOKS = 1 << 10
_LONGEST = 1 << 20
_MISSING = re.compile(r"no such column: (.+)")
_AMBIGUOUS = re.compile(r"ambiguous column name: (.+)")


class Where:
    """An expression over the lines of a plan.

    Parameters
    ----------
    text : str
        As SQL has it behind WHERE.
    book : LogBook, optional
        Its columns may be named, too.
    database : sqlite3.Connection
        That holds the log book.

    Raises
    ------
    ValueError
        Where it cannot be understood, or does what it may not.
    """

    def __init__(self, text: str, book: LogBook | None, database: sqlite3.Connection) -> None:
        if not text.strip():
            raise ValueError("--where: needs an expression")
        if '"' in text:
            raise ValueError("--where: write texts in single quotes, and names that need it in "
                             "[brackets]: SQL takes \"...\" for either")
        self._text, self._book, self._database = text, book, database
        self._fields: list[str] = []
        self._read: set[tuple[str, str]] = set()
        self._understand()

    @property
    def fields(self) -> list[str]:
        """The fields of lines that it names, besides `OWN`."""
        return list(self._fields)

    def _understand(self):
        """Find which names are fields, by what SQLite does not know."""
        while True:
            try:
                self._make_table()
                with self._guarded():
                    self._database.execute(f"EXPLAIN {self._query}")
                return
            except sqlite3.Error as error:
                missing = _MISSING.fullmatch(str(error))
                name = missing[1].removeprefix("line.") if missing else ""
                if not missing or name.startswith(f"{LOG}.") or name in self._fields:
                    raise ValueError(self._words(error)) from None
                self._fields.append(name)

    def _words(self, error):
        text = str(error)
        if found := _AMBIGUOUS.fullmatch(text):
            text = (f"a line has {found[1]}, and so has the log book: say line.{found[1]} or "
                    f"{LOG}.{found[1]}")
        elif found := _MISSING.fullmatch(text):
            text = f"the log book has no column {found[1].removeprefix(f'{LOG}.')}"
        elif "not authorized" in text or "no such function" in text or "prohibited" in text:
            text = ("it may compare and compute, with the functions " + ", ".join(FUNCTIONS)
                    + ", and do nothing else")
        elif "interrupted" in text:
            text = "it takes too long"
        return f"--where {self._text!r}: {text}"

    def _make_table(self):
        names = "".join(f", {quoted(name)} NUMERIC" for name in self._fields)
        self._database.execute("DROP TABLE IF EXISTS line")
        self._database.execute(
            f"CREATE TEMP TABLE line (number_ INTEGER PRIMARY KEY, stem_ TEXT, id TEXT, uri TEXT, "
            f"file TEXT{names})")

    @property
    def _query(self):
        joined = ""
        if self._book is not None:
            joined = (
                " LEFT JOIN keys_ AS by_id_ ON by_id_.key_ = line.id"
                " LEFT JOIN keys_ AS by_uri_ ON by_uri_.key_ = line.uri"
                " LEFT JOIN stems_ ON stems_.stem_ = line.stem_"
                f" LEFT JOIN {LOG} ON {LOG}.rowid = coalesce(by_id_.row_, by_uri_.row_, "
                "stems_.row_)")
            told = ", coalesce(by_id_.rows_, by_uri_.rows_, stems_.rows_)"
        else:
            told = ", 1"
        # A comment at its end must not reach what is ours.
        return f"SELECT line.number_, (\n{self._text}\n){told} FROM line{joined}"

    def _guarded(self):
        return _Guarded(self._database, self._read)

    def apply(self, plan: Plan, complain: Callable[[str], object]) -> None:
        """Leave out the lines of a plan for which it is not true.

        Raises
        ------
        ValueError
            Where it names what no line and no log book has, or a line has two rows in the log
            book.
        """
        columns = [name for table, name in self._read if table == LOG]
        own = {name for table, name in self._read if table == "line"}.intersection(OWN)
        told, matched = Lines(plan, self._fields, columns, own, self._book is not None), 0
        names = ["number_", *told.columns]
        insert = (f"INSERT INTO line ({', '.join(map(quoted, names))}) "
                  f"VALUES ({', '.join('?' * len(names))})")
        for lines in told:
            self._database.executemany(insert, lines)
            told.look(self._database)
            verdicts = self._verdicts()
            for number, verdict, _ in verdicts:
                if not verdict:
                    plan.skip(number, verdict is None)
                elif verdict.__class__ is str:
                    raise ValueError(f"--where {self._text!r}: it is the text {verdict!r}, neither "
                                     "true nor false")
            if self._book is not None:
                matched += self._matched(plan, verdicts)
            self._database.execute("DELETE FROM line")
        if len(plan):
            self._check(told, columns, matched)
        for name in told.mixed:
            complain(f"warning: --where: the field {name} is a number in some lines and a text in "
                     "others, which is greater than any number")

    def _matched(self, plan, verdicts):
        """Return how many lines have a row in the log book; there may be one for each."""
        rows = [one[2] for one in verdicts if one[2] is not None]
        if max(rows, default=1) > 1:
            number, _, count = next(one for one in verdicts if one[2] and one[2] > 1)
            raise ValueError(f"--log-book: {count} rows are of the image {plan.lines[number].id}")
        return len(rows)

    def _verdicts(self):
        try:
            with self._guarded():
                return self._database.execute(self._query).fetchall()
        except sqlite3.Error as error:
            raise ValueError(self._words(error)) from None

    def _check(self, told, columns, matched):
        for name in self._fields:
            if name not in told.found:
                known = [*OWN, *told.all_fields(), *(self._book.names if self._book else ())]
                near = get_close_matches(name, known, 1)
                raise ValueError(f"--where {self._text!r}: no line has a field {name}"
                                 + (", and the log book no column of that name"
                                    if self._book else "")
                                 + (f"; is {near[0]} meant?" if near else ""))
        both = told.found.intersection(columns)
        if both and not re.search(rf"\b{LOG}\s*\.", self._text):
            name = sorted(both)[0]
            raise ValueError(f"--where: lines have a field {name}, and the log book a column: say "
                             f"line.{name} or {LOG}.{name}")
        if self._book is not None and not matched:
            raise ValueError(f"--log-book: its column {self._book.key} has no id or file name of "
                             "any line")


class _Guarded:
    """A time in which SQLite may only read."""

    def __init__(self, database, read):
        self._database, self._read = database, read
        self._selects = self._looks = 0

    def __enter__(self):
        self._database.set_authorizer(self._allowed)
        self._database.set_progress_handler(self._look, _STEPS)

    def __exit__(self, *_):
        self._database.set_progress_handler(None, 0)
        self._database.set_authorizer(None)

    def _allowed(self, action, first, second, *_):
        if action == sqlite3.SQLITE_SELECT:
            self._selects += 1
            return sqlite3.SQLITE_OK if self._selects == 1 else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_READ:
            if second.lower() != "rowid":
                self._read.add((first, second))
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_OK if second.lower() in FUNCTIONS else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_DENY

    def _look(self):
        self._looks += 1
        return self._looks > _LOOKS


def select(plan: Plan, expression: str, log_book: str | None, key: str | None, scratch: str,
           complain: Callable[[str], object]) -> str:
    """Leave out of a plan the lines for which an expression is not true.

    Parameters
    ----------
    plan : mr_extract.jobs.driver.plan.Plan
    expression : str
    log_book : str or None
        Path or URI of a table.
    key : str or None
        Its column of ids or file names.
    scratch : str
        A folder.
    complain : callable
        Takes a warning.

    Returns
    -------
    str
        SHA-256 of what of the log book was read, empty without one.

    Raises
    ------
    ValueError
        As `Where` and `LogBook` name it.
    """
    database: Any = sqlite3.connect("")  # in memory as far as SQLite likes, else a file of its own
    try:
        if hasattr(database, "setlimit"):
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
            database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        book = LogBook(log_book, key, database, scratch) if log_book else None
        Where(expression, book, database).apply(plan, complain)
        return book.sha256 if book else ""
    finally:
        database.close()
