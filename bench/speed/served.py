"""Services of this machine in a process of their own, which ends with who asked for them."""

import os
import subprocess
from contextlib import contextmanager

from bench.processes import ROOT, environment, module

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench",
               "AWS_DEFAULT_REGION": "us-east-1"}


@contextmanager
def served(name, *arguments):
    """Start a module that prints its ports and ends with its standard input; give the ports.

    Meanwhile the environment has credentials with which S3 of this machine may be asked.
    """
    before = {name: os.environ.get(name) for name in CREDENTIALS}
    os.environ.update(CREDENTIALS)
    try:
        with subprocess.Popen(module(name, *arguments), env=environment(), cwd=ROOT,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL) as process:
            try:
                yield tuple(map(int, process.stdout.readline().split()))
            finally:
                process.stdin.close()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
