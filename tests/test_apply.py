"""A function of the user's over the images of a manifest: what it gets, and what becomes of it."""

import filecmp
import json
import signal
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import ROOT, command, module
from own_functions import LARGE
from processes import descendants, finish, kill, start_job, wait_for

from mr_extract.text.catalog import read_catalog
from mr_extract.text.typed_rows import Source

JOB = "jobs.apply"


@pytest.fixture(scope="module")
def manifest(night):
    return night / "manifest.txt"


def apply(manifest, function, *options, cwd=ROOT / "tests", **keywords):
    return module(JOB, manifest, "--function", f"own_functions:{function}", *options, cwd=cwd,
                  **keywords)


def rows_of(run, path):
    assert run.status == 0, run.err
    path.write_bytes(run.out)
    return read_catalog(str(path))


def test_a_number_an_image_is_what_astropy_and_numpy_say(manifest, night, tmp_path):
    run = apply(manifest, "level")
    columns = rows_of(run, tmp_path / "a.tsv").columns
    for k, path in enumerate(sorted(night.glob("*.fits"))):
        data = fits.getdata(path)
        assert columns["image"][k] == str(path)
        assert columns["median"][k] == np.median(data)
        assert columns["pixels"][k] == data.size and columns["shape"][k] == str(data.shape)
    assert b"no row" not in run.out
    source = Source([str(tmp_path / "a.tsv")])
    assert {name: one.dtype for name, one in source.columns.items()} == {
        "image": "str", "median": "f8", "pixels": "i8", "shape": "str"}


def test_every_runner_gives_the_same_bytes(manifest):
    inline, local = (apply(manifest, "level", "-r", runner) for runner in ("inline", "local"))
    assert local.status == 0, local.err
    assert local.out == inline.out
    packed = [apply(manifest, "level", "-r", "local", "--jobs", jobs) for jobs in "13"]
    assert {run.out for run in packed} == {inline.out}


def _given(folder):
    (folder / "notes.json").write_text('{"k": 7}')
    (folder / "flats" / "r").mkdir(parents=True, exist_ok=True)
    (folder / "flats" / "a.txt").write_text("a")
    (folder / "flats" / "r" / "b.txt").write_text("b")
    return ["--param", "factor=2.5", "--files", f"notes={folder / 'notes.json'}",
            "--files", f"folder={folder / 'flats'}"]


def test_parameters_get_what_they_are_called_after(manifest, night, tmp_path):
    columns = rows_of(apply(manifest, "given", *_given(tmp_path), "-r", "local"),
                      tmp_path / "a.tsv").columns
    paths = sorted(night.glob("*.fits"))
    assert columns["same"].all() and (columns["hdus"] == len(fits.open(paths[0]))).all()
    header = fits.getheader(paths[2])
    assert columns["naxis1"][2] == header["NAXIS1"] and columns["ra"][2] == header["CRVAL1"]
    assert columns["mean"][2] == pytest.approx(fits.getdata(paths[2]).mean(), rel=1e-6)
    assert columns["id"].tolist() == list(map(str, paths))
    assert columns["uri"].tolist() == [path.name for path in paths]
    assert set(columns["filter"]) == {"r"} and columns["mjd"][0] == 54000.2
    assert set(columns["factor"]) == {2.5} and set(columns["notes"]) == {7}
    assert set(columns["folder"]) == {"a.txt,b.txt"} and set(columns["absent"]) == {"none"}


def test_a_package_of_others_runs_unmodified_over_a_hundred_images(hundred, tmp_path):
    from photutils_glue import stars, write_camera

    run = module(JOB, "-r", "local", hundred, *write_camera(tmp_path), cwd=ROOT / "tests")
    columns = rows_of(run, tmp_path / "a.tsv").columns
    assert len(run.accounts()) == 100 and len(columns["id"]) > 100
    for path in sorted(hundred.parent.glob("*.fits"))[::25]:
        expected = stars(fits.getdata(path), tmp_path / "camera")
        mine = columns["image"] == str(path)
        for name in ("x_centroid", "y_centroid", "flux"):
            assert columns[name][mine].tolist() == expected[name].tolist()


@pytest.mark.needs("spark")
def test_on_spark_a_package_of_others_gives_the_same_rows(hundred, tmp_path):
    from photutils_glue import write_camera

    options = write_camera(tmp_path)
    local, spark = (module(JOB, "-r", runner, "--jobs", "2", hundred, *options, cwd=ROOT / "tests")
                    for runner in ("local", "spark"))
    assert spark.status == 0, spark.err
    assert spark.out == local.out


@pytest.mark.parametrize("function, options, said", [
    ("given", ["--param", "factor=1"], "the function wants notes, folder, which nobody gives"),
    ("level", ["--param", "box=3"], "--param box: the function has no parameter box"),
    ("level", ["--param", "data=3"], "--param data: an image's own data has that name"),
    ("level", ["--files", "dark=nowhere.fits"], "--files dark="),
    ("level", ["--columns", "a:b4"], "'b4' is none of the types"),
    ("level", ["--columns", "a,a"], "there are two columns a"),
    ("missing", [], "own_functions has no function missing"),
    ("level", ["--py-files", "nowhere.zip"], "no folder, zip, wheel or .py file"),
    ("level", ["--save-files", "http://x/y"], "nothing can be written to http://"),
])
def test_what_cannot_be_is_refused_by_name_before_any_work(manifest, function, options, said):
    run = apply(manifest, function, *options)
    assert run.status == 2 and said in run.err and not run.out
    assert run.err.count("\n") == 1


def test_a_function_must_be_named(manifest):
    run = module(JOB, manifest)
    assert run.status == 2 and "--function module:function is needed" in run.err


@pytest.mark.parametrize("function, columns", [
    ("as_table", {"x": ("f8", "pix"), "n": ("i8", ""), "name": ("str", "")}),
    ("as_frame", {"x": ("f8", ""), "name": ("str", "")}),
    ("declared", {"flux": ("f4", "Jy"), "n": ("i4", "")}),
    ("drawn", {"one": ("f8", "")}),
])
def test_columns_are_those_of_what_is_returned_or_declared(manifest, tmp_path, function, columns):
    first = manifest.read_text().splitlines()[1].split("\t")[0]
    run = apply("-", function, stdin=f"{manifest.parent / Path(first).name}\n".encode(),
                **({} if function != "declared" else {}))
    if function == "declared":  # it has a column besides, which its own word does not choose
        assert run.accounts() and set(run.accounts().values()) == {"bad-result"}
        run = apply("-", function, "--columns", "flux:f4:Jy,n:i4",
                    stdin=f"{manifest.parent / Path(first).name}\n".encode())
        assert "remarks=not-used:the columns rest that the function returned" in run.out.decode()
    catalog = tmp_path / "a.tsv"
    rows = rows_of(run, catalog)
    assert {name: (one.dtype, one.unit) for name, one in Source([str(catalog)]).columns.items()
            } == {"image": ("str", ""), **columns}
    if function == "as_table":
        assert rows.columns["x"].tolist() == [0, 1, 2] and set(rows.columns["name"]) == set("abc")
    if function == "declared":
        assert rows.columns["flux"][0] == np.float32(0.1)


def test_a_value_that_is_not_of_its_column_fails_its_image_by_name(manifest):
    run = apply(manifest, "mixed")
    kinds = run.accounts()
    assert run.status == 1
    assert {i for i, kind in kinds.items() if kind} == {i for i in kinds if "0012" in i}
    assert "the column n is i8, and it returned float 1.5" in run.out.decode()
    assert apply(manifest, "mixed", "--columns", "n:f8").status == 0


def test_random_numbers_are_those_of_the_image(manifest, night):
    runs = [apply(manifest, "drawn", "-r", "local", "--jobs", jobs) for jobs in "12"]
    assert runs[0].status == 0 and runs[0].out == runs[1].out
    rows = [line.split("\t")[1] for line in runs[0].lines if not line.startswith("#")][1:]
    assert len(set(rows)) == 6


def test_nothing_is_a_catalog_without_rows(manifest):
    run = apply(manifest, "nothing", "--columns", "none")
    assert run.status == 0 and set(run.accounts().values()) == {""}
    assert [line for line in run.lines if not line.startswith("#")] == ["image"]


def test_files_are_kept_whole_once_and_listed(manifest, night, tmp_path):
    contents = []
    for runner in ("inline", "local"):
        place = tmp_path / runner
        run = apply(manifest, "cutouts", "-r", runner, "--save-files", place)
        rows = rows_of(run, tmp_path / f"{runner}.tsv")
        listed = [name for one in rows.accounts.values()
                  for name in one.values["saved_files"].split(",")]
        files = {path.name: path.read_bytes() for path in place.iterdir()}
        assert sorted(listed) == sorted(files) and len(listed) == len(set(listed)) == 18
        contents.append((run.out, files))
    assert contents[0] == contents[1]
    for image, corner, notes in zip(*(rows.columns[n] for n in ("image", "corner", "notes"))):
        assert Path(image).stem in corner and corner.endswith(".corner.fits")
        np.testing.assert_array_equal(fits.getdata(place / corner), fits.getdata(image)[:4, :5])
        assert (place / notes).read_text() == "the corner is bright\n"


def test_a_task_that_is_killed_while_it_writes_a_file_costs_nothing(manifest, tmp_path):
    places = [tmp_path / name for name in ("clean", "hit")]
    words = [["-r", "local", "--jobs", "1", manifest, "--function", "own_functions:large",
              "--save-files", place] for place in places]
    clean = module(JOB, *words[0], cwd=ROOT / "tests")
    assert clean.status == 0, clean.err
    process = start_job(*words[1], module=JOB, cwd=ROOT / "tests", env={"PYTHONPATH": str(ROOT)})
    mapper = wait_for(process, "--mapper")
    unfinished = stopped_while_it_writes(mapper, places[1])
    assert kill(mapper)
    status, out, err = finish(process)
    assert status == 0 and "ended with status -9 (attempt 1 of 4)" in err, err
    assert out == clean.out and not unfinished.exists()
    for name in (names := sorted(path.name for path in places[0].iterdir())):
        assert filecmp.cmp(places[0] / name, places[1] / name, shallow=False)
    assert len(names) == 6 and sorted(path.name for path in places[1].iterdir()) == names


def stopped_while_it_writes(mapper, place):
    """Have the child of a task go on by small steps; return what it has half written then."""
    worker, end = None, time.monotonic() + 120
    while time.monotonic() < end:
        worker = next((pid for pid, words in descendants(mapper).items() if "worker" in words),
                      None) if worker is None else worker
        if worker is None:
            continue
        kill(worker, signal.SIGSTOP)
        while Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            pass
        for path in place.glob(".mr_extract-*/.*.part"):
            if 0 < path.stat().st_size < LARGE:
                return path
        kill(worker, signal.SIGCONT)
        time.sleep(0.002)
    raise AssertionError("it was not met while it wrote")


def test_files_without_a_place_fail_by_name(manifest):
    run = apply(manifest, "cutouts", "--columns", "corner:file")
    assert set(run.accounts().values()) == {"not-written"}
    assert "no --save-files says where" in run.out.decode()


def test_companions_are_those_of_the_image_where_it_is_asked_for(night, tmp_path):
    image = sorted(night.glob("*.fits"))[0]
    mask = np.zeros(fits.getdata(image).shape, np.uint8)
    mask[3:5, 7:10] = 1
    fits.writeto(tmp_path / "mask.fits", mask)
    line = f"{image}\tmask={tmp_path / 'mask.fits'}\n".encode()
    run = apply("-", "masked", stdin=line)
    assert rows_of(run, tmp_path / "a.tsv").columns["bad"].tolist() == [6]
    run = apply("-", "level", stdin=line)
    assert "remarks=not-used:the field mask" in run.out.decode()


def test_code_travels_as_folder_zip_and_wheel(manifest, tmp_path):
    package = tmp_path / "code" / "ownpackage"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from ownpackage.inner import doubled\n")
    (package / "inner.py").write_text("def doubled(x):\n    return 2 * x\n")
    glue = tmp_path / "glue.py"
    glue.write_text("from ownpackage import doubled\n\n\ndef go(header):\n"
                    "    return {'n': doubled(header['NAXIS1'])}\n")
    for name in ("code.zip", "ownpackage-1-py3-none-any.whl"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            for path in package.iterdir():
                archive.write(path, f"ownpackage/{path.name}")
    runs = [module(JOB, "-r", "local", manifest, "--function", "glue:go", "--py-files", place,
                   cwd=tmp_path)
            for place in ("code", "code/ownpackage", "code.zip", "ownpackage-1-py3-none-any.whl")]
    for run in runs:
        assert run.status == 0, run.err
        assert run.out == runs[0].out
    glue.write_text(glue.read_text() + "# changed\n")
    other = module(JOB, "-r", "local", manifest, "--function", "glue:go", "--py-files", "code",
                   cwd=tmp_path)
    config = [json.loads(run.lines[1].split("\t")[1])["found"] for run in (runs[0], other)]
    assert config[0]["code_sha256"] != config[1]["code_sha256"]


def test_side_data_may_only_be_read(manifest, tmp_path):
    (tmp_path / "side.txt").write_text("1")
    (tmp_path / "glue.py").write_text(
        "def go(side, id):\n    if '0012' in id:\n        open(side, 'w').close()\n"
        "    return {'n': int(open(side).read())}\n")
    run = module(JOB, "-r", "local", "--jobs", "1", manifest, "--function", "glue:go", "--files",
                 "side=side.txt", cwd=tmp_path)
    assert run.status == 1 and (tmp_path / "side.txt").read_text() == "1"
    for image, kind in run.accounts().items():
        assert kind == "function-failed" if "0012" in image else kind in ("", "function-failed")


def test_the_rest_of_a_run_and_a_run_of_all_are_the_same(manifest, tmp_path):
    whole = apply(manifest, "level", "--catalog", tmp_path / "whole.tsv")
    assert whole.status == 0
    lines = manifest.read_text().splitlines(keepends=True)
    (tmp_path / "some.txt").write_text("".join(
        f"{manifest.parent}/{Path(line).name}" if not line.startswith("#") else ""
        for line in lines[:4]))
    apply(tmp_path / "some.txt", "level", "--catalog", tmp_path / "first.tsv")
    preprocess = [sys.executable, "-m", "preprocess"]
    rest = command([*preprocess, "remaining", manifest, tmp_path / "first.tsv"], cwd=ROOT)
    (tmp_path / "rest.txt").write_bytes(rest.out)
    apply(tmp_path / "rest.txt", "level", "--catalog", tmp_path / "second.tsv")
    merged = command([*preprocess, "merge", tmp_path / "first.tsv", tmp_path / "second.tsv"],
                     cwd=ROOT)
    assert merged.out == (tmp_path / "whole.tsv").read_bytes(), merged.err
