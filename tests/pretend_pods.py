"""Pods of Spark as processes: what the entrypoint of Spark's own image would start.

What a pod mounts of config maps is a folder; what a template mounts for it is as it is here.
"""

import os
import re
import subprocess
import time

from bench.clusters.spark_java import class_path, options, spark_home


class Pods:
    """The pods of a pretended Kubernetes.

    Parameters
    ----------
    kubernetes : pretend_kubernetes.PretendKubernetes
    folder : path
        For what they write.
    api : str
        Where they reach Kubernetes.

    Attributes
    ----------
    processes : dict of str to subprocess.Popen
        By name.
    """

    def __init__(self, kubernetes, folder, api):
        self._kubernetes, self._folder, self._api = kubernetes, folder, api
        self.processes = {}

    def said(self, name):
        """Return what a pod has written."""
        return (self._folder / name / "log").read_text(errors="replace")

    def end(self, name):
        """Tell a pod to end, if it runs."""
        if name in self.processes:
            self.processes[name].terminate()

    def stop(self):
        """End all pods."""
        for process in list(self.processes.values()):
            process.kill()
            process.wait()

    def run(self, space, name):
        """Run a pod and tell what becomes of it; returns when it has ended."""
        pod = self._kubernetes.get(space, "pods", name)
        container = next(one for one in pod["spec"]["containers"]
                         if one.get("args", [""])[0] in ("driver", "executor"))
        folder = self._folder / name
        folder.mkdir()
        places = self._mounted(space, pod, container, folder)
        environment = {"PATH": os.environ["PATH"], "SPARK_HOME": str(spark_home()),
                       "SPARK_SUBMIT_OPTS": " ".join(options())}
        for one in container.get("env", ()):
            value = one.get("value", "")
            if "valueFrom" in one:
                value = _field(pod, one["valueFrom"]["fieldRef"]["fieldPath"])
            environment[one["name"]] = _placed(value, places)
        role, *arguments = (_placed(one, places) for one in container["args"])
        words = _driver if role == "driver" else _executor
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                words(environment, arguments), env=environment, cwd=folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes[name] = process
        self._tell(space, name, "Running", {"running": {
            "startedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}}, container)
        status = process.wait()
        self._tell(space, name, "Failed" if status else "Succeeded",
                   {"terminated": {"exitCode": status}}, container)

    def _resolved(self, text):
        """Return properties of Spark with what the names of a cluster mean here."""
        if "spark.master=" in text:
            text += f"spark.kubernetes.driver.master={self._api}\n"
        return re.sub(r"[\w-]+-driver-svc\.[\w-]+\.svc", "127.0.0.1", text)

    def _tell(self, space, name, phase, state, container):
        self._kubernetes.change(space, "pods", name, {"status": {
            "phase": phase, "podIP": "127.0.0.1",
            "conditions": [{"type": "Ready", "status": str("running" in state)}],
            "containerStatuses": [{"name": container["name"], "state": state, "ready": True,
                                   "restartCount": 0, "image": container["image"],
                                   "imageID": "x", "containerID": "x"}]}})

    def _mounted(self, space, pod, container, folder):
        """Make a folder of each mount and return them by the places they have in the pod."""
        volumes = {one["name"]: one for one in pod["spec"].get("volumes", ())}
        places, found = {}, {}
        for mount in container.get("volumeMounts", ()):
            volume = volumes[mount["name"]]
            if not (mount["name"].startswith("spark-") or "configMap" in volume):
                continue  # of a template: this machine has such places
            place = folder / mount["name"]
            place.mkdir(exist_ok=True)
            places[mount["mountPath"]] = str(place)
            if "configMap" in volume:
                told = self._kubernetes.get(space, "configmaps", volume["configMap"]["name"])
                while told is None:  # a driver's is made after its pod, as that owns it
                    time.sleep(0.05)
                    told = self._kubernetes.get(space, "configmaps", volume["configMap"]["name"])
                found.update({place / name: text for name, text in told["data"].items()})
                for one in volume["configMap"].get("items", ()):
                    found[place / one["path"]] = told["data"][one["key"]]
        for path, text in found.items():
            path.write_text(_placed(self._resolved(text), places))
        return places


def _executor(environment, _):
    told = [value for name, value in sorted(environment.items())
            if name.startswith("SPARK_JAVA_OPT_")]
    path = f"{environment.get('SPARK_CONF_DIR', '')}:{class_path(environment['SPARK_HOME'])}"
    return ["java", *options(), *told, f"-Xmx{environment['SPARK_EXECUTOR_MEMORY']}", "-cp", path,
            "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
            "--driver-url", environment["SPARK_DRIVER_URL"],
            "--executor-id", environment["SPARK_EXECUTOR_ID"],
            "--cores", environment["SPARK_EXECUTOR_CORES"],
            "--app-id", environment["SPARK_APPLICATION_ID"],
            "--hostname", environment["SPARK_EXECUTOR_POD_IP"],
            "--resourceProfileId", environment["SPARK_RESOURCE_PROFILE_ID"],
            "--podName", environment["SPARK_EXECUTOR_POD_NAME"]]


def _driver(environment, arguments):
    address = environment["SPARK_DRIVER_BIND_ADDRESS"]
    return [f"{environment['SPARK_HOME']}/bin/spark-submit",
            "--conf", f"spark.driver.bindAddress={address}",
            "--conf", f"spark.executorEnv.SPARK_DRIVER_POD_IP={address}",
            "--deploy-mode", "client", *arguments]


def _field(pod, path):
    return {"status.podIP": "127.0.0.1", "metadata.name": pod["metadata"]["name"]}[path]


def _placed(text, places):
    for place, here in places.items():
        text = re.sub(rf"(?<![\w/]){re.escape(place)}(?![\w-])", here, text)
    return text
