"""Hadoop's classes as Java has them in memory, in a file: who maps it starts a third sooner.

Java's class-data sharing. The file holds what a small job on one machine has loaded, which is
most of what clients and tasks need, and of the daemons what all have. Java takes it where it is
of the same Java and the same jars, and does without it where not.
"""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

#: Java would say on standard output, amid data, that it does without the file.
_SILENT = ("-Xlog:disable", "-Xlog:all=error:stderr")
_LIMIT = 300  # seconds; it takes some ten


def class_path(jars: str | Path, *folders: str | Path) -> str:
    """Return the class path of every JVM: jars come first, which is what can be shared."""
    return ":".join([f"{jars}/*", *map(str, folders)])


def options(java: str, jars: str | Path) -> tuple[str, ...]:
    """Return the options of a JVM that shares classes; none where nothing was made to share.

    Parameters
    ----------
    java : str
        Path of the program.
    jars : path
        Folder of Hadoop's jars, as it stands in the class path.
    """
    path = Path(jars) / name_of(java)
    return using(path) if path.exists() else ()


def using(path: str | Path) -> tuple[str, ...]:
    """Return the options of a JVM that takes classes from a file, if they are those it needs."""
    return (f"-XX:SharedArchiveFile={path}", "-Xshare:auto", *_SILENT)


def making(path: str | Path) -> tuple[str, ...]:
    """Return the options of a JVM that writes such a file when it ends."""
    return (f"-XX:ArchiveClassesAtExit={path}", *_SILENT)


def name_of(java: str, besides: str = "") -> str:
    """Return the name of a file, by the Java that it is for: another would have no use for it.

    Parameters
    ----------
    java : str
        Path of the program.
    besides : str
        What else the classes depend on.
    """
    program = os.path.realpath(java)
    known = " ".join(filter(None, (program, str(os.stat(program).st_mtime_ns), besides)))
    return f"classes-{hashlib.sha256(known.encode()).hexdigest()[:12]}.jsa"


def make(java: str, jars: str | Path, streaming: str | Path) -> bool:
    """Make the file of Hadoop's unless it is there; False where it cannot be.

    Parameters
    ----------
    java : str
        Path of the program.
    jars : path
        Folder of Hadoop's jars, in which the file will be.
    streaming : path
        The streaming jar, whose job is run.
    """
    def run(unfinished, scratch):
        (scratch / "in").write_text("a line\n")
        place = f"file://{scratch}"
        return [java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m",
                "-XX:-UsePerfData", f"-Djava.io.tmpdir={scratch}",
                "--add-opens=java.base/java.lang=ALL-UNNAMED", *making(unfinished),
                "-cp", class_path(jars),
                "org.apache.hadoop.util.RunJar", str(streaming), "-D", "fs.defaultFS=file:///",
                "-D", "mapreduce.framework.name=local", "-D", f"hadoop.tmp.dir={scratch}/tmp",
                "-D", f"mapreduce.jobtracker.staging.root.dir={scratch}/staging",
                "-input", f"{place}/in", "-output", f"{place}/out", "-mapper", "cat",
                "-reducer", "cat"], {}

    return made(Path(jars) / name_of(java), run)


def made(path: Path, run: Callable[[Path, Path], tuple[Sequence[Any], Mapping[str, str]]]) -> bool:
    """Make a file of classes unless it is there; False where it cannot be, which costs speed alone.

    Parameters
    ----------
    path : Path
    run : callable
        Takes where the file shall be written, and a folder for all else; returns the words of a
        command that does so with `making`, and what its environment has besides.
    """
    if path.exists():
        return True
    try:
        # Under another name until it is whole: Java would break down over a part.
        with tempfile.TemporaryDirectory(prefix=".classes-", dir=path.parent) as scratch:
            unfinished = Path(scratch) / path.name
            words, environment = run(unfinished, Path(scratch))
            done = subprocess.run(
                [str(word) for word in words], env={**os.environ, **environment},
                stdin=subprocess.DEVNULL, capture_output=True, cwd=scratch, timeout=_LIMIT)
            if done.returncode == 0:
                unfinished.rename(path)
    except (OSError, subprocess.TimeoutExpired):
        pass  # a folder that is not ours, a Java that cannot
    return path.exists()
