"""What a user's function may do wrong, and what becomes of it: the table that is tested and shown.

Each is `own_functions.misbehaves` with that word; in a manifest another image follows each.
"""

import re
import subprocess
from dataclasses import dataclass

from conftest import ROOT, module

TIMEOUT = 10  # seconds an image may take, with the start of its process
MEGABYTES = 500


@dataclass(frozen=True)
class Misbehaviour:
    """One row.

    Parameters
    ----------
    what : str
        In words.
    word : str
        As `own_functions.misbehaves` has it.
    kind : str
        Of the failure, empty where the image is measured.
    told : str
        A pattern that the message holds.
    inline : bool
        It can be survived without a child, too.
    """

    what: str
    word: str
    kind: str = ""
    told: str = ""
    inline: bool = True


def _line(word):
    return rf"\(own_functions\.py:\d+ in _{word}\)"


TABLE = (
    Misbehaviour("raises an exception", "raises", "function-failed",
                 rf"^ValueError: no stars {_line('raises')}; it printed: looked at it$"),
    Misbehaviour("returns nonsense", "returns_nonsense", "bad-result", "it returned int 42"),
    Misbehaviour("returns other columns", "returns_other_columns", "bad-result",
                 "the column mean is f8, and it returned str 'text'"),
    Misbehaviour("calls itself for ever", "recurses", "function-failed",
                 f"^RecursionError: .*{_line('recurses')}$"),
    Misbehaviour("calls sys.exit", "exits", "function-failed",
                 f"^it called sys.exit: 3 {_line('exits')}$"),
    Misbehaviour("hangs", "hangs", "timeout", f"{_line('hangs')}; it printed: waiting$", False),
    Misbehaviour("takes ever more memory", "leaks", "memory", f"{_line('leaks')}$", False),
    Misbehaviour("calls os._exit", "leaves", "killed",
                 f"ended with exit status 0, 2 times {_line('leaves')}$", False),
    Misbehaviour("crashes", "crashes", "killed", f"SIGSEGV, 2 times {_line('crashes')}$", False),
    Misbehaviour("crashes with a child that goes on", "crashes_with_child", "killed",
                 f"SIGSEGV, 2 times {_line('crashes_with_child')}$", False),
    Misbehaviour("prints, from Python, C, a child and to the descriptor", "prints"),
    Misbehaviour("leaves files and changes directory", "wanders"),
    Misbehaviour("removes its directory", "removes_folder"),
    Misbehaviour("replaces functions of numpy and astropy", "patches"),
    Misbehaviour("leaves a thread", "starts_thread", inline=False),
    Misbehaviour("leaves a daemon of its own session", "starts_daemon", inline=False),
    Misbehaviour("closes the standard streams", "closes"),
    Misbehaviour("closes every descriptor and opens others", "closes_all", "killed",
                 "the streams by which it is asked were closed", False),
    Misbehaviour("changes environment, umask, signals, timer, locale, limits", "changes"),
)
STATE = ("mean:f8,files:i8,mask:i8,variable:str,locale:str,ignored:bool,threads:i8,limit:i8,"
         "stdin:str,errors:str")


def write_manifest(path, image, inline=False):
    """Write a manifest of an image as often as there are faults, and another one after each."""
    lines = [f"{image}\tid=0-before\n"]
    for number, one in enumerate(TABLE):
        if one.inline or not inline:
            lines += [f"{image}\tid={number:02d}-{one.word}\twhat={one.word}\n",
                      f"{image}\tid={number:02d}-{one.word}-after\n"]
    path.write_text("".join(lines))
    return path


def run_all(manifest, *options, **keywords):
    """Run the job over the faults in one task."""
    return module("jobs.apply", manifest, "--function", "own_functions:misbehaves", "--columns",
                  STATE, "--image-timeout", TIMEOUT, "--image-memory", MEGABYTES, "--jobs", "1",
                  *options, cwd=ROOT / "tests", timeout=280, **keywords)


def messages_of(run):
    """Map the id of a failed image to kind and message."""
    cells = [line.split("\t") for line in run.lines if line.startswith("#error")]
    return {one[1]: (one[2], one[3]) for one in cells}


def check(run, number, one):
    """Assert that a fault cost its own image alone, and was told as the table says."""
    name = f"{number:02d}-{one.word}"
    failed, rows = messages_of(run), rows_of(run)
    kind, message = failed.get(name, ("", ""))
    assert kind == one.kind, message
    assert re.search(one.told, message), message
    assert failed.get(f"{name}-after") is None
    assert rows[f"{name}-after"] == rows["0-before"], "what follows is measured otherwise"
    if not kind:
        assert rows[name] == rows["0-before"]


def rows_of(run):
    """Map the id of an image to its cells."""
    cells = [line.split("\t") for line in run.lines if not line.startswith("#")]
    return {one[0]: one[1:] for one in cells[1:]}


def left_processes():
    """Return the lines of `ps` of what a fault has left."""
    told = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line for line in told.stdout.splitlines() if line.startswith("sleep 987")]
