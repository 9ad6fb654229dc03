"""A job that is ended when a part of its images is measured, and what is left of it."""

import os
import tempfile
import time
from pathlib import Path

from conftest import Run, module
from processes import kill, start_job

from mr_extract.jobs.driver.left_here import left_here


def job_of(process):
    """Return the `Left` of a driver that is a process started here."""
    found = [one for one in left_here(tempfile.gettempdir()) if one.record.pid == process.pid]
    return found[0] if found else None


def wait_until_some_are_done(process, images=2, timeout=120):
    """Wait until the tasks of a driver on this machine have written so many images."""
    end = time.monotonic() + timeout
    while time.monotonic() < end and process.poll() is None:
        job = job_of(process)
        parts = Path(job.record.output).glob("part-*") if job else ()
        if sum(path.read_bytes().count(b"#image") for path in parts) >= images:
            return job
        time.sleep(0.02)
    raise AssertionError("the job ended before it could be hit")


def assert_part_of(clean, catalog):
    """Assert that a catalog accounts for all images: as a whole run, or as lost."""
    text = catalog.read_bytes()
    accounts = Run(0, text, "").accounts()
    assert set(accounts) == set(clean.accounts())
    lost = {image for image, kind in accounts.items() if kind == "lost"}
    assert lost and set(accounts.values()) == {"", "lost"}
    kept = b"".join(line for line in clean.body.splitlines(True)
                    if line.split(b"\t")[line.startswith(b"#")].decode() not in lost)
    ours = b"".join(line for line in text.split(b"\n", 3)[3].splitlines(True)
                    if not line.startswith(b"#error"))
    assert ours == kept


def outlived(cluster, environment, folder, *words):
    """Return the catalog of a job in cluster mode on YARN, collected after its driver is killed.

    Parameters
    ----------
    cluster : myhadoop.local.LocalCluster
        On which no other job runs, and none was left.
    environment : dict of str to str
    folder : path
        In which it is collected.
    *words
        Of the job.
    """
    process = start_job("-r", "spark", "--spark-master", "yarn", "--spark-deploy-mode", "cluster",
                        *words, env=environment)
    apps = f"{cluster.resourcemanager}/ws/v1/cluster/apps"
    name, end = None, time.monotonic() + 240
    while not name and time.monotonic() < end and process.poll() is None:
        told = cluster.get(f"{apps}?states=RUNNING") or {}
        name = next((one["id"] for one in (told.get("apps") or {}).get("app", [])), None)
        time.sleep(0.2)
    kill(process.pid)
    said = process.communicate()[1].decode()
    assert name, f"YARN never had the job: {said}"
    while cluster.get(f"{apps}/{name}")["app"]["state"] in ("RUNNING", "ACCEPTED"):
        time.sleep(0.2)
    (line,) = module("collect", "-r", "spark", env=environment).lines
    done = module("collect", "-r", "spark", line.split()[0], env=environment, cwd=folder)
    assert done.status == 0, done.err
    removed = module("collect", "-r", "spark", line.split()[0], "--remove", env=environment)
    assert removed.status == 0, removed.err
    return done.out


def assert_gone(pids, timeout=60):
    """Assert that processes end."""
    end = time.monotonic() + timeout
    while time.monotonic() < end and any(os.path.exists(f"/proc/{pid}") for pid in pids):
        time.sleep(0.05)
    assert not [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
