"""What a client reads of Hadoop's configuration, as which NameNodes serve under which name."""

import os
from pathlib import Path
from xml.etree import ElementTree

from mr_extract.failures import ImageFailure

_FILES = ("core-site.xml", "hdfs-site.xml")
_NAMENODES = "dfs.ha.namenodes."


def properties(*files: str) -> dict[str, str]:
    """Return the properties of the files in HADOOP_CONF_DIR, or HADOOP_HOME/etc/hadoop.

    Parameters
    ----------
    *files : str
        Their names; default: those that clients of HDFS read.

    Returns
    -------
    dict of str to str
        Empty without either variable; later files stand above earlier ones.

    Raises
    ------
    ImageFailure
        ``fetch-failed`` for a file that is no configuration.
    """
    found: dict[str, str] = {}
    folder = os.environ.get("HADOOP_CONF_DIR")
    if folder is None and "HADOOP_HOME" in os.environ:
        folder = os.path.join(os.environ["HADOOP_HOME"], "etc", "hadoop")
    if not folder:
        return found
    for name in files or _FILES:
        path = Path(folder) / name
        if not path.exists():
            continue
        try:
            root = ElementTree.parse(path).getroot()
        except (OSError, ElementTree.ParseError) as error:
            raise ImageFailure(
                "fetch-failed", f"{name} of Hadoop's configuration cannot be read: {error}"
            ) from error
        for item in root.iter("property"):
            found[item.findtext("name", "").strip()] = item.findtext("value", "").strip()
    return found


def namenodes(found: dict[str, str]) -> dict[str, list[str]]:
    """Return the names of the NameNodes of every name service.

    Parameters
    ----------
    found : dict of str to str
        What `properties` returns.

    Returns
    -------
    dict of str to list of str
    """
    return {
        key.removeprefix(_NAMENODES): [name.strip() for name in value.split(",")]
        for key, value in found.items() if key.startswith(_NAMENODES)
    }


def rotated(services: dict[str, list[str]], turn: int) -> dict[str, str]:
    """Return the properties that let another NameNode of each name service be the first.

    Parameters
    ----------
    services : dict of str to list of str
        What `namenodes` returns.
    turn : int
        0 leaves them as they are.
    """
    return {
        f"{_NAMENODES}{service}": ",".join(names[turn % len(names):] + names[: turn % len(names)])
        for service, names in services.items()
    }
