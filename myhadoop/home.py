"""A folder in the shape of an installed Hadoop, made of plain jars."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from myhadoop import configuration, jars
from myhadoop.commands import client_program


class Home:
    """What `HADOOP_HOME` may be set to: program, configuration and the streaming jar.

    Parameters
    ----------
    folder : path
        Made when it is not there.

    Raises
    ------
    RuntimeError
        When there is a blank in the path of the folder, with which Hadoop cannot do.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).resolve()
        if " " in str(self.folder):
            raise RuntimeError(f"Hadoop takes no folder with a blank in its path: {self.folder}")
        self.conf = self.folder / "etc" / "hadoop"

    @property
    def hadoop_bin(self) -> Path:
        """The program ``hadoop`` for this cluster."""
        return self.folder / "bin" / "hadoop"

    @property
    def streaming_jar(self) -> Path:
        """Hadoop's streaming jar."""
        return jars.streaming(self.folder / "share/hadoop/tools/lib")

    @property
    def environment(self) -> dict[str, str]:
        """What to export for clients."""
        return {"HADOOP_HOME": str(self.folder), "HADOOP_CONF_DIR": str(self.conf)}

    def furnish(self, layout: configuration.Layout, java: Sequence[str],
                settings: Mapping[str, Mapping[str, object]] | None = None) -> None:
        """Write the configuration and the program, and link the streaming jar.

        Parameters
        ----------
        layout : myhadoop.configuration.Layout
        java : sequence of str
            Options of the program's JVM.
        settings : dict of str to dict of str to object, optional
            Further properties by file.
        """
        for path in (self.hadoop_bin, self.streaming_jar):
            path.parent.mkdir(parents=True, exist_ok=True)
        configuration.write(self.conf, layout, settings)
        self.hadoop_bin.write_text(client_program(java, self.conf, layout.jars))
        self.hadoop_bin.chmod(0o755)
        self.streaming_jar.unlink(missing_ok=True)
        self.streaming_jar.symlink_to(jars.streaming(layout.jars))

    def run(self, *args: object, **keywords: Any) -> subprocess.CompletedProcess[str]:
        """Run the program ``hadoop`` and return what `subprocess.run` does, with its output."""
        return subprocess.run([self.hadoop_bin, *map(str, args)], capture_output=True, text=True,
                              env={**os.environ, **self.environment}, **keywords)
