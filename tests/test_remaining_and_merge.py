"""Claims about ``remaining`` and ``merge``: both together equal one clean run, byte for byte."""

import gzip
import io
import shutil
import sys
from pathlib import Path

import pytest
from bad_images import fits_bytes, good_pixels
from conftest import job
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import peak_of

from mr_extract.settings.config import Config
from mr_extract.text.accounting import error_line, header, image_line
from mr_extract.text.block_stream import split_blocks, whole
from mr_extract.text.manifest import read_entries
from preprocess.__main__ import main
from preprocess.accounts import merging


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(name):
    return Path(name).read_bytes()


def rest_of(*arguments):
    """Run ``remaining`` and give the lines that it writes."""
    assert main(["remaining", *arguments, "-o", "rest.txt"]) == 0
    return read("rest.txt").splitlines()


def run_job(manifest, catalog, *options):
    done = job("-r", "inline", "--quiet", "--max-failures", "100%", *options, manifest,
               "--catalog", catalog)
    assert done.status == 0, done.err


# ---- real runs


@pytest.fixture
def frames(folder, night):
    """Six frames beside a manifest of them, one of which carries a name of its own."""
    shutil.copytree(night, "night")
    lines = [line for line in (night / "manifest.txt").read_text().splitlines()
             if not line.startswith("#")]
    lines = [f"night/{Path(line.split(chr(9))[0]).name}" + line[line.index("\t"):]
             for line in lines]
    lines[2] += "\tid=the third"
    Path("list.txt").write_text("\n".join(lines) + "\n")
    return lines


def test_a_catalog_that_was_cut_off_at_any_byte_is_made_whole_again(frames, capsys):
    run_job("list.txt", "clean.tsv")
    clean = read("clean.tsv")
    starts = [k + 1 for k in range(len(clean)) if clean[k : k + 7] == b"\n#image"]
    assert len(starts) == 6
    cuts = [len(clean) - 1, starts[0], starts[3] + 20, (starts[3] + starts[4]) // 2, starts[5],
            len(clean.split(b"\n")[0]) + 9, 0]
    for cut in cuts:
        Path("first.tsv").write_bytes(clean[:cut])
        rest = rest_of("list.txt", "first.tsv")
        done = sum(stop <= cut for stop in [*starts[1:], len(clean)])
        assert len(rest) == 6 - done
        assert "first.tsv: " in capsys.readouterr().err
        run_job("rest.txt", "second.tsv")
        assert main(["merge", "first.tsv", "second.tsv", "-o", "merged.tsv"]) == 0
        assert read("merged.tsv") == clean
        assert rest_of("list.txt", "merged.tsv") == []


def test_an_image_that_is_mended_is_measured_in_a_second_run(frames, capsys):
    run_job("list.txt", "clean.tsv")
    name = frames[1].split("\t")[0]
    good = read(name)
    Path(name).write_bytes(good[:9000])
    Path(frames[4].split("\t")[0]).rename("away")
    run_job("list.txt", "first.tsv")
    assert b"failed=2" in read("first.tsv").splitlines()[0]
    assert rest_of("list.txt", "first.tsv") == []
    Path(name).write_bytes(good)
    Path("away").rename(frames[4].split("\t")[0])
    lines = [line.encode() for line in frames]
    assert rest_of("list.txt", "first.tsv", "--kind", "fetch-not-found") == lines[4:5]
    assert rest_of("list.txt", "first.tsv", "--kind", "lost,truncated") == lines[1:2]
    assert rest_of("list.txt", "first.tsv", "--failed") == [lines[1], lines[4]]
    run_job("rest.txt", "second.tsv")
    for order in (["first.tsv", "second.tsv"], ["second.tsv", "first.tsv"]):
        assert main(["merge", *order, "-o", "merged.tsv"]) == 0
        assert read("merged.tsv") == read("clean.tsv")
        assert rest_of("list.txt", *order, "--failed") == []


def test_two_halves_whatever_their_order_and_packing_are_one_run(frames):
    run_job("list.txt", "clean.tsv")
    Path("one.txt").write_text("\n".join(frames[:4]) + "\n")
    Path("two.txt").write_text("\n".join(frames[3:]) + "\n")  # the fourth is in both
    run_job("one.txt", "one.tsv", "--reduce", "none")
    run_job("two.txt", "two.tsv")
    blocks = list(split_blocks(io.BytesIO(read("one.tsv"))))
    Path("one.tsv").write_bytes(b"".join(blocks[:2] + blocks[:1:-1]))  # certainly not in order
    Path("two.tsv.gz").write_bytes(gzip.compress(read("two.tsv")))
    assert main(["merge", "one.tsv", "two.tsv.gz", "-o", "merged.tsv"]) == 0
    assert read("merged.tsv") == read("clean.tsv")
    assert rest_of("list.txt", "one.tsv", "two.tsv.gz") == []
    assert len(rest_of("list.txt", "one.tsv")) == 2


@pytest.mark.parametrize("shards", [2, 5])
def test_jobs_over_shards_merge_to_the_run_over_the_manifest(frames, shards):
    run_job("list.txt", "clean.tsv")
    assert main(["shards", "list.txt", "-n", str(shards), "-o", "shards"]) == 0
    for path in Path("shards").iterdir():
        run_job(path, f"{path.stem}.tsv")
    catalogs = sorted(map(str, Path().glob("shard-*.tsv")))
    assert len(catalogs) == shards
    assert main(["merge", *catalogs, "-o", "merged.tsv"]) == 0
    assert read("merged.tsv") == read("clean.tsv")


def multi_extension(names, *seeds):
    from astropy.io import fits

    units = [fits.PrimaryHDU(), *(fits.ImageHDU(good_pixels(seed=seed)) for seed in seeds)]
    for name in names:
        fits.HDUList(units).writeto(name)


def test_a_file_of_several_images_is_done_when_all_of_them_are(folder, capsys):
    multi_extension(["a.fits", "b.fits"], 1, 2, 3)
    multi_extension(["c.fits"], 4)
    Path("d.fits").write_bytes(fits_bytes(good_pixels()))
    Path("list.txt").write_text("a.fits\nb.fits\text=*\nc.fits\tid=see\nd.fits\text=0\n")
    every = ["--extensions", "all"]
    run_job("list.txt", "clean.tsv", *every)
    clean = read("clean.tsv")
    assert rest_of("list.txt", "clean.tsv", *every) == []
    # Cut behind the second of three images of b.fits: the third is not there.
    cut = clean.index(b"#image\tb.fits[3]")
    Path("first.tsv").write_bytes(clean[:cut])
    assert rest_of("list.txt", "first.tsv", *every) == [
        b"b.fits\text=*", b"c.fits\tid=see", b"d.fits\text=0"]
    run_job("rest.txt", "second.tsv", *every)
    assert main(["merge", "first.tsv", "second.tsv", "-o", "merged.tsv", *every]) == 0
    assert read("merged.tsv") == clean
    # A file of which one image was lost is run again whole.
    lost = clean[:cut] + error_line("b.fits[3]", "lost", "").encode() + clean[
        clean.index(b"#image\td.fits[0]"):]
    Path("lost.tsv").write_bytes(lost)
    assert b"b.fits\text=*" in rest_of("list.txt", "lost.tsv", *every)
    # Without the job's --extensions it is said what to do.
    capsys.readouterr()
    assert b"a.fits" in rest_of("list.txt", "clean.tsv")
    assert "--extensions all" in capsys.readouterr().err


def test_a_file_that_could_not_be_listed_makes_way_for_its_images(folder):
    multi_extension(["a.fits", "b.fits", "a.fits.more"], 1, 2)
    every = ["--extensions", "all"]
    Path("list.txt").write_text("a.fits\nb.fits\text=*\na.fits.more\n")
    run_job("list.txt", "clean.tsv", *every)
    good = {name: read(name) for name in ("a.fits", "b.fits")}
    for name in good:
        Path(name).write_bytes(b"no FITS file")
    run_job("list.txt", "first.tsv", *every)
    assert b"#error\ta.fits\t" in read("first.tsv")
    for name, text in good.items():
        Path(name).write_bytes(text)
    assert rest_of("list.txt", "first.tsv", "--failed", *every) == [b"a.fits", b"b.fits\text=*"]
    run_job("rest.txt", "second.tsv", *every)
    for order in (["first.tsv", "second.tsv"], ["second.tsv", "first.tsv"]):
        assert main(["merge", *order, "-o", "merged.tsv", *every]) == 0
        assert read("merged.tsv") == read("clean.tsv")


# ---- made-up catalogs: the rules

CONFIG = Config()


def block(image_id, rows=1, value=0):
    return image_line(image_id, {"sources": rows, "background": value}).encode() + b"".join(
        b"%s\t%d\n" % (image_id.encode(), k + 1) for k in range(rows))


def failure(image_id, kind="fetch-timeout", message=""):
    return error_line(image_id, kind, message).encode()


def catalog(name, *blocks, config=CONFIG, columns=("image", "number"), sep="1", ordered=True):
    if ordered:
        blocks = sorted(blocks, key=lambda text: text.split()[1])
    accounts = [whole(text) for text in blocks]
    failed = sum(bool(account.kind) for account in accounts)
    Path(name).write_bytes(
        header(config, columns, {"sep": sep}, {
            "images": len(accounts) - failed, "failed": failed,
            "sources": sum(account.rows for account in accounts)}).encode()
        + b"".join(blocks))
    return name


def merged(*names, options=()):
    assert main(["merge", *names, "-o", "merged.tsv", *options]) == 0
    return read("merged.tsv")


OUTCOMES = st.sampled_from(["", "lost", "fetch-timeout", "corrupt"])
RUNS = st.lists(st.dictionaries(st.sampled_from(["a", "a[1]", "b", "Z", "é", "a.b"]), OUTCOMES),
                min_size=1, max_size=5)


@settings(max_examples=200, deadline=None)
@given(RUNS, st.booleans())
def test_of_any_runs_the_best_and_among_failures_the_last_stands(runs, by_files):
    import tempfile

    def of(image, kind):
        return failure(image, kind) if kind else block(image, 2)

    with tempfile.TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        if by_files:
            patch.setattr(merging, "SIDE_BY_SIDE", 1)
        names = [catalog(f"{k}.tsv", *(of(*one) for one in run.items()), ordered=k % 2)
                 for k, run in enumerate(runs)]
        expected = {}
        for run in runs:
            for image, kind in run.items():
                known = expected.get(image)
                rank = {"": 2, "lost": 0}
                if known is None or rank.get(kind, 1) >= rank.get(known, 1):
                    expected[image] = kind
        catalog("expected.tsv", *(of(*one) for one in expected.items()))
        assert merged(*names) == read("expected.tsv")
        lines = ["a", "a[1]", "b", "Z", "é", "a.b"]
        Path("list.txt").write_text("\n".join(lines))
        for options, wanted in (
            ([], lambda kind: kind in (None, "lost")),
            (["--failed"], lambda kind: bool(kind)),
            (["--kind", "corrupt"], lambda kind: kind == "corrupt"),
        ):
            asked = [line.encode() for line in lines if wanted(expected.get(line))]
            assert rest_of("list.txt", *names, *options) == asked
            assert rest_of("list.txt", "merged.tsv", *options) == asked


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), max_size=4), min_size=1, max_size=8),
       st.integers(1, 50))
def test_blocks_of_a_stream_are_those_of_the_text_however_it_is_cut(images, piece):
    texts = [block(f"i{k}", len(rows)) for k, rows in enumerate(images)]

    class Dripping(io.BytesIO):
        def read1(self, size=-1):
            return super().read1(piece)

    assert list(split_blocks(Dripping(b"".join(texts)))) == texts
    assert [whole(text).rows for text in texts] == [len(rows) for rows in images]


def test_two_different_measurements_of_one_image_are_refused_by_its_id(folder, capsys):
    catalog("one.tsv", block("a", 2), block("b"))
    catalog("two.tsv", block("a", 2), block("b", value=7))
    assert main(["merge", "one.tsv", "two.tsv", "-o", "merged.tsv"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert all(word in error for word in ("'b'", "'one.tsv'", "'two.tsv'"))
    assert not Path("merged.tsv").exists()


def other_config():
    from dataclasses import replace

    return replace(CONFIG, detection=replace(CONFIG.detection, thresh=9.0))


@pytest.mark.parametrize("different, word", [
    ({"config": other_config()}, "config="), ({"sep": "2"}, "sep=2"),
    ({"columns": ("image", "x")}, "columns image,x"),
])
def test_catalogs_that_were_made_otherwise_are_refused_by_name(folder, capsys, different, word):
    catalog("one.tsv", block("a"))
    catalog("two.tsv", block("b"), **different)
    assert main(["merge", "one.tsv", "two.tsv", "-o", "merged.tsv"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and word in error and "'two.tsv'" in error
    assert not Path("merged.tsv").exists()


def test_another_version_is_refused(folder, capsys):
    catalog("one.tsv", block("a"))
    Path("two.tsv").write_bytes(read("one.tsv").replace(b"#mr_extract ", b"#mr_extract 9", 1))
    assert main(["merge", "one.tsv", "two.tsv"]) == 2
    assert "made with mr_extract 9" in capsys.readouterr().err


@pytest.mark.parametrize("text, word", [
    (b"a.fits\n", "does not begin"), (b"#mr_extract 1\n#config\t{}\na\n#image\ta\n", "header"),
    (None, "no such file"), (b"TWICE", "one by one"),
])
def test_what_is_no_catalog_is_one_line_and_exit_2(folder, capsys, text, word):
    whole_one = read(catalog("one.tsv", block("a")))
    Path("list.txt").write_text("a\n")
    if text is not None:
        Path("two.tsv").write_bytes(2 * whole_one if text == b"TWICE" else text)
    for arguments in (["merge", "one.tsv", "two.tsv"], ["remaining", "list.txt", "two.tsv"]):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and word in error and "two.tsv" in error


@pytest.mark.parametrize("last", [2, len("b\t3\n")])  # within a row, or before the last row
def test_what_a_broken_catalog_cannot_give_is_said_and_is_exit_1(folder, capsys, last):
    text = read(catalog("one.tsv", block("a", 3), block("b", 3), block("c", 3)))
    Path("one.tsv").write_bytes(text[: text.index(b"#image\tc") - last])
    assert main(["merge", "one.tsv", "-o", "merged.tsv"]) == 1
    error = capsys.readouterr().err
    assert "one.tsv: it breaks off: 1 of 3 images are there" in error
    assert "at least 2 images are missing" in error
    catalog("expected.tsv", block("a", 3))
    assert read("merged.tsv") == read("expected.tsv")
    # The same, packed: what comes before the break is read.
    packed = gzip.compress(b"".join([text] + [block(f"d{k}", 40) for k in range(2000)]))
    Path("one.tsv.gz").write_bytes(packed[:-30])
    Path("list.txt").write_text("a\nb\nz\n")
    assert rest_of("list.txt", "one.tsv.gz") == [b"z"]
    assert "breaks off" in capsys.readouterr().err


def broken_off(name, there, lost):
    """Write a catalog that breaks off behind the first of its blocks."""
    catalog(name, *there, *lost)
    text = read(name)
    Path(name).write_bytes(text[: text.index(lost[0].split(b"\n")[0])])


@pytest.mark.parametrize("others", [
    [["b"]],  # stands before what is missing, so it is another image
    [["0", "1", "2", "3", "4", "5"]],  # more than were promised are there, but not these
    [["d"], ["x", "y", "z"]],  # may be one of them, or not
    [],
])
def test_what_a_header_promised_and_no_catalog_is_known_to_have_is_exit_1(folder, capsys, others):
    broken_off("one.tsv", [block("a"), block("c")], [block("m"), block("n")])
    names = [f"other{k}.tsv" for k in range(len(others))]
    for name, ids in zip(names, others):
        catalog(name, *map(block, ids))
    assert main(["merge", "one.tsv", *names, "-o", "merged.tsv"]) == 1
    error = capsys.readouterr().err
    assert "one.tsv: its header promises 2 more behind 'c'" in error and "`remaining`" in error


def test_what_a_second_run_over_the_rest_has_is_not_missing(folder):
    broken_off("one.tsv", [block("a"), block("c")], [block("m"), block("n")])
    catalog("rest.tsv", block("m"), block("n"))
    catalog("night2.tsv", block("b"), block("x"), block("y"))
    catalog("all.tsv", *map(block, "acmn"))
    catalog("half.tsv", block("m")), catalog("half2.tsv", block("n"))
    for more in (["rest.tsv"], ["rest.tsv", "night2.tsv"], ["night2.tsv", "all.tsv"],
                 ["half.tsv", "half2.tsv"]):
        assert main(["merge", "one.tsv", *more, "-o", "merged.tsv"]) == 0
    broken_off("rest.tsv", [block("m")], [block("n")])
    assert main(["merge", "one.tsv", "rest.tsv", "half2.tsv", "-o", "merged.tsv"]) == 0
    assert main(["merge", "one.tsv", "rest.tsv", "-o", "merged.tsv"]) == 1


def test_text_of_reducers_without_a_header_accounts_but_is_not_merged(folder, capsys):
    Path("part-00000").write_bytes(block("a") + block("c"))
    Path("list.txt").write_text("a\nb\nc\n")
    assert rest_of("list.txt", "part-00000") == [b"b"]
    assert main(["merge", "part-00000"]) == 2
    assert "no header" in capsys.readouterr().err


def test_lines_stay_as_they_are_also_malformed_ones_and_those_of_standard_input(
        folder, monkeypatch):
    lines = [b"a\tfilter=r", b"  b.fits  ", b"x\tno field", b"x\tno field either"]
    catalog("one.tsv", failure("malformed:x no field".replace(" no", "%09no"), "malformed-line"))
    stdin = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"# one\n" + b"\r\n".join(lines))))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert rest_of("-", "one.tsv") == [lines[0], lines[1], lines[3]]


def test_a_failed_file_stays_where_its_images_are_lines_of_their_own(folder):
    # One run had both lines: the failure is of another line than the image.
    catalog("one.tsv", failure("a.fits"), block("a.fits[2]"))
    catalog("two.tsv", block("a.fits[2]"), block("b.fits"))
    for options in ([], ["--extensions", "all"]):
        assert failure("a.fits") in merged("one.tsv", "two.tsv", options=options)
    # Without --extensions no line is expanded but those that say so.
    catalog("one.tsv", failure("a.fits"), failure("c.fits[*]"))
    catalog("two.tsv", block("a.fits[2]"), block("c.fits[1]"))
    text = merged("one.tsv", "two.tsv")
    assert failure("a.fits") in text and failure("c.fits[*]") not in text


def test_a_signed_address_is_known_by_what_a_catalog_says_of_it(folder):
    address = "http://u:p@h/a.fits?X-Amz-Signature=12"
    Path("list.txt").write_text(f"{address}\text=*\n")
    (name,) = {entry.id for entry in read_entries([address.encode()])}
    assert "p@" not in name and "12" not in name
    catalog("one.tsv", block(f"{name}[1]"), block(f"{name}[2]"))
    assert rest_of("list.txt", "one.tsv") == []


def test_different_failures_in_a_file_count_as_asked_whatever_the_order(folder):
    Path("list.txt").write_text("a.fits\text=*\n")
    blocks = [block("a.fits[1]"), failure("a.fits[2]", "corrupt"), failure("a.fits[3]", "killed"),
              block("b.fits")]
    for order in (blocks, [blocks[k] for k in (2, 3, 0, 1)], [blocks[k] for k in (1, 3, 0, 2)]):
        catalog("one.tsv", *order, ordered=False)
        assert rest_of("list.txt", "one.tsv", "--kind", "corrupt") == [b"a.fits\text=*"]
        assert rest_of("list.txt", "one.tsv", "--kind", "killed") == [b"a.fits\text=*"]
        assert rest_of("list.txt", "one.tsv", "--kind", "timeout") == []
        assert rest_of("list.txt", "one.tsv") == []
    catalog("two.tsv", *(block(f"a.fits[{k}]") for k in (1, 2, 3)))  # run again whole
    assert rest_of("list.txt", "one.tsv", "two.tsv", "--failed") == []
    assert rest_of("list.txt", "two.tsv", "one.tsv", "--failed") == []


@pytest.mark.parametrize("arguments", [
    ["remaining", "list.txt"], ["remaining", "list.txt", "c.tsv", "--kind", "bad-luck"],
    ["merge"], ["merge", "-"], ["remaining", "list.txt", "c.tsv", "--extensions", "some"],
])
def test_a_bad_command_line_is_one_line_and_exit_2(folder, capsys, arguments):
    Path("list.txt").write_text("a\n")
    catalog("c.tsv", block("a"))
    assert main(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("command", ["shards", "remaining", "merge"])
def test_every_help_has_an_example(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"python -m preprocess {command} " in capsys.readouterr().out


def test_memory_hardly_grows_with_the_catalog(folder):
    peaks = {}
    for number in (20_000, 120_000):
        half = (block(f"night/frame-{k:07d}.fits") for k in range(0, number, 2))
        catalog("one.tsv", *half)
        catalog("two.tsv", *(block(f"night/frame-{k:07d}.fits") for k in range(1, number, 2)),
                ordered=False)
        Path("list.txt").write_text(
            "".join(f"night/frame-{k:07d}.fits\n" for k in range(number)))
        peaks[number] = (peak_of("remaining", "list.txt", "one.tsv", "-o", "rest.txt"),
                         peak_of("merge", "one.tsv", "two.tsv", "-o", "merged.tsv"))
        assert len(read("rest.txt").splitlines()) == number // 2
    # A text as an object of Python takes 70 bytes, an account 400: 7 and 40 MB more.
    for small, large in zip(*peaks.values()):
        assert large - small < 6, peaks
