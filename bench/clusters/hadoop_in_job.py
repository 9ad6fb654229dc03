"""The Hadoop inside a job of the lab, seen and hit from outside."""

import json

from myhadoop.readiness import ask


class HadoopInJob:
    """What YARN tells of a job's work, and its processes on the machines.

    Parameters
    ----------
    lab : bench.clusters.slurm_lab.Lab
    number : str
        Of the scheduler's job.
    """

    def __init__(self, lab, number):
        self._lab, self._number = lab, number
        self._folder = lab.jobs / f"hadoop.{number}"

    def ask(self, path):
        """Return what the ResourceManager answers, None when it does not."""
        try:
            told = json.loads((self._folder / "cluster.json").read_text())
        except FileNotFoundError:
            return None
        port = told["ports"]["yarn.resourcemanager.webapp.address"]
        return ask(f"http://{self._lab.address(told['hosts'][0])}:{port}/{path}")

    def master(self):
        """Return the running application and the host of its ApplicationMaster, or None."""
        told = self.ask("ws/v1/cluster/apps?states=RUNNING")
        for one in ((told or {}).get("apps") or {}).get("app", []):
            if one.get("amHostHttpAddress"):
                return one["id"], one["amHostHttpAddress"].partition(":")[0]
        return None

    def state_of(self, host):
        """Return what YARN says of a host, as ``LOST``."""
        told = self.ask("ws/v1/cluster/nodes") or {}
        return next((node["state"] for node in (told.get("nodes") or {}).get("node", [])
                     if node["nodeHostName"] == host), None)

    def maps_done(self):
        """Return how many maps have ended well."""
        told = self._of_mapreduce("")
        return told["job"]["mapsCompleted"] if told else 0

    def images_done(self):
        """Return how many images the tasks have counted as measured."""
        told = self._of_mapreduce("/counters")
        groups = told["jobCounters"].get("counterGroup", []) if told else []
        return sum(counter["totalCounterValue"] for group in groups
                   if group["counterGroupName"] == "images"
                   for counter in group["counter"] if counter["name"] == "measured")

    def mappers(self, host):
        """Return the process ids of mappers of mr_extract on a host."""
        return self._in_containers(host, "--mapper")

    def kill_host(self, host):
        """Kill NodeManager, DataNode and all containers on a host."""
        run = self._folder / "hosts" / host / "run"
        pids = [path.read_text().strip() for kind in ("nodemanager", "datanode")
                for path in run.glob(f"{kind}-*.pid")]
        assert pids, "no daemons to be killed"
        self._lab.on(host, "kill", "-9", *pids)
        self._lab.on(host, "kill", "-9", *self._in_containers(host, ""))

    def _of_mapreduce(self, what):
        master = self.master()
        if master is None:
            return None
        name = master[0].replace("application", "job")
        return self.ask(f"proxy/{master[0]}/ws/v1/mapreduce/jobs/{name}{what}")

    def _in_containers(self, host, word):
        # One look at all processes: pid, working directory, command line.
        script = ('for p in /proc/[0-9]*; do echo "${p#/proc/} $(readlink $p/cwd) '
                  '$(tr "\\0" " " < $p/cmdline)"; done 2>/dev/null')
        found = []
        for line in self._lab.on(host, "sh", "-c", script).splitlines():
            pid, place, words = [*line.split(" ", 2), "", ""][:3]
            if f"/myhadoop-{self._number}/containers/" in place and word in words:
                found.append(pid)
        return found
