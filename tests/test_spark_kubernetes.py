"""`-r spark` on Kubernetes: what real Spark submits, and that it runs with no more than its role.

The API server is pretended; spark-submit, drivers and executors are Spark's own.
"""

import io
import json
import re
import sys
import tarfile

import pytest
import yaml
from conftest import ROOT, job
from pages import commands_of, read_page, shell_in
from pretend_kubernetes import PretendKubernetes

from bench.clusters.deadly_places import DeadlyPlaces

pytestmark = [pytest.mark.needs("spark"), pytest.mark.timeout(900)]
FILES = ROOT / "mr_extract" / "kubernetes"
HUSH = "hush-hush"


def role():
    """Return what the driver's role allows: verbs and resources."""
    documents = list(yaml.safe_load_all((FILES / "role.yaml").read_text()))
    kinds = [one["kind"] for one in documents]
    assert kinds == ["ServiceAccount", "Role", "RoleBinding"]
    account, rules, binding = documents
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": account["metadata"]["name"]}]
    assert binding["roleRef"]["name"] == rules["metadata"]["name"]
    assert all(rule["apiGroups"] == [""] for rule in rules["rules"])
    allowed = {(verb, resource) for rule in rules["rules"]
               for resource in rule["resources"] for verb in rule["verbs"]}
    assert not [one for one in allowed if "*" in one]
    assert "secrets" not in {resource for _, resource in allowed}
    return allowed


def least_privilege(pod):
    """Assert that a pod may do nothing but what it must."""
    spec = pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 185
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "privileged": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}}
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        assert not spec.get(name)
    # All that is written is a volume of the pod's, or a configuration.
    assert all({"emptyDir", "configMap"} & set(volume) for volume in spec["volumes"])
    places = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert {"/tmp", "/opt/spark/work-dir"} <= places
    return container


def variables(container):
    return {one["name"]: one.get("value") for one in container["env"]}


def small_archive(folder):
    """Make an archive of an environment whose Python is the one that runs here."""
    script = f'#!/bin/sh\nexec {sys.executable} "$@"\n'.encode()
    entry = tarfile.TarInfo("bin/python")
    entry.size, entry.mode = len(script), 0o755
    with tarfile.open(folder / "env.tar.gz", "w:gz") as tar:
        tar.addfile(entry, io.BytesIO(script))
    return folder / "env.tar.gz"


@pytest.fixture(scope="module")
def list_of_secrets(night, tmp_path_factory):
    """The night, and an image at an address with a password."""
    path = tmp_path_factory.mktemp("list") / "list.txt"
    images = sorted(night.glob("*.fits"))
    with DeadlyPlaces(night) as places:
        address = places.url.replace("://", f"://me:{HUSH}@")
        path.write_text("".join(f"{image}\tid={image.stem}\n" for image in images)
                        + f"{address}/{images[0].name}\tid=secret\n")
        yield path


def test_the_page_is_followed_and_pods_may_do_no_more_than_they_must(list_of_secrets, tmp_path):
    """In cluster mode, where the driver is a pod, too."""
    (tmp_path / "list.txt").write_bytes(list_of_secrets.read_bytes())
    first, submit = commands_of(read_page("docs/spark.md", "Kubernetes"))
    submit = submit.replace(" list.txt", f" --env-archive {small_archive(tmp_path)} list.txt")
    with PretendKubernetes(tmp_path / "pods", allows=role()) as kubernetes:
        shell = shell_in(tmp_path, {
            "API": kubernetes.url, "IMAGE": "registry.example.org/spark:4", "JOBS":
            f"{tmp_path}/jobs", "AWS_SECRET_ACCESS_KEY": HUSH, "AWS_ACCESS_KEY_ID": "AKIA"},
            timeout=800)
        said = shell(first + submit)
        assert said.status == 0, said.err
        spoken = "".join(map(kubernetes.pods.said, kubernetes.pods.processes))
    expected = job("-r", "inline", list_of_secrets)
    assert expected.out.count(b"\n#image\t") == 7
    assert (tmp_path / "kubernetes.tsv").read_bytes() == expected.out
    assert list((tmp_path / "jobs").iterdir()) == []

    driver, *executors = kubernetes.made["pods"]
    assert len(executors) == 2
    assert [pod["metadata"]["labels"]["spark-role"] for pod in (driver, *executors)] == [
        "driver", "executor", "executor"]
    for pod in (driver, *executors):
        container = least_privilege(pod)
        assert container["image"] == "registry.example.org/spark:4"
    assert driver["spec"]["serviceAccountName"] == "mr-extract"
    for pod in executors:
        container = pod["spec"]["containers"][0]
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert container["resources"]["limits"] == {"memory": "2048Mi"}
        assert container["resources"]["requests"] == {"memory": "2048Mi", "cpu": "1"}
        # The code comes with the job, by an archive that Spark unpacks there.
        assert variables(container)["PYTHONPATH"] == "mr_extract_code"
    told = json.dumps(kubernetes.made)
    (line,) = (line for one in kubernetes.made["configmaps"]
               for line in one["data"].get("spark.properties", "").splitlines()
               if line.startswith("spark.archives="))
    assert re.findall(r"/([\w.]+)#(\w+)", line.replace("\\", "")) == [
        ("mr_extract_code.zip", "mr_extract_code"), ("env.tar.gz", "mr_extract_env")]
    assert variables(driver["spec"]["containers"][0])["PYSPARK_PYTHON"] == (
        "./mr_extract_env/bin/python")
    assert HUSH not in told and HUSH not in spoken

    # The driver was refused nothing, and the role has no verb for nothing but patch and delete
    # of single pods: executors that dynamic allocation ends.
    asked = set(kubernetes.asked_by_pods)
    assert asked <= role()
    assert role() - asked <= {("patch", "pods"), ("delete", "pods")}
    # The driver's pod stays, for its log, with what it owns.
    assert kubernetes.left()["pods"] == [driver["metadata"]["name"]]


def test_in_client_mode_nothing_stays(night, tmp_path):
    with PretendKubernetes(tmp_path / "pods") as kubernetes:
        done = job("-r", "spark", "--spark-master", kubernetes.master, "--spark-tmp-dir",
                   tmp_path / "jobs", "-D", "spark.kubernetes.container.image=spark:4",
                   "-D", "spark.executor.instances=1", "-D", "spark.driver.host=127.0.0.1",
                   "-D", f"spark.kubernetes.executor.podTemplateFile={FILES}/executor.yaml",
                   night / "manifest.txt", timeout=600)
        assert done.status == 0, done.err
        assert kubernetes.left() == {}
    assert done.out == job("-r", "inline", night / "manifest.txt").out
    (executor,) = kubernetes.made["pods"]
    least_privilege(executor)
    assert "services" not in kubernetes.made
