"""What Spark's own configuration says, which mrjob would override."""

import os
import re
from pathlib import Path


def master() -> str | None:
    """Return the master that ``spark-defaults.conf`` names, None when it names none.

    It is sought as Spark does: in `SPARK_CONF_DIR`, else in `SPARK_HOME/conf`.
    """
    folder = os.environ.get("SPARK_CONF_DIR")
    if not folder and (home := os.environ.get("SPARK_HOME")):
        folder = os.path.join(home, "conf")
    path = Path(folder or os.devnull) / "spark-defaults.conf"
    if not path.is_file():
        return None
    found = re.findall(r"^\s*spark\.master(?:\s*[=:]\s*|\s+)(\S+)", path.read_text(), re.MULTILINE)
    return found[-1] if found else None
