"""What Java says in pages, in one line."""

import re

_TRACE = "Traceback (most recent call last):"
_RAISED = re.compile(r"^(?:\w+\.)*(\w+(?:Error|Exception|Exit|Interrupt)): (.+)", re.MULTILINE)
_LOST_TASK = re.compile(r"Lost task [\d.]+ in stage [\d.]+ \(TID \d+\) \(([^)]*)\): (.*)",
                        re.DOTALL)
_CRASHED = re.compile(r"Python worker exited unexpectedly \(crashed\):?(.*)")
_NO_DAEMON = re.compile(r"Error from python worker:\s*\n(.*?)^PYTHONPATH was:",
                        re.DOTALL | re.MULTILINE)
_CAUSED = re.compile(r"^Caused by: ([\w.$]+: .+)", re.MULTILINE)
_NO_PROGRAM = re.compile(r'Cannot run program "[^"]+".*error=\d+.*')
_CLASS = re.compile(r"^(?:[a-z]\w*\.)+([A-Z][\w$]*): ")
_MOST = 600  # characters


def cause_of(error: BaseException) -> str:
    """Return in one line why Spark, or a job of it, failed.

    Parameters
    ----------
    error : Exception
        As py4j or pyspark raises it.
    """
    java = getattr(error, "java_exception", None)
    if java is None:
        return in_one_line(str(error) or type(error).__name__)
    text, cause = java.toString(), java.getCause()
    while cause is not None:
        text = f"{text}\nCaused by: {cause.toString()}"
        cause = cause.getCause()
    return in_one_line(text)


def in_one_line(text: str) -> str:
    """Return what is said in the words of Java, Spark and Python's traces, in one line.

    Parameters
    ----------
    text : str
        An exception with its causes, each with where it arose.
    """
    where = ""
    if lost := _LOST_TASK.search(text):
        where, text = f"{lost[1]}: ", lost[2]
    return f"{where}{_python(text) or _bottom(text)}"[:_MOST]


def _python(text):
    """Return what Python raised, or that it ended; empty where it did neither."""
    if failed := _NO_DAEMON.search(text):
        if lines := failed[1].split("\n")[:-1]:
            return lines[-1].strip()
    trace = text.rpartition(_TRACE)[2].partition("\n\tat ")[0] if _TRACE in text else ""
    if raised := _RAISED.findall(trace):
        kind, words = raised[-1]
        return words.removeprefix("mr_extract: ") if kind == "RuntimeError" else f"{kind}: {words}"
    if crashed := _CRASHED.search(text):
        return ": ".join(filter(None, ("the task's Python ended unexpectedly", crashed[1].strip())))
    return ""


def _bottom(text):
    causes = _CAUSED.findall(text)
    if found := _NO_PROGRAM.search(text):
        return found[0]  # below it is that there is no such file, and not which
    if causes:
        return _CLASS.sub("", causes[-1])
    lines = [line.strip() for line in text.splitlines()
             if line.strip() and not line.startswith("\tat ")]
    return _CLASS.sub("", lines[0]) if lines else "no reason given"
