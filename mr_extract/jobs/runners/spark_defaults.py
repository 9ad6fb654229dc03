"""What Spark's own configuration says, which mrjob would override."""

import os
import re
from pathlib import Path

_LINE = re.compile(r"^[ \t]*([^#\s=:]+)(?:[ \t]*[=:][ \t]*|[ \t]+)(\S.*?)[ \t]*$", re.MULTILINE)


def properties() -> dict[str, str]:
    """Return the properties of ``spark-defaults.conf``, none where there is no such file.

    It is sought as Spark does: in `SPARK_CONF_DIR`, else in `SPARK_HOME/conf`.
    """
    folder = os.environ.get("SPARK_CONF_DIR")
    if not folder and (home := os.environ.get("SPARK_HOME")):
        folder = os.path.join(home, "conf")
    path = Path(folder or os.devnull) / "spark-defaults.conf"
    return dict(_LINE.findall(path.read_text())) if path.is_file() else {}


def master() -> str | None:
    """Return the master that ``spark-defaults.conf`` names, None when it names none."""
    return properties().get("spark.master")
