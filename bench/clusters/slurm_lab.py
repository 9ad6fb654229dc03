"""Two pretend machines under a real Slurm, with its PBS commands; needs root.

Each machine is a set of namespaces (network, host name, mounts, processes) with an address,
an sshd, a scratch folder and a slurmd of its own; slurmctld and munged run outside. All else,
as the folder of the jobs, they share.
"""

import contextlib
import functools
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from bench.processes import ROOT
from myhadoop import jars

HOSTS = ("node1", "node2")
_PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "qsub", "sshd", "ssh", "ssh-keygen",
             "unshare", "ip", "nsenter")
_SLURM = """\
ClusterName=lab
SlurmctldHost={name}({net}.1)
SlurmctldPort={port}
SlurmUser=root
AuthInfo=socket={lab}/munge/sock
StateSaveLocation={lab}/state
SlurmdSpoolDir={lab}/spool.%n
SlurmctldPidFile={lab}/slurmctld.pid
SlurmdPidFile={lab}/slurmd.%n.pid
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
SlurmdParameters=config_overrides
KillWait=100
MinJobAge=3600
JobSubmitPlugins=pbs
JobCompType=jobcomp/filetxt
JobCompLoc={lab}/record
PlugStackConfig={lab}/plugstack.conf
TaskProlog={lab}/prolog.sh
NodeName=node[1-2] NodeAddr={net}.1[1-2] CPUs=8 RealMemory=25000
PartitionName=batch Nodes=ALL Default=YES State=UP
"""
# What a site's PBS sets, and Slurm's PBS commands do not.
_PROLOG = """\
#!/bin/sh
f={lab}/nodes.$SLURM_JOB_ID
[ -s $f ] || {{ t=$(generate_pbs_nodefile); chmod 644 $t; mv $t $f; }}
echo "export PBS_NODEFILE=$f"
echo "export PBS_ENVIRONMENT=PBS_BATCH"
echo "export PBS_JOBID=$SLURM_JOB_ID.lab"
"""
_MACHINE = """
hostname {host}; ip link set lo up
mount --bind {lab}/hosts /etc/hosts; mount -t tmpfs none {lab}/scratch; mkdir -p /run/sshd
mkdir -p /etc/ssh; [ -e /etc/ssh/ssh_config ] || touch /etc/ssh/ssh_config
mount --bind {lab}/ssh_config /etc/ssh/ssh_config
until ip addr add {address}/24 dev eth0 2>/dev/null; do sleep .1; done; ip link set eth0 up
{sshd} -f {lab}/sshd_config
slurmd -D -N {host}; exit
"""
_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


@functools.cache
def lacks_lab():
    """Say why there can be no lab; an empty text where it can."""
    if os.geteuid() != 0:
        return "machines are made by root"
    missing = [name for name in _PROGRAMS if not shutil.which(name, path=_PATH)]
    if missing:
        return f"not installed: {' '.join(missing)}"
    done = subprocess.run(["unshare", "-n", "-u", "-m", "-p", "--fork", "true"],
                          capture_output=True, text=True)
    return done.stderr.strip()


class Lab:
    """The machines and the scheduler.

    Parameters
    ----------
    folder : Path
        Short, as sockets lie in it.
    """

    def __init__(self, folder):
        self.folder, self.jobs = folder, folder / "jobs"
        self.net = f"10.{os.getpid() % 200 + 20}.77"
        self._bridge, self._processes, self.machines = f"lab{os.getpid() % 10**6}", [], {}
        self.env = {**os.environ, "PATH": _PATH, "SLURM_CONF": str(folder / "slurm.conf")}
        self.scratch = folder / "scratch"

    def start(self):
        """Start all and wait until both machines are idle."""
        self._write()
        lab = self.folder
        self._call("ip", "link", "add", self._bridge, "type", "bridge")
        self._call("ip", "addr", "add", f"{self.net}.1/24", "dev", self._bridge)
        self._call("ip", "link", "set", self._bridge, "up")
        munge = lab / "munge"
        self._begin("munged", "munged", "-F", f"--key-file={munge}/key", f"--socket={munge}/sock",
                    f"--pid-file={munge}/pid", f"--seed-file={munge}/seed")
        wait_until((munge / "sock").exists, 60)
        self._begin("slurmctld", "slurmctld", "-D")
        for number, host in enumerate(HOSTS, 1):
            script = _MACHINE.format(host=host, lab=lab, address=f"{self.net}.1{number}",
                                     sshd=shutil.which("sshd", path=_PATH))
            outer = self._begin(host, "unshare", "-n", "-u", "-m", "-p", "--fork", "--kill-child",
                                "--mount-proc", "bash", "-c", script)
            children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
            wait_until(lambda children=children: children.read_text().split(), 60)
            self.machines[host] = inner = children.read_text().split()[0]
            outside = os.readlink("/proc/self/ns/net")
            wait_until(lambda i=inner, o=outside: os.readlink(f"/proc/{i}/ns/net") != o, 60)
            link = f"{self._bridge}{number}"
            self._call("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0",
                       "netns", inner)
            self._call("ip", "link", "set", link, "master", self._bridge, "up")
        wait_until(self._are_idle, 240)

    def stop(self):
        """End all."""
        for process in reversed(self._processes):
            # unshare lets nothing else through; it takes the processes of the machine along.
            process.send_signal(signal.SIGKILL)
            process.wait()
        subprocess.run(["ip", "link", "del", self._bridge], env=self.env)

    def call(self, *command, cwd=None, env=None):
        """Run a command of the scheduler and return what it prints."""
        done = subprocess.run(list(map(str, command)), env={**self.env, **(env or {})},
                              cwd=cwd or self.jobs, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def on(self, host, *command):
        """Run a command on a machine and return what it prints, whatever its status."""
        return subprocess.run(
            ["nsenter", "-t", self.machines[host], "-n", "-u", "-m", "-p", *map(str, command)],
            capture_output=True, text=True, timeout=240).stdout

    def address(self, host):
        """Return the address of a machine."""
        return f"{self.net}.1{HOSTS.index(host) + 1}"

    def state(self, job):
        """Return what Slurm says of a job, as ``COMPLETED``."""
        told = self.call("scontrol", "show", "job", job)
        return told.partition("JobState=")[2].split()[0]

    def record(self, job):
        """Return the scheduler's record of a job as a dict, once it has ended."""
        told = self.call("scontrol", "-o", "show", "job", job)
        return dict(word.partition("=")[::2] for word in told.split() if "=" in word)

    def wait(self, job, within=240):
        """Wait until a job has ended and return its state."""
        wait_until(lambda: self.state(job) not in ("PENDING", "RUNNING", "COMPLETING",
                                                   "CONFIGURING"), within)
        return self.state(job)

    def left(self, job):
        """Return what is of a job on the machines: processes and files, by host."""
        found = {}
        for host in HOSTS:
            processes = [line for line in self.on(host, "ps", "-e", "-o", "args=").splitlines()
                         if re.search(rf"(hadoop\.|myhadoop-){job}/", line)]
            files = [name for name in self.on(host, "ls", "-A", self.scratch).split()
                     if name == f"myhadoop-{job}"]
            if processes or files:
                found[host] = processes, files
        return found

    def _are_idle(self):
        told = subprocess.run(["sinfo", "-hNt", "idle"], env=self.env, capture_output=True)
        return told.stdout.count(b"\n") == len(HOSTS)

    def _write(self):
        lab = self.folder
        for name in ("munge", "state", "spool.node1", "spool.node2", "log", "scratch", "jobs"):
            (lab / name).mkdir()
        (lab / "munge").chmod(0o711)
        (lab / "munge" / "key").write_bytes(os.urandom(1024))
        (lab / "munge" / "key").chmod(0o600)
        for name in ("id", "host"):
            self._call("ssh-keygen", "-qt", "ed25519", "-N", "", "-f", lab / name)
        text = {
            "slurm.conf": _SLURM.format(name=os.uname().nodename.partition(".")[0], lab=lab,
                                        net=self.net, port=_free_port()),
            "plugstack.conf": "required spank_pbs.so\n", "prolog.sh": _PROLOG.format(lab=lab),
            "hosts": "127.0.0.1 localhost\n" + "".join(
                f"{self.net}.1{number} {host}\n" for number, host in enumerate(HOSTS, 1)),
            "ssh_config": f"Host *\nIdentityFile {lab}/id\nStrictHostKeyChecking no\n"
                          "UserKnownHostsFile /dev/null\nLogLevel ERROR\n",
            "sshd_config": f"HostKey {lab}/host\nAuthorizedKeysFile {lab}/id.pub\n"
                           "StrictModes no\nPidFile none\n",
        }
        for name, words in text.items():
            (lab / name).write_text(words)
        (lab / "prolog.sh").chmod(0o755)
        self.env.update(
            PYTHONPATH=str(ROOT), MYHADOOP_SCRATCH=str(self.scratch),
            HADOOP_JARS=str(jars.fetch()),
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{_PATH}")
        for name in [name for name in self.env if name.startswith(("SLURM_JOB", "PBS_"))]:
            del self.env[name]

    def _begin(self, name, *command):
        with open(self.folder / "log" / name, "wb") as log:
            process = subprocess.Popen(list(map(str, command)), env=self.env, cwd=self.folder,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        self._processes.append(process)
        return process

    def _call(self, *command):
        subprocess.run(list(map(str, command)), env=self.env, check=True)


@contextlib.contextmanager
def lab_in(folder):
    """Give a lab that runs."""
    lab = Lab(folder)
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()


def _free_port():
    """Return a port that is free, and of those that the kernel gives to nobody by itself."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("", port))
            return port


def wait_until(true, within):
    """Wait until something holds."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.1)
