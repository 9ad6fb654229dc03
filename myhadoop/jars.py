"""The jars of Hadoop on this machine, fetched once by Maven."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from myhadoop import shared_classes as sharing

POM = Path(__file__).with_name("pom.xml")
VERSION: str = re.findall(r"<hadoop.version>(.+)</hadoop.version>", POM.read_text())[0]


def folder() -> Path:
    """Return where the jars are, or will be.

    ``HADOOP_JARS`` names another place, as a folder that the nodes of a cluster share.
    """
    named = os.environ.get("HADOOP_JARS")
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "mr_extract", f"hadoop-{VERSION}")


def streaming(jars: str | Path) -> Path:
    """Return the path of the streaming jar in a folder of jars."""
    return Path(jars) / f"hadoop-streaming-{VERSION}.jar"


def java() -> str | None:
    """Return the path of the program java, or None."""
    home = os.environ.get("JAVA_HOME")
    named = os.path.join(home, "bin", "java") if home else "java"
    return shutil.which(named)


def shared_classes() -> tuple[str, ...]:
    """Return the options of a JVM that shares Hadoop's classes, where `fetch` could prepare it."""
    program = java()
    return sharing.options(program, folder().resolve()) if program else ()


def lacking() -> str:
    """Say what this machine lacks to run Hadoop; an empty text when nothing."""
    if not java():
        return "there is no java"
    if not streaming(folder()).exists() and not shutil.which("mvn"):
        return f"no jars in {folder()} and no mvn to fetch them"
    return ""


def fetch() -> Path:
    """Return the folder of jars, fetching them and making what JVMs share unless it is there.

    Raises
    ------
    RuntimeError
        When Maven is not there or fails; the message says why.
    """
    place = folder()
    if not streaming(place).exists():
        _fetch(place)
    if program := java():
        real = place.resolve()
        sharing.make(program, real, streaming(real))
    return place


def _fetch(place):
    if not shutil.which("mvn"):
        raise RuntimeError(f"no jars in {place}, and to fetch them the program mvn is needed "
                           "(Debian: apt install maven)")
    place.parent.mkdir(parents=True, exist_ok=True)
    # Under another name until all are there: a fetch may be interrupted, and two may be at work.
    with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as scratch:
        fetched = Path(scratch) / "jars"
        done = subprocess.run(
            ["mvn", "--quiet", "--batch-mode", f"--file={POM}", "dependency:copy-dependencies",
             "-DincludeScope=runtime", f"-DoutputDirectory={fetched}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        if done.returncode or not streaming(fetched).exists():
            raise RuntimeError(f"mvn could not fetch the jars:\n{done.stdout.strip()}")
        try:
            fetched.rename(place)
        except OSError:
            if not streaming(place).exists():  # else another was quicker
                raise
