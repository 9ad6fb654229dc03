"""An EMR of this machine: moto answers as AWS does, and clusters do what they are told.

Bootstrap actions run as they are; the streaming steps run on the real Hadoop of the tests, or
end as a test says. What a step reads from S3 and writes to it passes through a folder, and its
tasks are given the credentials that an instance profile would give them. Nothing that mrjob
would have shut machines down is run.
"""

import gzip
import io
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import boto3

DEAD = ("TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS")
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "AKIATESTTESTTESTTEST", "AWS_SECRET_ACCESS_KEY": "secretsecret",
    "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_AWS = """#!{python}
import os, sys, boto3
assert sys.argv[1:3] == ["s3", "cp"], sys.argv
source, place = sys.argv[3:5]
bucket, _, key = source.partition("://")[2].partition("/")
boto3.client("s3").download_file(bucket, key, place)
"""
_OF_MOTO = "s3:HeadBucket"  # no action of IAM, where ListBucket is for that call
_NEVER_RUN = ("sudo", "yum", "dnf", "shutdown", "systemctl")


class PretendEmr:
    """Serve AWS until the end of a with statement; one at a time, as moto's state is one.

    Parameters
    ----------
    folder : Path
    hadoop : myhadoop.local.LocalCluster, optional
        That runs the steps.
    step : callable, optional
        Takes the arguments of a step and returns whether it ended well and its log.

    Attributes
    ----------
    environment : dict of str to str
        What a user has to set.
    client : boto3's client of S3
    throttled : dict of str to int, or None
        By path of an object how often it was asked for; a first time is answered SlowDown.
    minute : float
        Seconds that a cluster without work takes for a minute.
    """

    _alive = None

    def __init__(self, folder, hadoop=None, step=None):
        self.folder, self.hadoop = Path(folder), hadoop
        self._step = step or self.on_hadoop
        self._over = threading.Event()
        self._seen, self._threads, self._kept = set(), [], {}
        self.throttled, self.minute, self._idle_after = None, 60.0, {}

    def __enter__(self):
        from moto.emr import models
        from moto.moto_api._internal.models import moto_api_backend
        from moto.server import ThreadedMotoServer

        # A second one would take clusters of the first, and run their steps in its own way.
        assert PretendEmr._alive is None, "there is one already"
        PretendEmr._alive = self
        self.folder.mkdir(parents=True, exist_ok=True)
        self._models = models
        self._let_clusters_live()
        moto_api_backend.reset()
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self._answer, self._server._server.app = self._server._server.app, self._served
        self.url = f"http://127.0.0.1:{self._server.get_host_and_port()[1]}"
        self.environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": self.url}
        self.client = self.of_service("s3")
        self.client.create_bucket(Bucket="mine")
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        for name in ("aws", *_NEVER_RUN):
            text = _AWS.format(python=sys.executable) if name == "aws" else "#!/bin/sh\nexit 0\n"
            (programs / name).write_text(text)
            (programs / name).chmod(0o755)
        self._watch = threading.Thread(target=self._start_clusters, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in (self._watch, *self._threads):
            thread.join()
        self._server.stop()
        for name, method in self._kept.items():
            setattr(self._models.Cluster, name, method)
        PretendEmr._alive = None

    def of_service(self, name, key="a", secret="b", token=None):
        """Return boto3's client of a service."""
        return boto3.client(name, endpoint_url=self.url, region_name="us-east-1",
                            aws_access_key_id=key, aws_secret_access_key=secret,
                            aws_session_token=token)

    def _served(self, environ, start_response):
        """Answer a request as moto does, or as an S3 that is asked too often."""
        path = environ["PATH_INFO"]
        if self.throttled is not None and path.endswith(".fits") \
                and environ["REQUEST_METHOD"] == "GET":
            self.throttled[path] = self.throttled.get(path, 0) + 1
            if self.throttled[path] == 1:
                start_response("503 Slow Down", [("Content-Type", "application/xml")])
                return [b"<Error><Code>SlowDown</Code><Message>Reduce your request rate."
                        b"</Message></Error>"]
        if environ.get("HTTP_X_AMZ_TARGET", "").endswith(".RunJobFlow"):
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            told = json.loads(body)  # moto forgets what it is told of idle clusters
            self._idle_after[told["Name"]] = told["AutoTerminationPolicy"]["IdleTimeout"]
        return self._answer(environ, start_response)

    @contextmanager
    def enforcing(self, **policies):
        """Have moto hold everybody to policies, and give credentials under each.

        Parameters
        ----------
        **policies : dict
            IAM's, by name. `role` is that of machines, all others of users.

        Yields
        ------
        dict of str to tuple
            Key, secret and token by name.
        """
        from moto.core.authorization import enable_iam_authentication

        iam, sts = self.of_service("iam"), self.of_service("sts")
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policies["everything"] = {"Version": "2012-10-17", "Statement": [everything]}
        given = {}
        for name, policy in policies.items():
            text = json.dumps(policy)
            text = text.replace('"s3:ListBucket"', f'"s3:ListBucket", "{_OF_MOTO}"')
            if name == "role":
                role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]
                iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=text)
                made = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="node")["Credentials"]
                given[name] = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
            else:
                iam.create_user(UserName=name)
                iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=text)
                made = iam.create_access_key(UserName=name)["AccessKey"]
                given[name] = made["AccessKeyId"], made["SecretAccessKey"], None
        before, self.client = self.client, self.of_service("s3", *given["everything"])
        try:
            with enable_iam_authentication():
                yield given
        finally:
            self.client = before

    @property
    def clusters(self):
        """moto's clusters by id, the newest last."""
        return {cluster.id: cluster for account in list(self._models.emr_backends.values())
                for backend in list(account.values())
                for cluster in list(backend.clusters.values())}

    def objects(self, prefix=""):
        """Return the sizes of the objects in the bucket by key."""
        found = self.client.list_objects_v2(Bucket="mine", Prefix=prefix)
        return {one["Key"]: one["Size"] for one in found.get("Contents", ())}

    def put(self, key, content):
        """Write an object (bytes) and return its URI."""
        self.client.put_object(Bucket="mine", Key=key, Body=content)
        return f"s3://mine/{key}"

    def get(self, uri):
        """Return the bytes of an object."""
        bucket, _, key = uri.partition("://")[2].partition("/")
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def _let_clusters_live(self):
        """Have moto's clusters wait, run and end as EMR's do, not all at once."""
        models = self._models
        self._kept = {name: getattr(models.Cluster, name)
                      for name in ("run_bootstrap_actions", "add_steps", "add_applications",
                                   "terminate")}

        def add_steps(cluster, steps):
            new = [models.Step(state="PENDING", **step) for step in steps]
            cluster.steps.extend(new)
            return new

        def add_applications(cluster, applications):
            cluster.applications.extend(
                models.Application(one.get("name") or one["Name"], "3.4.0", [], {})
                for one in applications)

        def terminate(cluster):
            if cluster.state not in DEAD:
                cluster.last_state_change_reason = "Terminated by user request"
                cluster.state = "TERMINATING"

        models.Cluster.run_bootstrap_actions = lambda cluster: None
        models.Cluster.add_applications = add_applications
        models.Cluster.add_steps, models.Cluster.terminate = add_steps, terminate

    def _start_clusters(self):
        while not self._over.wait(0.02):
            for name, cluster in self.clusters.items():
                if name not in self._seen:
                    self._seen.add(name)
                    self._threads.append(threading.Thread(target=self._live, args=(cluster,)))
                    self._threads[-1].start()

    def _live(self, cluster):
        self._over.wait(0.1)  # until the call that makes it has returned
        cluster.state = "BOOTSTRAPPING"
        for number, action in enumerate(cluster.bootstrap_actions, 1):
            if not self._bootstrapped(cluster, number, action):
                return
        cluster.state, idle_since = "WAITING", time.monotonic()
        while not self._over.wait(0.02) and cluster.state not in DEAD:
            idle = (time.monotonic() - idle_since) / self.minute * 60
            if idle > self._idle_after[cluster.name]:
                cluster.last_state_change_reason = "Cluster was idle"
                break
            step = next((step for step in cluster.steps if step.state == "PENDING"), None)
            if step:
                cluster.state = step.state = "RUNNING"
                done, log = self._step(cluster, list(step.args))
                self._log(cluster, f"steps/{step.id}/syslog.gz", log)
                step.state = "COMPLETED" if done else "FAILED"
                idle_since = time.monotonic()
                if cluster.state == "RUNNING":
                    cluster.state = "WAITING"
        cluster.state = "TERMINATED"

    def _bootstrapped(self, cluster, number, action):
        if action.script_path.endswith("terminate_idle_cluster_emr.sh"):
            return True
        folder = self.folder / cluster.id / f"bootstrap-{number}"
        folder.mkdir(parents=True)
        script = folder / "script"
        script.write_bytes(self.get(action.script_path))
        script.chmod(0o755)
        done = subprocess.run([script, *action.args], cwd=folder, capture_output=True, text=True,
                              env={**self.environment, "HOME": str(folder),
                                   "PATH": f"{self.folder}/bin:/usr/bin:/bin"})
        node = "i-0123456789abcdef0"
        self._log(cluster, f"node/{node}/bootstrap-actions/{number}/stderr.gz", done.stderr)
        if done.returncode:
            for step in cluster.steps:
                step.state = "CANCELLED"
            cluster.last_state_change_reason = (
                f"On the master instance ({node}), bootstrap action {number} returned a "
                "non-zero return code")
            cluster.state = "TERMINATED_WITH_ERRORS"
        return not done.returncode

    def _log(self, cluster, name, text):
        place = cluster.log_uri.replace("s3n://", "s3://").partition("mine/")[2]
        self.put(f"{place}{cluster.id}/{name}", gzip.compress(text.encode()))

    def on_hadoop(self, cluster, words):
        """Run a streaming step on the real Hadoop, with what it has on S3 brought here."""
        assert words.pop(0) == "hadoop-streaming", words
        folder = self.folder / cluster.id / f"step-{time.monotonic_ns()}"
        folder.mkdir(parents=True)
        output = words[words.index("-output") + 1]
        for option in ("-files", "-archives", "-input"):
            for place in (k for k, word in enumerate(words) if word == option):
                words[place + 1] = ",".join(
                    self._brought(folder, one) for one in words[place + 1].split(","))
        words[words.index("-output") + 1] = f"file://{folder}/output"
        # What an instance profile and the metadata service tell.
        given = [word for name, value in self.environment.items()
                 for word in ("-cmdenv", f"{name}={value}")]
        done = subprocess.run(
            [*shlex.split(str(self.hadoop.hadoop_bin)), "jar",
             str(self.hadoop.streaming_jar), *words, *given],
            env={**os.environ, **self.hadoop.environment}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for path in sorted((folder / "output").glob("part-*")):
            self.put(f"{output.partition('mine/')[2].rstrip('/')}/{path.name}", path.read_bytes())
        return done.returncode == 0, done.stdout

    def _brought(self, folder, word):
        uri, mark, name = word.partition("#")
        path = folder / re.sub(r"\W+", "-", uri.rpartition("/")[0]) / uri.rpartition("/")[2]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.get(uri))
        path.chmod(0o755)
        return f"file://{path}{mark}{name}"
