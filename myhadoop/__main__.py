"""Command line: ``python -m myhadoop``, on one machine or in a batch job."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from myhadoop import batch_commands, jars
from myhadoop.local import LocalCluster
from myhadoop.running import running_keeper, stop_keeper

FOLDER = ".hadoop"

_STARTED = """\
Hadoop {version} runs: {workers} DataNodes, {workers} NodeManagers; its files are in {folder}
  file system       {filesystem}
  ResourceManager   {resourcemanager}

To use it:
  export HADOOP_HOME={folder} HADOOP_CONF_DIR={folder}/etc/hadoop
  export PATH=$HADOOP_HOME/bin:$PATH
  hadoop fs -ls /
  python mr_extract.py -r hadoop list.txt > catalog.tsv
To end it:
  make hadoop-down"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one sub-command and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m myhadoop", description="A Hadoop of one's own.")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="start it on this machine")
    down = commands.add_parser("down", help="end its processes and remove its files")
    commands.add_parser("fetch", help="fetch Hadoop's jars, if they are not there")
    for command in (up, down):
        command.add_argument("--folder", default=FOLDER, help="for all its files [%(default)s]")
    batch_commands.add_to(commands)
    keep = commands.add_parser("hold")  # what `start` leaves behind; listed nowhere
    keep.add_argument("--folder", required=True)
    keep.add_argument("--owner", type=int, required=True)
    options = parser.parse_args(argv)
    own = {"up": _up, "down": _down, "fetch": _fetch}
    try:
        return (own.get(options.command) or getattr(batch_commands, options.command))(options)
    except RuntimeError as error:
        print(f"myhadoop: {error}", file=sys.stderr)
        return 1


def _up(options):
    if running_keeper(options.folder):
        print(f"myhadoop: it runs in {options.folder} already", file=sys.stderr)
        return 1
    if reason := jars.lacking():
        raise RuntimeError(reason)
    print("starting Hadoop, which takes half a minute", file=sys.stderr)
    cluster = LocalCluster(options.folder, alone=True)
    try:
        cluster.start()
    except BaseException:
        cluster.stop()
        raise
    print(_STARTED.format(
        version=jars.VERSION, workers=len(cluster.workers), folder=cluster.folder,
        filesystem=cluster.filesystem, resourcemanager=cluster.resourcemanager))
    return 0


def _down(options):
    folder = Path(options.folder)
    if not stop_keeper(folder):
        print(f"myhadoop: nothing runs in {folder}", file=sys.stderr)
    if (folder / "etc" / "hadoop").is_dir():  # ours, and no other folder by mistake
        shutil.rmtree(folder)
    return 0


def _fetch(_):
    print(jars.fetch())
    return 0


if __name__ == "__main__":
    sys.exit(main())
