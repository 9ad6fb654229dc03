"""The job on a real Hadoop: the same bytes, and nothing half done that looks whole."""

import json
import os
import re
import shutil
import signal
import sys
import time

import pytest
from conftest import LAUNCHER, ROOT, command, job, module
from hadoop_clusters import clear, processes_of
from header_damage import write_all
from pages import commands_of, read_page, shell_in
from processes import finish, kill, start_job

from mr_extract.jobs.runners.hadoop.plain_arguments import given, plain
from mr_extract.jobs.runners.hadoop.progress import Watch, root_cause
from mr_extract.jobs.runners.hadoop.runner import streamed
from mr_extract.jobs.runners.hadoop.settings import COMMITTER, DEFAULTS, MAPS, REDUCES

DIFFICULT = """o'hara "x" $HOME \\ naïve 星"""


@pytest.fixture(scope="module")
def manifest(night, tmp_path_factory):
    """The night's six images, one that is not there, and two lines under one id."""
    path = tmp_path_factory.mktemp("lists") / "list.txt"
    lines = [line for line in (night / "manifest.txt").read_text().splitlines()
             if not line.startswith("#")]
    first = lines[0].split("\t")[0]
    path.write_text("\n".join([*lines, f"{night}/no-such-file.fits", f"{first}\tid=twice\tfilter=g",
                               f"{first}\tid=twice\tfilter=r"]) + "\n")
    return path


def on(hadoop, *args, **keywords):
    return job("-r", "hadoop", *args, env=hadoop.environment, **keywords)


def job_of(run):
    return re.search(r"application_(\d+_\d+)", run.err)[1]


def history(hadoop, run, what):
    port = "19888/ws/v1/history/mapreduce/jobs"
    return hadoop.get(f"http://{hadoop.head}:{port}/job_{job_of(run)}/{what}")


def properties(hadoop, run):
    told = history(hadoop, run, "conf")["conf"]["property"]
    return {one["name"]: one["value"] for one in told}


def test_the_catalog_is_that_of_inline_and_made_by_the_code_that_was_shipped(
        hadoop, manifest, tmp_path):
    """The list has images with damaged headers, too."""
    # A version of its own: the Python of the nodes may have the package installed.
    shutil.copytree(ROOT / "mr_extract", tmp_path / "mr_extract",
                    ignore=shutil.ignore_patterns("__pycache__"))
    launcher = shutil.copy(LAUNCHER, tmp_path)
    package = tmp_path / "mr_extract" / "__init__.py"
    package.write_text(re.sub(r'__version__ = "(.+)"', r'__version__ = "\1+shipped"',
                              package.read_text()))
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (tmp_path / "damaged.txt").write_text(
        "".join(f"{damaged / name}\n" for name in write_all(damaged)))

    def run(runner, *args):
        summary = tmp_path / f"{runner}.json"
        done = command([sys.executable, launcher, "-r", runner, "--max-failures", "100%",
                        "--summary", summary, *args, manifest, tmp_path / "damaged.txt"],
                       env=hadoop.environment)
        assert done.status == 0, done.err
        return done, json.loads(summary.read_text())

    expected, counted = run("inline")
    measured = list(expected.accounts().values()).count("")
    assert measured > 6 and expected.out.count(b"+shipped") == 1 + measured
    catalog = tmp_path / "catalog.tsv"
    # Where the Java of a task has its classes from.
    loaded = tmp_path / "loaded-%p"
    done, facts = run("hadoop", "-D", "mapreduce.job.maps=2",
                      "-D", f"mapreduce.map.env=_JAVA_OPTIONS=-Xlog:class+load:file={loaded}",
                      "-D", "mapreduce.map.memory.mb=1536",
                      "--s3-profile", DIFFICULT, "--catalog", catalog)
    assert catalog.read_bytes() == expected.out
    assert "Hadoop has the job: http" in done.err
    # Of Hadoop's counters.
    assert (facts["images"], facts["bytes"]) == (counted["images"], counted["bytes"])
    assert facts["images"]["measured"] == measured and facts["bytes"] > 6 * 400_000
    assert facts["milliseconds"]["detection"] > 0

    told = properties(hadoop, done)
    assert told["mapreduce.map.memory.mb"] == "1536"
    own = {name: str(value) for name, value in DEFAULTS.items()
           if name not in ("mapreduce.map.memory.mb", COMMITTER)}
    assert {name: told[name] for name in own} == own
    tasks = history(hadoop, done, "tasks")["tasks"]["task"]
    assert sorted(task["type"] for task in tasks) == ["MAP", "MAP"]
    loads = [path.read_text() for path in tmp_path.glob("loaded-*")]
    assert len(loads) == 2
    assert all(load.count("shared objects file (top)") > 1000 for load in loads)
    left = hadoop.run("fs", "-ls", "-R", f"/user/{hadoop.user}/tmp/mrjob")
    assert left.stdout == ""


def test_under_viewfs_and_in_a_queue_of_yarn_parts_stay_with_all_that_makes_them_a_catalog(
        hadoop, night, tmp_path):
    clear(hadoop, "/view")
    view = tmp_path / "conf"
    shutil.copytree(hadoop.conf, view)
    mount = "fs.viewfs.mounttable.all.link"
    mounts = {f"{mount}./sky": f"{hadoop.filesystem}/view", f"{mount}Fallback": hadoop.filesystem}
    core = (view / "core-site.xml").read_text()
    core = core.replace(f"<value>{hadoop.filesystem}</value>", "<value>viewfs://all</value>")
    core = core.replace("</configuration>", "".join(
        f"<property><name>{name}</name><value>{value}/</value></property>"
        for name, value in mounts.items()) + "</configuration>")
    (view / "core-site.xml").write_text(core)
    environment = {**hadoop.environment, "HADOOP_CONF_DIR": str(view)}
    paths = sorted(night.glob("*.fits"))[:2]
    hadoop.run("fs", "-mkdir", "/view", check=True)
    hadoop.run("fs", "-put", *paths, "/view", check=True)

    def run(runner, place, *options):
        manifest = tmp_path / "list.txt"
        lines = [f"{place}/{path.name}\tid={path.stem}" for path in paths]
        lines += [f"{place}/{paths[0].name}\tid=twice\tfilter={band}" for band in "gr"]
        manifest.write_text("\n".join(lines) + "\n")
        return job("-r", runner, "--max-failures", "1", *options, manifest, env=environment)

    whole = tmp_path / "whole.tsv"
    cluster = ("hadoop", "viewfs://all/sky", "--cmdenv", f"HADOOP_CONF_DIR={view}",
               "--output-dir", "/sky/catalog")
    done = run(*cluster, "-D", "mapreduce.job.queuename=root.default", "--catalog", whole,
               "-D", "mapreduce.job.maps=2", "-D", "mapreduce.job.reduces=2")
    assert done.status == 0, done.err
    assert "2 images measured, 1 failed" in done.err
    expected = run("inline", night)
    assert expected.status == 0 and whole.read_bytes() == expected.out
    listed = hadoop.run("fs", "-ls", "/view/catalog").stdout.split()
    names = [word.rpartition("/")[2] for word in listed if word.startswith("/view")]
    assert names == ["_SUCCESS", "_header", "part-00000", "part-00001", "part-refused"]

    def read(name):
        return b"".join(streamed([str(hadoop.hadoop_bin)], f"/view/catalog/{name}"))

    assert read("_header").splitlines() == expected.out.splitlines()[:3]
    assert sorted(read("part-*").splitlines()) == sorted(expected.body.splitlines())

    again = run(*cluster)
    assert again.status == 1
    assert "/sky/catalog already exists" in again.err and "Traceback" not in again.err
    refused = run(*cluster[:-2], "-D", "mapreduce.job.queuename=none")
    assert refused.status == 1 and refused.out == b""
    assert re.search(r"nothing was written: .* unknown queue: none", refused.err)


def test_output_that_comes_back_in_part_is_no_catalog(hadoop, manifest, tmp_path):
    """The client stops half way and says that all is well."""
    program = tmp_path / "hadoop"
    program.write_text('#!/bin/sh\nif [ "$2" = -text ]; then\n'
                       f'  {hadoop.hadoop_bin} "$@" | head -c 50000\n'
                       f'else\n  exec {hadoop.hadoop_bin} "$@"\nfi\n')
    program.chmod(0o755)
    catalog = tmp_path / "catalog.tsv"
    done = on(hadoop, "--hadoop-bin", program, "--hadoop-streaming-jar", hadoop.streaming_jar,
              "--catalog", catalog, "--max-failures", "100%", manifest)
    assert done.status == 1
    assert re.search(r"[1-6] images of a job that ended well did not come back", done.err)
    assert "Traceback" not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["hadoop"]


@pytest.mark.parametrize("lost", ["a block", "all"])
def test_a_stream_that_breaks_off_is_an_error(hdfs, tmp_path, lost):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(2 << 20))
    place = f"/tmp/streamed-{lost.replace(' ', '-')}"
    clear(hdfs, place)
    put = hdfs.run("fs", "-D", "dfs.blocksize=1048576", "-D", "dfs.replication=1",
                   "-put", path, place)
    assert put.returncode == 0, put.stderr
    program = [str(hdfs.hadoop_bin)]
    assert b"".join(streamed(program, place)) == path.read_bytes()
    if lost == "all":
        place += "-not-there"
    else:
        last = max(hdfs.folder.glob("worker-*/blocks/**/blk_*[0-9]"), key=os.path.getmtime)
        assert last.read_bytes() == path.read_bytes()[1 << 20:]
        last.unlink()
    came = b""
    with pytest.raises(OSError, match="broke off"):
        for chunk in streamed(program, place):
            came += chunk
    assert path.read_bytes().startswith(came)


def test_a_node_whose_python_lacks_packages_fails_the_task_and_says_so(hadoop, manifest):
    done = on(hadoop, "--python-bin", f"{sys.executable} -S", "-D", "mapreduce.map.maxattempts=2",
              manifest)
    assert done.status == 1 and done.out == b""
    assert re.search(r"the job failed, nothing was written: .*: the nodes' Python, \S+, lacks "
                     r"numpy, sep, astropy, orjson: --env-archive auto ships one, --python-bin "
                     r"names another; its logs: yarn logs", done.err)
    assert "failed and may be tried again: status 1: " in done.err


def test_a_stopped_driver_takes_its_job_with_it(hadoop, manifest, tmp_path, monkeypatch):
    for name, value in hadoop.environment.items():
        monkeypatch.setenv(name, value)
    process = start_job("-r", "hadoop", "--catalog", tmp_path / "catalog.tsv", manifest)
    said = ""
    while "Hadoop has the job" not in said:
        said = process.stderr.readline().decode()
        assert said, "it ended before it had a job"
    kill(process.pid, signal.SIGTERM)
    status, out, err = finish(process)
    assert status == 128 + signal.SIGTERM and out == b"" and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
    application = re.search(r"application_\d+_\d+", said)[0]
    end = time.monotonic() + 120
    # Its state is FINISHED if its ApplicationMaster was there in time to end it.
    status = "UNDEFINED"
    while status == "UNDEFINED" and time.monotonic() < end:
        app = hadoop.get(f"{hadoop.resourcemanager}/ws/v1/cluster/apps/{application}")
        status = app["app"]["finalStatus"] if app else status
        time.sleep(0.2)
    assert status == "KILLED"


def test_a_job_whose_driver_was_killed_is_collected_from_the_cluster(
        hadoop, manifest, tmp_path, monkeypatch):
    for name, value in {**hadoop.environment, "TMPDIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    catalog = tmp_path / "catalog.tsv"
    process = start_job("-r", "hadoop", "--catalog", catalog, manifest)
    said = ""
    while "Hadoop has the job" not in said:
        said = process.stderr.readline().decode()
        assert said, "it ended before it had a job"
    kill(process.pid)
    finish(process)
    listed = module("collect", "-r", "hadoop").out.decode()
    name = listed.split("\t")[0]
    assert listed.count("\n") == 1 and listed.endswith("runs without its driver\n")
    refused = module("collect", "-r", "hadoop", name)
    assert refused.status == 2 and "when it has ended" in refused.err and not catalog.exists()
    end = time.monotonic() + 240
    while "left" not in (listed := module("collect").out.decode()):
        assert listed.startswith(name) and time.monotonic() < end
        time.sleep(1)
    here = module("collect", name)
    inline = job("-r", "inline", manifest)
    assert here.status == inline.status == 1 and catalog.read_bytes() == inline.out
    catalog.unlink()
    # As if the machine of the driver were lost.
    shutil.rmtree(next(tmp_path.glob("mr_extract-*")))
    there = module("collect", "-r", "hadoop", name)
    assert there.status == 1 and catalog.read_bytes() == inline.out
    assert module("collect", "-r", "hadoop", "--remove", name).status == 0
    assert module("collect", "-r", "hadoop").out == b""


def test_properties_that_lose_images_are_refused(night):
    for name in ("mapreduce.map.failures.maxpercent", "mapred.max.map.failures.percent"):
        done = job("-r", "hadoop", "--hadoop-bin", "hadoop", "-D", f"{name}=5",
                   night / "manifest.txt")
        assert done.status == 2 and f"-D {name} drops whole tasks" in done.err


def test_arguments_survive_what_cannot_quote():
    arguments = ["--thresh=1.5", "--weight=/a b/{stem}.fits", DIFFICULT, "", "\udcff", "a\nb"]
    sent = plain(arguments)
    assert sent[:2] == arguments[:2]
    for word in sent[2:]:
        assert re.fullmatch(r"--encoded=[A-Za-z0-9_=-]*", word)
    assert given(sent) == arguments


def test_of_a_java_trace_the_bottom_is_told():
    text = ("Error: java.lang.RuntimeException: Error in configuring object\n\tat a.b(C.java:1)\n"
            "Caused by: java.io.IOException: Cannot run program \"/no\": error=2, No such file\n"
            "\t... 25 more\nCaused by: java.io.IOException: error=2, No such file\n")
    assert root_cause(text).endswith('IOException: Cannot run program "/no": error=2, No such file')
    assert root_cause("Container killed on request. Exit code is 143\nmore") == (
        "Container killed on request. Exit code is 143")
    assert root_cause("") == "no reason given"


def test_what_a_failed_attempt_said_is_told_in_one_line(capsys):
    said = """\
26/11/25 08:20:01 INFO mapreduce.JobSubmitter: Submitting tokens for job: job_1795_10007
26/11/25 08:20:30 INFO mapreduce.Job: Task Id : attempt_1795_10007_m_000000_0, Status : FAILED
Error: java.lang.RuntimeException: Error in configuring object
\tat org.apache.hadoop.util.ReflectionUtils.setJobConf(ReflectionUtils.java:113)
Caused by: java.io.IOException: error=13, Permission denied

26/11/25 08:20:31 INFO mapreduce.Job:  map 0% reduce 0%
26/11/25 08:20:40 INFO mapreduce.Job: Job job_1795_10007 failed with state FAILED due to: Task
"""
    lines = said.encode().splitlines(True)
    watch = Watch(6)
    assert list(watch.through(lines)) == lines
    assert watch.job == "job_1795_10007"
    assert capsys.readouterr().err == (
        "mr_extract: attempt_1795_10007_m_000000_0 failed and may be tried again: "
        "java.io.IOException: error=13, Permission denied\n")
    assert watch.ending() == ("Job job_1795_10007 failed with state FAILED due to: Task; its logs: "
                              "yarn logs -applicationId application_1795_10007")


PAGE = read_page("docs/hadoop.md")


def test_the_page_has_every_default():
    cells = [row.split("|")[1:3] for row in PAGE.splitlines() if row.startswith("| `")]
    told = {name.strip(" `"): value.strip() for names, value in cells for name in names.split(",")}
    told["zlib.compress.level"] = re.search(r"`zlib.compress.level` (\w+)", PAGE)[1]
    assert {name: told.get(name) for name in DEFAULTS} == {
        name: str(value) for name, value in DEFAULTS.items()}
    assert {MAPS, REDUCES} <= set(told)


@pytest.mark.needs("hadoop")
@pytest.mark.timeout(900)
def test_every_command_of_the_page_runs(tmp_path):
    """On the Hadoop that it starts: the same catalog merged, in parts, and from bare streaming.

    It is the one that a laptop has: it serves, it is not started twice, and leaves nothing.
    """
    # Bare nodes need a cluster of their own, in test_env_archive.py.
    commands = commands_of(PAGE.replace(read_page("docs/hadoop.md", "Bare nodes"), ""))
    up = commands.index("make hadoop-up\n")
    down = commands.index("make hadoop-down\n")
    commands.append(commands.pop(down))
    expected = "python mr_extract.py hdfs:///survey/list.txt > expected.tsv"
    shell = shell_in(tmp_path, timeout=None)
    done = shell("\n".join(["set -x", *commands[up:-1], expected]))
    folder = tmp_path / ".hadoop"
    try:
        assert done.status == 0, done.err
        assert (f"export HADOOP_HOME={folder} HADOOP_CONF_DIR={folder}/etc/hadoop"
                in done.out.decode())
        again = shell("make hadoop-up\n")
        assert again.status != 0 and "runs" in again.err
        # To speak with it no variable is needed.
        listed = command([folder / "bin" / "hadoop", "fs", "-ls", "/survey/bare/_SUCCESS"])
        assert (listed.status, listed.err) == (0, "")
        catalog = (tmp_path / "expected.tsv").read_bytes()
        assert catalog.count(b"\n#image\t") == 6
        assert (tmp_path / "catalog.tsv").read_bytes() == catalog
        assert (tmp_path / "whole.tsv").read_bytes() == catalog
        assert (tmp_path / "body.tsv").read_bytes() == catalog.split(b"\n", 3)[3]
    finally:
        ended = shell(commands[-1])
    assert ended.status == 0, ended.err
    assert processes_of(folder) == {}
    assert not folder.exists()


def test_java_starts_once_before_a_job_and_once_more_before_a_users_first(night, tmp_path):
    jar, said, program = (
        tmp_path / name for name in ("hadoop-streaming-3.4.2.jar", "said", "hadoop"))
    jar.touch()
    program.write_text(f"""#!/bin/sh
echo "$@" >> {said}
case "$*" in
  fs*-mkdir*) touch {tmp_path}/folder ;;
  fs*-put*) [ -e {tmp_path}/folder ] || {{
      echo "put: \\`tmp/mrjob/x': No such file or directory" >&2; exit 1; }} ;;
  jar*) exit 1 ;;
esac
""")
    program.chmod(0o755)
    for before in (["-put", "-mkdir", "-put", "jar"], ["-put", "jar"]):
        said.unlink(missing_ok=True)
        done = job("-r", "hadoop", "--hadoop-bin", program, "--hadoop-streaming-jar", jar,
                   night / "manifest.txt", env={"HADOOP_HOME": str(tmp_path)})
        assert done.status == 1 and "No such file" not in done.err
        words = [word for line in said.read_text().splitlines() for word in line.split()
                 if word in ("jar", "version", "-put", "-mkdir")]
        assert words[: words.index("jar") + 1] == before


def test_a_function_of_the_users_has_its_code_and_side_data_on_the_nodes(hadoop, hundred, tmp_path):
    from photutils_glue import write_camera

    options = write_camera(tmp_path)
    runs = [module("jobs.apply", "-r", runner, hundred, *options, cwd=ROOT / "tests",
                   env=hadoop.environment) for runner in ("local", "hadoop")]
    assert runs[1].status == 0, runs[1].err
    assert len(runs[0].accounts()) == 100 and runs[1].out == runs[0].out


def test_spectra_and_the_files_of_them_are_those_of_inline(hadoop, tmp_path):
    from preprocess.simulation.spectra import simulate

    clear(hadoop, "/spectra")
    simulate(str(tmp_path / "lab"), frames=2, seed=1)
    kept = {"inline": tmp_path / "inline", "hadoop": f"{hadoop.filesystem}/spectra"}
    # Line list and standard travel to the nodes.
    runs = {runner: module("jobs.spectra", "-r", runner, tmp_path / "lab" / "slit.txt",
                           "--objects", "2", "--standard", tmp_path / "lab" / "standard.txt",
                           "--save-files", place, cwd=tmp_path, env=hadoop.environment)
            for runner, place in kept.items()}
    assert runs["hadoop"].status == 0, runs["hadoop"].err
    assert len(runs["inline"].accounts()) == 2 and runs["hadoop"].out == runs["inline"].out
    assert hadoop.run("fs", "-get", "/spectra", tmp_path / "hadoop").returncode == 0
    files = [{path.name: path.read_bytes() for path in (tmp_path / runner).iterdir()}
             for runner in kept]
    assert len(files[0]) == 4 and files[1] == files[0]


def test_a_function_that_misbehaves_costs_its_image_and_no_other(hadoop, night, tmp_path):
    from misbehaving_functions import TABLE, check, run_all, write_manifest

    manifest = write_manifest(tmp_path / "list.txt", sorted(night.glob("*.fits"))[0])
    run = run_all(manifest, "-r", "hadoop", env=hadoop.environment)
    for number, one in enumerate(TABLE):
        check(run, number, one)
