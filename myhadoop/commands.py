"""How daemons and clients of Hadoop are started from plain jars."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from myhadoop import jars
from myhadoop.configuration import WORKER_FOLDER, WORKER_HOST
from myhadoop.shared_classes import class_path

_DAEMON_MB, _CLIENT_MB = 384, 512  # of heap

_CLASSES = {
    "namenode": "org.apache.hadoop.hdfs.server.namenode.NameNode",
    "datanode": "org.apache.hadoop.hdfs.server.datanode.DataNode",
    "resourcemanager": "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
    "nodemanager": "org.apache.hadoop.yarn.server.nodemanager.NodeManager",
    "historyserver": "org.apache.hadoop.mapreduce.v2.hs.JobHistoryServer",
}

_PROGRAM = """\
#!/bin/sh
# The sub-commands of `hadoop` that clients call, over plain jars.
conf={conf}
command=$1
shift
case $command in
  version) class=org.apache.hadoop.util.VersionInfo ;;
  jar) class=org.apache.hadoop.util.RunJar ;;
  fs) class=org.apache.hadoop.fs.FsShell ;;
  job) class=org.apache.hadoop.mapred.JobClient ;;
  *) echo "hadoop: $command is none of version, jar, fs, job" >&2; exit 2 ;;
esac
exec {java} -cp {jars}'/*:'"${{HADOOP_CONF_DIR:-$conf}}" "$class" "$@"
"""


def daemon(
    kind: str,
    options: Sequence[str],
    conf: str | Path,
    library: str | Path,
    host: str,
    folder: str | Path,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return command and environment of a daemon.

    Parameters
    ----------
    kind : str
        As ``namenode``.
    options : sequence of str
        Of the JVM.
    conf, library : path
        Folders of configuration and of jars.
    host : str
        Name or address of the host on which it runs.
    folder : path
        For what it keeps there.
    environment : dict of str to str, optional
        Further variables.

    Returns
    -------
    dict
        ``command`` (list of str) and ``environment`` (dict of str to str).
    """
    java = _java()
    return {
        "command": [java, f"-Xmx{_DAEMON_MB}m", *options, "-cp", class_path(library, conf),
                    _CLASSES[kind]],
        "environment": {
            "PATH": os.environ["PATH"], "LANG": "C.UTF-8",
            "JAVA_HOME": str(Path(os.path.realpath(java)).parent.parent),
            "USER": os.environ.get("USER", ""), "HOME": os.environ.get("HOME", "/"),
            "HADOOP_CONF_DIR": str(conf), WORKER_HOST: host, WORKER_FOLDER: str(folder),
            **(environment or {}),
        },
    }


def client_program(options: Sequence[str], conf: str | Path, library: str | Path) -> str:
    """Return the text of the program ``hadoop``.

    Parameters
    ----------
    options : sequence of str
        Of the JVM.
    conf, library : path
        Folders of configuration (where `HADOOP_CONF_DIR` is not set) and of jars.
    """
    return _PROGRAM.format(
        java=shlex.join([_java(), f"-Xmx{_CLIENT_MB}m", *options]),
        conf=shlex.quote(str(conf)), jars=shlex.quote(str(library)))


def _java():
    return jars.java()  # that there is one is what `jars.lacking` tells
