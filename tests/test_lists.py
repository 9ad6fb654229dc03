"""Published lists: rules expand to lines that a job can take, named as the archives name files."""

import os
import re
import shlex
import subprocess
import sys

import pytest
from conftest import LAUNCHER, ROOT, command, job
from pages import commands_of, read_page, shell_in
from processes import peak_of

from mr_extract.text.manifest import parse_line
from mr_extract.text.naming import parse_rule
from preprocess.__main__ import main
from preprocess.errors import CommandError
from preprocess.listrules import choices, read_lists
from preprocess.lists import manifest_lines, table
from preprocess.simulation.night import Night
from preprocess.simulation.simulate import simulate_night

LISTS = read_lists()
PAGE = read_page("input_lists/README.md")

SAS = r"https://data\.sdss\.org/sas/dr17/eboss/photoObj/frames/301"
FRAME = (rf"{SAS}/(?P<run>\d+)/(?P<camcol>[1-6])/"
         r"(?P<id>frame-(?P<filter>[ugriz])-(?P<run6>\d{6})-(?P=camcol)-\d{4}\.fits\.bz2)")
FPC = (r"http://das\.sdss\.org/imaging/(?P<run>\d+)/4[0-5]/corr/(?P<camcol>[1-6])/"
       r"(?P<id>fpC-(?P<run6>\d{6})-(?P<filter>[ugriz])(?P=camcol)-\d{4}\.fit\.gz)")
ZTF = (r"https://irsa\.ipac\.caltech\.edu/ibe/data/ztf/products/sci/(?P<y>\d{4})/(?P<d>\d{4})/"
       r"(?P<f>\d{6})/(?P<id>ztf_(?P=y)(?P=d)(?P=f)_\d{6}_(?P<filter>z[gri])_c(0[1-9]|1[0-6])_o_"
       r"q[1-4]_sciimg\.fits)")
DECAM = r"https://astroarchive\.noirlab\.edu/api/retrieve/[0-9a-f]{32}/"
BRICK = (r"https://portal\.nersc\.gov/cfs/cosmo/data/legacysurvey/dr10/south/coadd/(?P<ra>\d{3})/"
         r"(?P<brick>(?P=ra)\d[pm]\d{3})/"
         r"(?P<id>legacysurvey-(?P=brick)-image-(?P<filter>[griz])\.fits\.fz)")
PLANCK = (r"https://irsa\.ipac\.caltech\.edu/data/Planck/release_3/all-sky-maps/maps/(?P<id>"
          r"LFI_SkyMap_0(30|44|70)-BPassCorrected_1024_R3\.00_full\.fits|"
          r"HFI_SkyMap_(100|143|217|353|545|857)_2048_R3\.01_full\.fits)")
TWOMASS = (r"https://irsa\.ipac\.caltech\.edu/ibe/data/twomass/allsky/allsky/\d{6}[ns]/"
           r"s(?P<scan>\d{3})/image/(?P<filter>[jhk])i(?P=scan)\d{4}\.fits\.gz")
DEMO = r"demo_night/frame-(?P<filter>r)-\d{6}-3-\d{4}\.fits"
NAMED = {"sdss": FRAME, "kira": FPC, "ztf": ZTF, "decam-exposure": DECAM, "decam-bricks": BRICK,
         "planck": PLANCK, "2mass": TWOMASS, "demo": DEMO}


def pattern(name):
    """Return the pattern of the published names of a list."""
    return re.compile(NAMED.get(name) or NAMED[name.partition("-")[0]])


def lines(name):
    """Return the lines of a list that are no comments."""
    return [line for line in manifest_lines(LISTS[name]) if not line.startswith("#")]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_has_the_files_and_bytes_that_it_promises(name):
    images, size, places, ids = 0, 0, set(), set()
    for image in LISTS[name].images():
        images += 1
        size += image.size
        places.add(image.uri)
        ids.add(image.fields.get("id", image.uri))
    assert images == LISTS[name].files == len(places) == len(ids)
    assert size == LISTS[name].bytes


@pytest.mark.parametrize("name", LISTS)
def test_names_are_those_that_the_archive_publishes(name):
    published = pattern(name)
    for image in LISTS[name].images():
        match = published.fullmatch(image.uri)
        assert match, image.uri
        said = match.groupdict()
        for field in {"id", "filter"} & said.keys():
            assert image.fields[field] == said[field]
        if "run" in said:
            assert int(said["run"]) == int(said["run6"])


@pytest.mark.parametrize("name", LISTS)
def test_every_line_is_one_that_a_job_takes(name):
    text = lines(name)
    assert len(text) == LISTS[name].files
    step = max(1, len(text) // 2000)  # all lines of a list are of one form, as seen above
    for line in text[::step] + text[-1:]:
        entry = parse_line(line.encode())
        assert entry.problem == "" and entry.ext is None, line
        assert (entry.get("bytes") is not None) == LISTS[name].rule.exact
        assert all(field in ("id", "bytes", "filter", "mjd", "zero_point")
                   for field, _ in entry.fields)


@pytest.mark.parametrize("name", LISTS)
def test_the_head_of_a_list_is_comments_that_say_what_it_is(name):
    head = [line for line in manifest_lines(LISTS[name]) if line.startswith("#")]
    text = "".join(head)
    for fact in ("survey:", "licence:", "cite:", "archive:", "tried:"):
        assert f"# {fact} " in text
    assert all(parse_line(line.encode()) is None for line in head)
    assert ("# options: " in text) == bool(LISTS[name].options)


OPTIONS = sorted({one.options for one in LISTS.values() if one.options})


@pytest.mark.parametrize("options", OPTIONS)
def test_the_options_that_a_list_names_are_options_of_the_job(options):
    run = command([sys.executable, LAUNCHER, *shlex.split(options), "--print-config"])
    assert run.status == 0, run.err
    assert run.out.startswith(b"{")


def test_companions_of_sdss_stand_where_the_rules_of_the_list_say():
    options = shlex.split(LISTS["kira-24mb"].options)
    rules = {name: parse_rule(rule) for name, rule in zip(options[::2], options[1::2])}
    uri = next(iter(LISTS["kira-24mb"].images())).uri
    place = "http://das.sdss.org/imaging/752/40"
    assert uri == f"{place}/corr/3/fpC-000752-g3-0100.fit.gz"
    masks = [where.uri for where in rules["--mask-image"].places(uri)]
    assert f"{place}/objcs/3/fpM-000752-g3-0100.fit" in masks
    calibration = rules["--calibration-file"].places(uri)[0].uri
    assert calibration == f"{place}/calibChunks/3/tsField-000752-3-40-0100.fit"


def test_weights_of_a_brick_stand_where_the_rule_of_the_list_says():
    rule = shlex.split(LISTS["decam-bricks"].options)[1]
    uri = next(iter(LISTS["decam-bricks"].images())).uri
    where = parse_rule(rule).places(uri)[0].uri
    assert where == uri.replace("-image-", "-invvar-") != uri


def test_the_page_of_the_surveys_reads_the_same_files():
    page = (ROOT / "docs" / "surveys.md").read_text()
    for rule in shlex.split(LISTS["kira-1tb"].options)[1::2]:
        assert f"`{rule}`" in page
    assert LISTS["sdss-1tb"].options in page


def test_the_demo_list_is_the_night_that_is_simulated(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    simulate_night("demo_night", frames=2, seed=1)  # a frame does not depend on how many
    with open("demo_night/manifest.txt") as file:
        assert list(file) == lines("demo")[:2]
    for number, line in enumerate(lines("demo")):
        exposure, entry = Night(1).exposure(number), parse_line(line.encode())
        assert entry.uri == f"demo_night/{exposure.name}"
        assert (entry.get("mjd"), entry.get("zero_point")) == (
            str(exposure.mjd), str(exposure.zero_point))


@pytest.mark.parametrize("name", ["demo", "sdss-4"])
def test_lists_written_out_are_those_of_the_rule(name, tmp_path):
    target = tmp_path / "list.txt"
    assert main(["lists", name, "-o", str(target)]) == 0
    assert target.read_bytes() == (ROOT / "input_lists" / f"{name}.txt").read_bytes()


def test_the_first_images_under_another_place(tmp_path, capsysbinary):
    assert main(["lists", "sdss-1tb", "--most", "31", "--base", "s3://mine/sdss/"]) == 0
    captured = capsysbinary.readouterr()
    text = [line for line in captured.out.decode().splitlines() if not line.startswith("#")]
    assert len(text) == 31
    assert text[0] == ("s3://mine/sdss/756/1/frame-u-000756-1-0011.fits.bz2\t"
                       "id=frame-u-000756-1-0011.fits.bz2\tfilter=u")
    assert text[30].startswith("s3://mine/sdss/756/1/frame-u-000756-1-0012.fits.bz2\t")
    assert captured.err == b"31 images, ~99.2 MB -> stdout\n"


def test_an_archive_file_gives_one_catalog_from_wherever_it_lies(shared_data, tmp_path):
    """The line of a list and its options measure the file that they are for."""
    name = "frame-g-000094-1-0131.fits.bz2"
    catalogs = []
    for place in ("here", "over/there"):
        folder = tmp_path / place / "94" / "1"
        folder.mkdir(parents=True)
        (folder / name).symlink_to(shared_data / "a" / "obs_sdss" / name)
        base, target = str(tmp_path / place), tmp_path / "list.txt"
        assert main(["lists", "sdss-4", "--most", "1", "--base", base, "-o", str(target)]) == 0
        run = job("-r", "inline", target, *shlex.split(LISTS["sdss-4"].options))
        assert run.status == 0 and run.accounts() == {name: ""}, run.err
        catalogs.append(run.out)
    assert catalogs[0] == catalogs[1] and catalogs[0].count(b"\n") > 100


@pytest.mark.parametrize("base, first", [
    ("/", "/frame-r-000001-3-0011.fits"), ("", "frame-r-000001-3-0011.fits"),
    ("a/b", "a/b/frame-r-000001-3-0011.fits"), ("{run}", "{run}/frame-r-000001-3-0011.fits"),
])
def test_a_place_of_ones_own_is_taken_as_it_is(base, first, capsysbinary):
    assert main(["lists", "demo", "--most", "1", "--base", base]) == 0
    assert capsysbinary.readouterr().out.decode().splitlines()[-1].split("\t")[0] == first


def test_the_table_names_every_list_and_so_does_the_page(capsysbinary):
    assert main(["lists"]) == 0
    shown = capsysbinary.readouterr().out.decode().splitlines()
    assert shown == list(table(LISTS))
    assert [line.split()[0] for line in shown[1:]] == list(LISTS)
    rows = {row[0]: row[2] for row in re.findall(r"^\| `(\S+)` \|([^|]*)\| ([\d,]+) \|", PAGE,
                                                 re.MULTILINE)}
    assert {name: f"{one.files:,}" for name, one in LISTS.items()} == rows


def test_the_rule_on_the_page_is_one_of_ours(tmp_path):
    import tomllib

    shown = tomllib.loads(re.search(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1])
    ours = tomllib.loads((ROOT / "input_lists" / "sdss.toml").read_text())
    assert shown["rule"] == ours["rule"]
    assert shown["lists"][0] in ours["lists"]


def test_the_commands_of_the_page_run(tmp_path):
    (commands,) = commands_of(PAGE)
    run = shell_in(tmp_path)(commands)
    assert run.status == 0, run.err
    assert sum(b"#" != line[:1] for line in open(tmp_path / "thousand.txt", "rb")) == 1000
    assert b"\n/lustre/sdss/imaging/752/40/corr/1/fpC-" in (tmp_path / "local.txt").read_bytes()


def test_a_terabyte_is_written_without_holding_it():
    peaks = [peak_of("lists", name, "-o", os.devnull) for name in ("demo", "kira-1tb")]
    assert peaks[1] - peaks[0] < 5, peaks  # its 163,707 lines are 20 MB


@pytest.mark.parametrize("arguments, said", [
    (["sdss4"], "is sdss-4 meant?"), (["nowhere"], "there are 2mass-coadds, "),
    (["--most", "3"], "--most is for one list"), (["demo", "--most", "0"], "--most"),
    (["demo", "--base", "a\tb"], "--base"), (["demo", "-o", "/no/such/folder/x"], "cannot write"),
])
def test_a_request_that_cannot_be_met_is_one_line_and_exit_2(arguments, said, capsys):
    assert main(["lists", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" or "--base" in arguments
    assert said in captured.err and captured.err.count("\n") == 1


def test_a_part_of_a_list_is_not_left_behind_by_a_refusal(tmp_path):
    target = tmp_path / "list.txt"
    assert main(["lists", "demo", "--base", "a\nb", "-o", str(target)]) == 2
    assert list(tmp_path.iterdir()) == []


def test_lists_that_are_not_there_are_missed_loudly(tmp_path):
    with pytest.raises(CommandError, match=f"not installed.*{tmp_path}"):
        read_lists(tmp_path)


def test_ranges_lists_and_single_values():
    assert list(choices("9-11")) == [9, 10, 11]
    assert [choices(value) for value in (7, "030", ["a", "b"])] == [[7], ["030"], ["a", "b"]]


def test_help_has_an_example(capsys):
    assert main(["lists", "--help"]) == 0
    assert "python -m preprocess lists sdss-4 -o list.txt" in capsys.readouterr().out


def test_an_installed_package_has_the_lists(tmp_path):
    """What setup.py installs holds the lists, and finds them away from a checkout."""
    built = tmp_path / "site-packages"
    run = command([sys.executable, "setup.py", "-q", "build", "--build-base", tmp_path / "build",
                   "--build-lib", built], cwd=ROOT)
    assert run.status == 0, run.err
    installed = {path.name for path in (built / "input_lists").iterdir()}
    assert installed == {path.name for path in (ROOT / "input_lists").iterdir()} - {"__pycache__"}
    shown = subprocess.run([sys.executable, "-m", "preprocess", "lists"], cwd=tmp_path, text=True,
                           env={**os.environ, "PYTHONPATH": str(built)}, capture_output=True)
    assert shown.returncode == 0 and shown.stdout.splitlines() == list(table(LISTS))
