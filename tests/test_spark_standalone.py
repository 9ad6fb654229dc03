"""`-r spark` on a standalone cluster: the page followed from its beginning, and bare nodes."""

import os
import re
import sys

import pytest
from conftest import job
from hidden_python import without_our_python
from pages import commands_of, read_page, shell_in

from bench.clusters.spark_lab import StandaloneCluster, spark_home
from mr_extract.env_archive.archive import environment_archive

pytestmark = [pytest.mark.needs("spark"), pytest.mark.timeout(900)]


def test_the_page_is_followed_on_one_machine_and_on_a_standalone_cluster(tmp_path):
    shell = shell_in(tmp_path, timeout=800)
    alone, cluster = (commands_of(read_page("docs/spark.md", title))
                      for title in ("One machine", "A standalone cluster"))
    said = shell(f"{alone[0]}\npython mr_extract.py -r inline list.txt > inline.tsv\n{cluster[0]}")
    assert said.status == 0, said.err
    expected = (tmp_path / "inline.tsv").read_bytes()
    assert expected.count(b"\n#image\t") == 6
    for name in ("catalog.tsv", "standalone.tsv"):
        assert (tmp_path / name).read_bytes() == expected, name
    assert "6 images measured, 0 failed" in said.err
    assert re.search(r"Spark has the job: app-\d+-\d+ http://", said.err)
    # None of Spark's own words, and nothing that outlives the job.
    assert not re.search(r"INFO|WARN|Traceback", said.err)
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A cluster whose worker sees none of our Pythons, and has a Spark of its own."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "spark").mkdir()

    def place(words, number):
        return without_our_python(words, kept={folder / "spark": spark_home()})

    with StandaloneCluster(folder / "cluster", workers=1, place=place, home=folder / "spark",
                           environment={"PATH": "/usr/bin:/bin"}) as cluster:
        yield cluster


@pytest.mark.needs("mount-namespaces", "glibc")
def test_nodes_without_our_python_get_it_with_the_job(bare, night, tmp_path, monkeypatch):
    """Nothing of ours is on the node; without the archive a task says what it lacks."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    environment_archive(lambda _: None)
    (tmp_path / "list.txt").write_bytes((night / "manifest.txt").read_bytes())
    commands = commands_of(read_page("docs/spark.md", "Bare nodes"))[0]
    shell = shell_in(tmp_path, {"XDG_CACHE_HOME": str(tmp_path / "cache")}, timeout=600)
    said = shell(commands.replace("spark://127.0.0.1:7077", bare.master))
    assert said.status == 0, said.err
    expected = job("-r", "inline", tmp_path / "list.txt")
    assert (tmp_path / "bare.tsv").read_bytes() == expected.out

    lacking = job("-r", "spark", *bare.arguments, tmp_path / "list.txt", timeout=600)
    assert lacking.status == 1 and lacking.out == b""
    assert re.search(rf"nothing was written: .*{re.escape(os.path.basename(sys.executable))}.*"
                     "--env-archive auto ships one", lacking.err), lacking.err
    assert "Traceback" not in lacking.err and "\tat " not in lacking.err
