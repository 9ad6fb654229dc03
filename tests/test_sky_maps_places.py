"""Patches of sky maps in other places, and the job over them on a cluster: the same bytes."""

import os
import re
import sys

import numpy as np
import pytest
from conftest import ROOT, command, module
from remote_places import bare_client, moto_server
from skies import catalogue, scattered, sky_with, write_sky

from mr_extract import storage
from mr_extract.jobs.beside.position_lists import carried_sources
from mr_extract.settings.photometry import Catalogue, PhotometrySettings

OPTIONS = ("--frequency", "30", "--beam", "60", "--annulus", "80,115", "--quiet")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b",
               "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture(scope="module")
def sky(tmp_path_factory):
    """A folder with a map and its catalogue."""
    folder = tmp_path_factory.mktemp("sky")
    rng = np.random.default_rng(6)
    longitude, latitude = scattered(rng, 24, 10.0)
    flux = rng.uniform(5.0, 30.0, 24)
    write_sky(folder / "map.fits", sky_with(longitude, latitude, flux, 64, 60.0))
    catalogue(longitude, latitude, flux).write(folder / "sources.fits")
    return folder


@pytest.fixture(scope="module")
def here(sky):
    return cut(sky, "here")


def cut(sky, place, *words, env=None):
    """Cut the map into a place, and return where the manifest is."""
    run = command([sys.executable, "-m", "preprocess", "patches", "map.fits", "--size", "90",
                   "--margin", "2", "--sources", "sources.fits", "-o", place, *words], cwd=sky,
                  env={"PYTHONPATH": str(ROOT), **(env or {})})
    assert run.status == 0 and "8 patches of 1 map," in run.err, run.err
    return f"{place}/manifest.txt"


def photometry(sky, *words, **keywords):
    return module("jobs.photometry", *OPTIONS, *words, cwd=sky, **keywords)


def rows(run):
    """Rows without the patch that they are of."""
    return sorted(line.partition("\t")[2] for line in run.lines if not line.startswith("#"))


def test_patches_on_s3_are_those_on_disk(sky, here):
    with moto_server() as port:
        access = ("--s3-endpoint-url", f"http://127.0.0.1:{port}")
        client = bare_client(port)
        client.create_bucket(Bucket="sky")
        manifest = cut(sky, "s3://sky/patches", *access, env=CREDENTIALS)
        for path in (sky / "here").glob("map_*"):
            there = client.get_object(Bucket="sky", Key=f"patches/{path.name}")["Body"].read()
            assert there == path.read_bytes()
        client.upload_file(str(sky / "sources.fits"), "sky", "list.fits")
        runs = [photometry(sky, *words, env=CREDENTIALS) for words in (
            (here, "--sources", "sources.fits"),
            ("-r", "local", manifest, "--sources", "s3://sky/list.fits", *access))]
    assert runs[0].status == runs[1].status == 0, runs[1].err
    assert rows(runs[1]) == rows(runs[0]) and len(rows(runs[0])) == 25


OF_ONES_OWN = """
import os

if "CONTAINER_ID" in os.environ and "mr_extract_code" not in __file__:
    raise ImportError("a node has not what travelled")


def spread(values, x, y):
    return values.max() - values.min()
"""


def test_on_hadoop_the_same_bytes_and_what_tasks_share_comes_with_the_job(hadoop, sky, here):
    (sky / "of_ones_own.py").write_text(OF_ONES_OWN)
    there = cut(sky, f"{hadoop.filesystem}/sky/patches")
    for path in (sky / "here").glob("map_*"):
        assert storage.read(f"{hadoop.filesystem}/sky/patches/{path.name}") == path.read_bytes()
    words = (there, "--sources", "sources.fits", "--function", "of_ones_own:spread")
    expected = photometry(sky, *words)
    done = module("jobs.photometry", *OPTIONS[:-1], "-r", "hadoop", "-D", "mapreduce.job.maps=2",
                  *words, cwd=sky, env=hadoop.environment)
    assert done.status == 0, done.err
    assert done.out == expected.out and len(rows(done)) == 25
    number = re.search(r"application_(\d+_\d+)", done.err)[1]
    told = hadoop.get(f"http://{hadoop.head}:19888/ws/v1/history/mapreduce/jobs/job_{number}/conf")
    told = {one["name"]: one["value"] for one in told["conf"]["property"]}
    assert re.search(r"/sources-[0-9a-f]{64}\.npz", told["mapreduce.job.cache.files"])


@pytest.mark.needs("spark")
def test_on_spark_the_same_bytes(sky, here):
    lines = (sky / here).read_bytes().splitlines()[:3]
    runs = [photometry(sky, "-r", runner, "-", "--sources", "sources.fits",
                       stdin=b"\n".join(lines)) for runner in ("inline", "spark")]
    assert runs[0].status == runs[1].status == 0, runs[1].err
    assert runs[1].out == runs[0].out


def test_a_task_needs_the_catalogue_that_came_with_it_and_no_other(sky, here, tmp_path):
    settings = PhotometrySettings(Catalogue(str(sky / "sources.fits")))
    path = carried_sources(settings, str(tmp_path))
    damaged = tmp_path / os.path.basename(path).replace("sources-", "sources-0")
    damaged.write_bytes(open(path, "rb").read()[:-1])
    lines = (sky / here).read_bytes()

    def mapped(sources, *words):
        return photometry(sky, "--mapper", "--reduce", "none", "--sources", sources, *words,
                          stdin=lines, env={"PYTHONPROFILEIMPORTTIME": "1"})

    ours = mapped("/not/there.fits", "--carried-sources", path)
    loaded = {line.rsplit("|", 1)[1].strip() for line in ours.err.splitlines() if "|" in line}
    assert "mr_extract.skymaps.sky_map" in loaded
    assert not {"astropy", "astropy_healpix", "sep", "mr_extract.images.general"} & loaded
    assert ours.status == 0 and ours.out == mapped("sources.fits").out
    for words, kind, said in (
            (("--carried-sources", tmp_path / "sources-00.npz"), "fetch-not-found", "did not come"),
            (("--carried-sources", damaged), "bad-list", "not what its name says"),
            ((), "fetch-not-found", "the catalogue of sources: no such file")):
        refused = mapped("/not/there.fits", *words)
        assert set(refused.accounts().values()) == {kind} and said in refused.out.decode()
