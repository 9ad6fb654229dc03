"""Packed images on a real Hadoop: split, read where they are, and the same catalog."""

import json
import os
import re
import shutil
import sys
from io import BytesIO

import pytest
from conftest import ROOT, command, job
from hadoop_clusters import clear
from pages import commands_of, read_page, shell_in

from mr_extract import storage
from mr_extract.packed import index
from myhadoop.setups import STAGED
from myhadoop.staging import stage


@pytest.fixture(scope="module")
def manifest(night, tmp_path_factory):
    """Six images, one that is not there, one that is no line."""
    path = tmp_path_factory.mktemp("lists") / "list.txt"
    lines = (night / "manifest.txt").read_text()
    path.write_text(f"{lines}{night}/none.fits\nx.fits\tno field\n")
    return path


@pytest.fixture(scope="module")
def packed(hadoop, manifest):
    """They are packed on HDFS, in several files, in blocks that hold some of them."""
    place = f"{hadoop.filesystem}/user/me/several"
    done = pack(hadoop, manifest, "-o", place, "--size", "450K")
    assert done.status == 1 and "8 images" in done.err, done.err
    return place


def pack(hadoop, *args):
    return command([sys.executable, "-m", "preprocess", "pack", *args],
                   env={**hadoop.environment, "PYTHONPATH": str(ROOT)})


@pytest.fixture(scope="module")
def by_path(manifest):
    return job("-r", "inline", manifest, "--max-failures", "2")


def on(hadoop, *args, **keywords):
    return job("-r", "hadoop", *args, env=hadoop.environment, **keywords)


def counters(hadoop, run):
    """Counters of the last job of a run, by group and name."""
    number = re.findall(r"application_(\d+_\d+)", run.err)[-1]
    told = hadoop.get(f"http://{hadoop.head}:19888/ws/v1/history/mapreduce/jobs/"
                      f"job_{number}/counters")
    return {group["counterGroupName"].rpartition(".")[2]:
            {one["name"]: one["totalCounterValue"] for one in group["counter"]}
            for group in told["jobCounters"]["counterGroup"]}


def test_the_catalog_is_that_of_the_paths_and_every_task_runs_where_its_block_is(
        hadoop, packed, by_path):
    """Parts stay in an output folder; what is written there is no catalog's."""
    place = f"{packed}-catalog"
    clear(hadoop, place.removeprefix(hadoop.filesystem))
    run = on(hadoop, "--packed", packed, "--max-failures", "2", "--output-dir", place)
    assert run.status == 0 and run.out == b"", run.err
    text = hadoop.run("fs", "-cat", f"{place}/part-*").stdout
    assert sorted(text.splitlines()) == sorted(by_path.body.decode().splitlines())
    told = counters(hadoop, run)
    tasks = told["JobCounter"]
    # More than 2 where an attempt had to be made again.
    assert tasks["TOTAL_LAUNCHED_MAPS"] == tasks["DATA_LOCAL_MAPS"] >= 2
    assert re.search(r"(\d) of \1 map tasks", run.err)
    # An image that was not there when it was packed is a failure of the task.
    assert told["images"] == {"measured": 6, "failed": 1}


def test_the_commands_of_the_page_run_the_bare_one_gives_the_same_rows(hadoop, night, tmp_path):
    clear(hadoop, "/user/me/frames.seq", "/user/me/rows")
    _, with_mrjob, bare = commands_of(read_page("docs/packed.md"))
    shutil.copy(night / "manifest.txt", tmp_path / "list.txt")
    path = f"{hadoop.hadoop_bin.parent}{os.pathsep}{os.environ['PATH']}"
    shell = shell_in(tmp_path, {**hadoop.environment, "PATH": path})
    by_path = job("list.txt", cwd=tmp_path)
    for block in (with_mrjob, bare):
        run = shell(block)
        assert run.status == 0, run.err
    assert by_path.status == 0, by_path.err
    assert (tmp_path / "catalog.tsv").read_bytes() == by_path.out
    rows = hadoop.run("fs", "-cat", f"{hadoop.filesystem}/user/me/rows/part-*").stdout
    assert rows.encode() == by_path.body


def test_what_hadoop_cannot_read_costs_its_image_alone(hadoop, night, tmp_path):
    damages, lines = ("cut", "length", "key"), []
    for damage in damages:
        for k, image in enumerate(sorted(night.glob("*.fits"))[:3]):
            path = tmp_path / f"{damage}-{k}.fits"
            path.symlink_to(image)
            lines.append(f"{path}\tid={path.stem}\n")
    (tmp_path / "list.txt").write_text("".join(lines))
    pack(hadoop, tmp_path / "list.txt", "-o", tmp_path / "packed", "--size", "450K")
    _, rows = index.read_index((tmp_path / "packed" / index.INDEX).read_bytes())
    rows = list(rows)
    # The last one of each file.
    for damage, (name, offset, size, _) in zip(damages, rows[2::3], strict=True):
        path = tmp_path / "packed" / name
        data = bytearray(path.read_bytes())
        if damage == "cut":
            del data[offset + size // 2 :]
        else:
            data[offset + (1 if damage == "length" else 40)] ^= 0x10
        path.write_bytes(data)
    assert len({name for name, *_ in rows}) == 3
    inline = job("--packed", tmp_path / "packed")
    assert {name: kind for name, kind in inline.accounts().items() if kind} == {
        "cut-2": "truncated", "length-2": "corrupt", "key-2": "corrupt"}
    assert len(inline.accounts()) == 9
    place = "/user/me/damaged"
    clear(hadoop, place)
    hadoop.run("fs", "-mkdir", "-p", "/user/me", check=True)
    hadoop.run("fs", "-put", tmp_path / "packed", place, check=True)
    run = on(hadoop, "--packed", f"{hadoop.filesystem}{place}",
             "-D", "mapreduce.map.maxattempts=1")
    assert run.status == 1
    assert run.out == inline.out, run.err


def test_another_job_takes_packed_images_too(hadoop, packed, manifest, tmp_path):
    program = [sys.executable, "-m", "mr_extract.jobs.quality", "--max-failures", "2"]
    environment = {**hadoop.environment, "PYTHONPATH": str(ROOT)}
    expected = command([*program, manifest], env=environment)
    assert expected.status == 0 and expected.out.count(b"\n#image\t") == 6, expected.err
    summary = tmp_path / "summary.json"
    run = command([*program, "-r", "hadoop", "--packed", packed, "--summary", summary],
                  env=environment)
    assert run.status == 0, run.err
    assert run.out == expected.out
    assert json.loads(summary.read_text())["rows"] == 6


def test_images_that_a_batch_job_stages_stay_for_the_same_list_and_for_no_other(
        hdfs, manifest, tmp_path, monkeypatch, capfd):
    for name, value in hdfs.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", str(hdfs.hadoop_bin.parent), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    clear(hdfs, "/images")
    broken_off = f"{STAGED}/packed-00007.seq"
    storage.write(broken_off, BytesIO(b"of a job that was killed"))
    stage(str(manifest))
    assert "8 images" in capfd.readouterr().err
    assert broken_off.rpartition("/")[2] not in {
        found.uri.rpartition("/")[2] for found in storage.list_files(STAGED)}
    stage(str(manifest))
    assert capfd.readouterr().err == f"myhadoop: the images are in {STAGED} already\n"
    (tmp_path / "other.txt").write_text("other.fits\n")
    with pytest.raises(RuntimeError, match="the images of another list than .*other.txt"):
        stage(str(tmp_path / "other.txt"))
    with pytest.raises(RuntimeError, match="none.txt: No such file"):
        stage(str(tmp_path / "none.txt"))
