"""Hadoop's classes as Java has them in memory, in a file: who maps it starts a third sooner.

Java's class-data sharing. The file holds what a small job on one machine has loaded, which is
most of what clients and tasks need, and of the daemons what all have. Java takes it where it is
of the same Java and the same jars, and does without it where not.
"""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

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
    path = _path(java, jars)
    return (f"-XX:SharedArchiveFile={path}", "-Xshare:auto", *_SILENT) if path.exists() else ()


def make(java: str, jars: str | Path, streaming: str | Path) -> bool:
    """Make the file unless it is there; False where it cannot be, which costs speed alone.

    Parameters
    ----------
    java : str
        Path of the program.
    jars : path
        Folder of Hadoop's jars, in which the file will be.
    streaming : path
        The streaming jar, whose job is run.
    """
    path = _path(java, jars)
    if path.exists():
        return True
    try:
        # Under another name until it is whole: Java would break down over a part.
        with tempfile.TemporaryDirectory(prefix=".classes-", dir=jars) as scratch:
            (Path(scratch) / "in").write_text("a line\n")
            unfinished = Path(scratch) / path.name
            place = f"file://{scratch}"
            done = subprocess.run(
                [java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m", *_SILENT,
                 "-XX:-UsePerfData", f"-Djava.io.tmpdir={scratch}",
                 "--add-opens=java.base/java.lang=ALL-UNNAMED",
                 f"-XX:ArchiveClassesAtExit={unfinished}", "-cp", class_path(jars),
                 "org.apache.hadoop.util.RunJar", str(streaming), "-D", "fs.defaultFS=file:///",
                 "-D", "mapreduce.framework.name=local", "-D", f"hadoop.tmp.dir={scratch}/tmp",
                 "-D", f"mapreduce.jobtracker.staging.root.dir={scratch}/staging",
                 "-input", f"{place}/in", "-output", f"{place}/out", "-mapper", "cat",
                 "-reducer", "cat"],
                stdin=subprocess.DEVNULL, capture_output=True, cwd=scratch, timeout=_LIMIT)
            if done.returncode == 0:
                unfinished.rename(path)
    except (OSError, subprocess.TimeoutExpired):
        pass  # a folder that is not ours, a Java that cannot
    return path.exists()


def _path(java, jars):
    """Name the file by the Java that it is for: another one would have no use for it."""
    program = os.path.realpath(java)
    known = f"{program} {os.stat(program).st_mtime_ns}"
    return Path(jars) / f"classes-{hashlib.sha256(known.encode()).hexdigest()[:12]}.jsa"
