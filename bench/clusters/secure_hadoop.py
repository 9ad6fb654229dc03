"""A Hadoop of one's own that knows people by Kerberos, and tells its web pages to nobody else."""

import json
import os
import subprocess
from urllib.parse import urlencode

from myhadoop.local import LocalCluster

SERVICE = "hadoop"  # principal of all daemons, and of the user that may do everything on HDFS
# Workers listen on addresses of their own and call from this one, whose principal they must be.
_CALLER = "localhost"


class SecureCluster(LocalCluster):
    """HDFS and YARN with Kerberos and block tokens, calls encrypted and data with integrity.

    One thing is as on no real cluster: web pages are not by HTTPS, so that DataNodes must be
    told to start all the same (``ignore.secure.ports.for.testing``). Calls and data are by SASL
    as they would be with it. YARN starts containers without its own program for that, as our
    user here, whoever has submitted the job.

    Parameters
    ----------
    folder : path
    realm : bench.clusters.kerberos_lab.Realm
        That serves.
    **keywords
        Of `myhadoop.local.LocalCluster`.
    """

    def __init__(self, folder, realm, **keywords):
        self.realm, self._keys = realm, realm.folder / "daemons.keytab"
        secret = realm.folder / "cookies.secret"
        secret.write_bytes(os.urandom(32))
        super().__init__(folder, settings=_settings(realm.name, self._keys, secret),
                         java=realm.java, **keywords)
        self.user = SERVICE
        realm.add(self._keys, SERVICE, f"{SERVICE}/{self.head}", f"{SERVICE}/{_CALLER}",
                  *(f"HTTP/{host}" for host in self.addresses))
        self._ticket = realm.folder / "daemons.ticket"
        realm.get_ticket(self._keys, SERVICE, self._ticket)

    @property
    def environment(self):
        """What to export for clients."""
        return {**super().environment, **self.realm.environment}

    @property
    def java_of_clients(self):
        """The options of JVMs that are not those of the program ``hadoop``, as Spark's."""
        return (*self.realm.java, f"-Djdk.net.hosts.file={self.folder}/hosts")

    def ask(self, url, method="GET"):
        """Ask with the daemons' ticket, as `myhadoop.readiness.ask` does without one."""
        done = subprocess.run(
            ["curl", "-sf", "--max-time", "5", "--negotiate", "-u", ":", "-X", method,
             "-H", "Accept: application/json", url],
            env={**os.environ, **self.environment, "KRB5CCNAME": f"FILE:{self._ticket}"},
            capture_output=True)
        return json.loads(done.stdout or "{}") if done.returncode == 0 else None

    def welcome(self, name):
        """Make a principal with a home on HDFS, and return the path of its keytab."""
        keytab = self.realm.folder / f"{name}.keytab"
        self.realm.add(keytab, name)
        for told in ({"op": "MKDIRS", "permission": "755"}, {"op": "SETOWNER", "owner": name}):
            if self.ask(f"{self.webhdfs}/webhdfs/v1/user/{name}?{urlencode(told)}", "PUT") is None:
                raise RuntimeError(f"/user/{name} could not be made")
        return keytab


def _settings(realm, keytab, secret):
    def known_as(daemon, keys, host="_HOST"):
        return {f"{daemon}principal": f"{SERVICE}/{host}@{realm}", keys: keytab}

    web = f"HTTP/_HOST@{realm}"
    return {
        "core-site": {
            "hadoop.security.authentication": "kerberos",
            "hadoop.security.authorization": "true",
            "hadoop.rpc.protection": "privacy",
        },
        "hdfs-site": {
            **known_as("dfs.namenode.kerberos.", "dfs.namenode.keytab.file"),
            **known_as("dfs.datanode.kerberos.", "dfs.datanode.keytab.file", _CALLER),
            "dfs.web.authentication.kerberos.principal": web,
            "dfs.web.authentication.kerberos.keytab": keytab,
            "dfs.block.access.token.enable": "true",
            "dfs.data.transfer.protection": "integrity",
            "ignore.secure.ports.for.testing": "true",
        },
        "yarn-site": {
            **known_as("yarn.resourcemanager.", "yarn.resourcemanager.keytab"),
            **known_as("yarn.nodemanager.", "yarn.nodemanager.keytab", _CALLER),
            # All pages of YARN.
            "hadoop.http.filter.initializers":
                "org.apache.hadoop.security.AuthenticationFilterInitializer",
            "hadoop.http.authentication.type": "kerberos",
            "hadoop.http.authentication.kerberos.principal": web,
            "hadoop.http.authentication.kerberos.keytab": keytab,
            "hadoop.http.authentication.signature.secret.file": secret,
        },
        "mapred-site": {
            **known_as("mapreduce.jobhistory.", "mapreduce.jobhistory.keytab"),
            # Not in /user, which the JobHistoryServer would make for itself alone.
            "mapreduce.jobhistory.intermediate-done-dir": "/history-of-jobs",
            "mapreduce.jobhistory.done-dir": "/history",
        },
    }
