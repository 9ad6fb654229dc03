"""What Java says in pages, in one line."""

import re

_RAISED = re.compile(r"^(?:\w+\.)*(\w+(?:Error|Exception|Exit|Interrupt)): (.+)", re.MULTILINE)
_LOST_TASK = re.compile(r"Lost task [\d.]+ in stage [\d.]+ \(TID \d+\) \(([^)]*)\): (.*)",
                        re.DOTALL)
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
    text, cause = java.toString(), java
    while (cause := cause.getCause()) is not None:
        if "Job aborted due to" not in text:
            text = cause.toString()
    return in_one_line(text)


def in_one_line(text: str) -> str:
    """Return what is said in the words of Java, Spark and Python's traces, in one line."""
    where = ""
    if lost := _LOST_TASK.search(text):
        where, text = f"{lost[1]}: ", lost[2]
    raised = _RAISED.findall(text.partition("\n\tat ")[0])
    if "Traceback (most recent call last)" in text and raised:
        kind, words = raised[-1]
        text = words if kind == "RuntimeError" else f"{kind}: {words}"
    lines = [line.strip() for line in text.splitlines()
             if line.strip() and not line.startswith("\tat ")]
    text = _CLASS.sub("", lines[0]) if lines else "no reason given"
    return f"{where}{text}"[:_MOST]
