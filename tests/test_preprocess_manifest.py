"""Claims about ``python -m preprocess manifest``: what is listed, in which order, and what not."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mr_extract.text.manifest import is_fits_name, parse_line
from preprocess.__main__ import main
from preprocess.listing.found_images import Tally
from preprocess.listing.local_files import local_images, natural_key
from preprocess.listing.manifest_lines import manifest_line
from preprocess.sizes import size_for_people

ROOT = Path(__file__).resolve().parent.parent
PATHS = st.text(alphabet="ab0127/.-é² ", max_size=12) | st.text(max_size=12)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in an empty folder, with a function that makes files of a given size."""
    monkeypatch.chdir(tmp_path)

    def make(*names, size=10):
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(bytes(size))

    return make


def listed(text):
    """Give the paths of a manifest's text."""
    return [line.split("\t")[0] for line in text.splitlines()]


def test_frame2_comes_before_frame10_in_every_folder(folder, capsys):
    folder("n10/frame1.fits", "n2/frame10.fits", "n2/frame2.fits", "n2/frame1.fits")
    assert main(["manifest", "n10", "n2"]) == 0
    assert listed(capsys.readouterr().out) == [
        "n2/frame1.fits",
        "n2/frame2.fits",
        "n2/frame10.fits",
        "n10/frame1.fits",
    ]


@given(st.lists(PATHS, max_size=12))
def test_natural_order_is_total(paths):
    """Any paths can be compared, the order is one whatever they came in, only equals tie."""
    ordered = sorted(paths, key=natural_key)
    shuffled = random.Random(1).sample(paths, len(paths))
    assert sorted(shuffled, key=natural_key) == ordered
    for first, second in zip(ordered, ordered[1:], strict=False):
        assert (natural_key(first) == natural_key(second)) == (first == second)
        assert not natural_key(second) < natural_key(first)


@given(st.text(alphabet="abc-", max_size=5), st.integers(0), st.integers(0))
def test_numbers_in_names_sort_as_numbers(prefix, one, other):
    keys = [natural_key(f"{prefix}{number}.fits") for number in (one, other)]
    assert (keys[0] < keys[1]) == (one < other)


@given(
    PATHS.map(lambda text: text.replace("\0", "") + ".fits"),
    st.dictionaries(st.sampled_from(["bytes", "filter", "mjd"]), st.integers(0, 2**63 - 1)),
)
def test_a_line_gives_back_its_path_and_fields_or_is_refused(path, fields):
    try:
        line = manifest_line(path, fields)
    except ValueError:
        assert "\t" in path or len(f"{path}.".splitlines()) > 1
        return
    assert line.splitlines() == [line]
    entry = parse_line(line.encode("utf-8") + b"\n")
    assert not entry.problem
    assert os.path.normpath(entry.uri) == os.path.normpath(path)
    assert dict(entry.fields) == {key: str(value) for key, value in fields.items()}


@pytest.mark.parametrize("compression", ["", ".gz", ".bz2", ".fz", ".GZ"])
@pytest.mark.parametrize("ending", [".fits", ".fit", ".fts", ".FITS"])
def test_fits_names_are_known_in_any_case_and_compression(ending, compression):
    assert is_fits_name("a/b" + ending + compression)
    assert not is_fits_name("a/b" + ending + compression + ".txt")


def found(*arguments):
    return [image.uri for image in local_images(arguments, Tally())]


def test_other_files_are_counted_and_left_out(folder, capsys):
    folder("night/a.fits", "night/deep/b.FIT.gz", size=1_000_000)
    folder("night/log.txt", "night/fits", "night/.a.fits", "night/b.fits.md5")
    folder("night/.cache/c.fits")
    assert main(["manifest", "night", "-o", "list.txt"]) == 0
    captured = capsys.readouterr()
    assert captured.err == "2 images, 2.0 MB -> list.txt; 4 other files left out\n"
    assert captured.out == ""
    assert Path("list.txt").read_text() == (
        "night/a.fits\tbytes=1000000\nnight/deep/b.FIT.gz\tbytes=1000000\n"
    )


def test_files_that_a_shell_expanded_are_sorted_out(folder, capsys):
    folder("a.fits", "notes.txt")
    assert main(["manifest", "a.fits", "notes.txt"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "a.fits\tbytes=10\n"
    assert captured.err == "1 image, 10 bytes -> stdout; 1 other file left out\n"


def test_an_image_reached_twice_is_listed_once(folder, capsys):
    folder("n/a.fits", "n/b.fits")
    os.symlink("a.fits", "n/c.fits")
    os.symlink(".", "n/loop")
    assert main(["manifest", "n", "./n/b.fits", "n/*.fits"]) == 0
    captured = capsys.readouterr()
    assert listed(captured.out) == ["./n/b.fits", "n/a.fits"]
    assert "listed once" in captured.err


def test_a_linked_folder_is_searched(folder):
    folder("elsewhere/a.fits")
    os.mkdir("night")
    os.symlink("../elsewhere", "night/link")
    assert found("night") == ["night/link/a.fits"]


def test_paths_stay_as_given(folder, tmp_path):
    folder("n/a.fits")
    assert found("n") == ["n/a.fits"]
    assert found("./n/") == ["./n/a.fits"]
    assert found(str(tmp_path)) == [f"{tmp_path}/n/a.fits"]
    assert found("n/*") == found("**/a.fits") == ["n/a.fits"]


def test_a_file_named_like_a_pattern_is_itself(folder):
    folder("a[1].fits", "a1.fits")
    assert found("a[1].fits") == ["a[1].fits"]


def test_names_that_look_like_comments_are_disguised(folder, capsys):
    folder("#1.fits", "# 2/a.fits")
    assert main(["manifest", "#1.fits", "# 2"]) == 0
    assert sorted(listed(capsys.readouterr().out)) == ["./# 2/a.fits", "./#1.fits"]


def test_names_that_no_line_can_hold_are_named_and_the_rest_is_written(folder, capsys):
    folder("good.fits", "tab\there.fits", "line\nend.fits")
    Path(os.fsdecode(b"latin-\xe9.fits")).write_bytes(b"")
    assert main(["manifest", ".", "-o", "list.txt"]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 4
    assert sum("left out" in error for error in errors) == 3
    assert any("tab\\there.fits" in error for error in errors)
    assert errors[-1] == "1 image, 10 bytes -> list.txt; 3 refused"
    assert Path("list.txt").read_text() == "./good.fits\tbytes=10\n"


@pytest.mark.parametrize("argument", ["nowhere", "*.fits", "empty", "readme.txt"])
def test_what_matches_nothing_is_one_line_and_exit_2(folder, capsys, argument):
    folder("readme.txt")
    os.mkdir("empty")
    assert main(["manifest", argument, "-o", "list.txt"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and argument in error
    assert not os.path.exists("list.txt")


def test_one_missing_folder_stops_the_list(folder, capsys):
    folder("n/a.fits")
    assert main(["manifest", "n", "m"]) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1


def test_a_manifest_that_cannot_be_written_is_one_line_and_exit_2(folder, capsys):
    folder("a.fits")
    assert main(["manifest", "a.fits", "-o", "no/such/list.txt"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_old_manifest_stays_until_the_new_one_is_whole(folder, monkeypatch):
    folder("a.fits")
    Path("list.txt").write_text("old\n")

    def fail(*names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    assert main(["manifest", "a.fits", "-o", "list.txt"]) == 2
    assert Path("list.txt").read_text() == "old\n"
    assert sorted(os.listdir()) == ["a.fits", "list.txt"]


def test_a_device_is_written_to_and_not_replaced(folder):
    folder("a.fits")
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert main(["manifest", "a.fits", "-o", "pipe"]) == 0
    assert os.read(reader, 100) == b"a.fits\tbytes=10\n"
    os.close(reader)


def test_sizes_are_written_for_people():
    sizes = [0, 999, 1000, 73_200_000, 999_960_000, 5 * 10**15]
    assert [size_for_people(size) for size in sizes] == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "73.2 MB",
        "1.0 GB",
        "5000.0 TB",
    ]


@pytest.mark.parametrize(
    "arguments", [[], ["lists-of-nothing"], ["manifest"], ["manifest", "--no-such-option", "x"]]
)
def test_a_bad_command_line_is_one_line_and_exit_2(arguments, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1


@pytest.mark.parametrize("command", ["manifest", "simulate"])
def test_every_help_has_an_example(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"python -m preprocess {command} " in capsys.readouterr().out


def test_help_and_manifest_do_not_wait_for_numpy():
    script = (
        "import sys; from preprocess.__main__ import main; "
        "main(['simulate', '--help']); main(['manifest', '.']); "
        "assert 'numpy' not in sys.modules and 'astropy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)


def test_a_reader_that_goes_away_is_no_traceback(folder):
    folder(*(f"{number}.fits" for number in range(3)))
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "preprocess", "manifest", "."],
        stdout=writer,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    os.close(writer)
    assert done.returncode == 1 and b"Traceback" not in done.stderr
