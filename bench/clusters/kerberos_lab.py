"""A realm of Kerberos on this machine: MIT's KDC as a process of one's own, all in a folder."""

import functools
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from myhadoop.addresses import free_ports

_PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit", "curl")
_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
_WITHIN = 60.0  # seconds for the KDC to serve; machines may be busy
_CLIENTS = """\
[libdefaults]
default_realm = {realm}
dns_lookup_realm = false
dns_lookup_kdc = false
# Hosts are known by their addresses.
dns_canonicalize_hostname = false
rdns = false
# Java and MIT's library alike ask by TCP, whatever the size.
udp_preference_limit = 1
# Who names no tickets has none, whatever this machine has for others.
default_ccache_name = FILE:{folder}/no-tickets
[realms]
{realm} = {{
  kdc = 127.0.0.1:{port}
}}
"""
_KDC = """\
[kdcdefaults]
kdc_listen = 127.0.0.1:{port}
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{realm} = {{
  database_name = {folder}/principals
  key_stash_file = {folder}/stash
}}
[logging]
kdc = FILE:{folder}/kdc.log
"""


@functools.cache
def lacks_kerberos():
    """Say why there can be no KDC; an empty text where it can."""
    missing = [name for name in _PROGRAMS if not shutil.which(name, path=_PATH)]
    return f"not installed: {' '.join(missing)}" if missing else ""


class Realm:
    """A KDC and its principals: ``with Realm(folder) as realm``.

    Parameters
    ----------
    folder : path
        For all that it writes.
    """

    name = "LAB.TEST"

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._port = free_ports(["kdc"])["kdc"]
        self._kdc = None
        told = {"realm": self.name, "folder": self.folder, "port": self._port}
        for name, text in (("krb5.conf", _CLIENTS), ("kdc.conf", _KDC)):
            (self.folder / name).write_text(text.format(**told))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    @property
    def environment(self):
        """What to export for clients but Java, and who has no ticket has none."""
        return {"KRB5_CONFIG": f"{self.folder}/krb5.conf"}

    @property
    def java(self):
        """The options of JVMs of clients and servers."""
        return (f"-Djava.security.krb5.conf={self.folder}/krb5.conf",)

    def start(self):
        """Make the database, start the KDC and wait until it serves."""
        self._call("kdb5_util", "create", "-s", "-W", "-r", self.name, "-P", os.urandom(8).hex())
        with open(self.folder / "kdc.out", "ab") as out:
            self._kdc = subprocess.Popen(
                [shutil.which("krb5kdc", path=_PATH), "-n", "-P", f"{self.folder}/kdc.pid"],
                env=self._own, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end = time.monotonic() + _WITHIN
        while not self._serves():
            if self._kdc.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(
                    f"the KDC does not serve:\n{(self.folder / 'kdc.log').read_text()}")
            time.sleep(0.05)

    def stop(self):
        """End the KDC; its files stay."""
        if self._kdc is not None:
            self._kdc.kill()
            self._kdc.wait()

    def add(self, keytab, *principals):
        """Make principals with keys that nobody knows, and write these to a file."""
        told = "".join(f"addprinc -randkey {name}\nktadd -k {keytab} {name}\n"
                       for name in principals)
        self._call("kadmin.local", "-r", self.name, told=told)

    def get_ticket(self, keytab, principal, path, life="1d"):
        """Write a ticket to a file that `KRB5CCNAME` names."""
        self._call("kinit", "-l", life, "-k", "-t", keytab, "-c", f"FILE:{path}", principal)

    @property
    def _own(self):
        return {**os.environ, **self.environment, "KRB5_KDC_PROFILE": f"{self.folder}/kdc.conf"}

    def _serves(self):
        try:
            socket.create_connection(("127.0.0.1", self._port), 1).close()
        except OSError:
            return False
        return True

    def _call(self, program, *words, told=""):
        done = subprocess.run([shutil.which(program, path=_PATH), *map(str, words)], input=told,
                              env=self._own, cwd=self.folder, capture_output=True, text=True)
        # kadmin.local goes on after what it could not do.
        if done.returncode or "while" in done.stderr:
            raise RuntimeError(f"{program}: {done.stderr}")
