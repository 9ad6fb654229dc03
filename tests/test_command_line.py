"""What the person at the keyboard sees."""

import json
import os
import pty
import sys

import pandas
import pytest
from astropy.io import ascii as astropy_ascii
from astropy.io import fits
from bad_images import fits_bytes, good_pixels
from conftest import LAUNCHER, Run, command, job

from mr_extract.columns.choice import COLUMNS
from mr_extract.settings.config import Config


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "stars.fits"
    path.write_bytes(fits_bytes(good_pixels()))
    return path


@pytest.mark.parametrize("wrong, word", [
    (["--thresh", "much"], "--thresh"),
    (["--thresh", "-1"], "--thresh"),
    (["--minarea", "2.5"], "--minarea"),
    (["--thresh-type", "relativ"], "--thresh-type"),
    (["--columns", "x,why"], "why"),
    (["--filter-kernel", "no-such-file.conv"], "no-such-file.conv"),
    (["--apertures", "5,-1"], "--apertures"),
    (["--clean", "maybe"], "--clean"),
    (["--reduce", "all"], "--reduce"),
    (["--max-failures", "150%"], "--max-failures"),
    (["--jobs", "0"], "--jobs"),
    (["--image-timeout", "-3"], "--image-timeout"),
    (["--no-such-option"], "--no-such-option"),
    (["-r", "cloud"], "cloud"),
    (["--catalog", "/no/such/folder/c.tsv"], "/no/such/folder"),
    (["no-such-manifest.txt"], "no-such-manifest.txt"),
    (["--columns", ""], "columns"),
    (["--max-failures", "nan%"], "--max-failures"),
    (["--deblend-nthresh", "200000"], "--deblend-nthresh"),
    (["--minarea", "99999999999"], "--minarea"),
    (["--catalog", ""], "--catalog"),
    (["--columns", "X_IMAGE"], "SExtractor's X_IMAGE is x here"),
    (["--columns", "postion"], "is position meant?"),
    (["--catalog", "/dev/null"], "no regular file"),
    (["--output-dir", "/tmp/parts"], "--catalog"),
])
def test_a_wrong_option_is_one_line_and_exit_status_two(wrong, word, image):
    run = job(*wrong, image)
    assert run.status == 2
    assert len(run.err.splitlines()) == 1 and word in run.err, run.err
    assert run.out == b""


def test_no_output_replaces_an_input_or_the_other_output(image, tmp_path):
    before = image.read_bytes()
    manifest = tmp_path / "list.txt"
    manifest.write_text(f"{image}\n")
    link = tmp_path / "link.tsv"
    link.symlink_to(image)
    for options in (["--catalog", image], ["--catalog", manifest], ["--summary", manifest],
                    ["--catalog", link],
                    ["--catalog", tmp_path / "x", "--summary", tmp_path / "x"]):
        run = job(*options, manifest)
        assert run.status == 2 and "needed for something else" in run.err
    far = tmp_path / "far"
    far.symlink_to(image.parent)
    for line in (f"./{image.name}", f"file://{image}", f"{far}/{image.name}", f"{image}[0]"):
        run = job("--catalog", image.name, "-", stdin=line.encode(), cwd=image.parent)
        assert run.status == 2 and "needed for something else" in run.err, line
    assert image.read_bytes() == before and manifest.read_text() == f"{image}\n"


def test_a_link_stays_a_link_and_leads_to_the_new_catalog(image, tmp_path):
    target, link = tmp_path / "target.tsv", tmp_path / "link.tsv"
    target.write_text("old")
    link.symlink_to(target)
    assert job("--catalog", link, image).status == 0
    assert link.is_symlink() and target.read_text().startswith("#mr_extract")


def test_a_reader_that_goes_away_and_a_full_disk_are_no_traceback(image):
    args = f"{sys.executable} {LAUNCHER} -q {image}"
    run = command(["bash", "-c", f"{args} --columns all --apertures 1,2,3,4,5,6,7,8 | head -1"])
    assert run.out.startswith(b"#mr_extract") and run.err == ""
    run = command(["bash", "-c", f"{args} > /dev/full"])
    assert run.status == 1 and "No space left" in run.err and len(run.err.splitlines()) == 1


@pytest.mark.parametrize("runner", ["inline", "local"])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_standard_streams_may_be_closed(runner, closed, image, tmp_path):
    catalog = tmp_path / "catalog.tsv"
    run = command(["bash", "-c", f"{sys.executable} {LAUNCHER} -r {runner} --catalog {catalog} "
                                 f"{image} {closed}"])
    assert run.status == 0 and "Traceback" not in run.err
    assert catalog.read_bytes() == job(image).out


def test_a_mapper_whose_reader_goes_away_ends_and_says_nothing(image, tmp_path):
    lines = "".join(f"{image}\tid={k}\n" for k in range(40))
    run = command(["bash", "-c", f"{sys.executable} {LAUNCHER} --mapper --thresh 0.5 --columns all "
                                 "| head -c 10"], stdin=lines.encode(), timeout=240)
    assert len(run.out) == 10 and "Traceback" not in run.err


def test_a_manifest_may_come_from_another_program(image):
    run = command(["bash", "-c", f"{sys.executable} {LAUNCHER} <(echo {image})"])
    assert run.status == 0 and run.out == job(image).out


def test_names_that_no_manifest_can_hold_are_named_failures(image, tmp_path):
    odd = [os.fsencode(tmp_path) + name for name in (b"/caf\xe9.fits", b"/a\tb.fits",
                                                    b"/a\nb.fits", b"/blank .fits")]
    for path in odd:
        with open(path, "wb") as file:
            file.write(image.read_bytes())
    run = command([sys.executable, LAUNCHER, *odd, image])
    kinds = run.accounts()
    assert kinds.pop(str(image)) == "" and kinds.pop(f"{tmp_path}/blank .fits") == ""
    assert list(kinds.values()) == ["malformed-line"] * 3


def test_the_zero_point_comes_from_line_header_or_option_in_this_order(tmp_path):
    path = tmp_path / "stars.fits"
    path.write_bytes(fits_bytes(good_pixels(), MAGZP=25.0))

    def first_magnitude(*options, line=str(path)):
        run = job("--columns", "mag_auto", *options, stdin=line.encode())
        return float(run.lines[4].split("\t")[2])

    bare = first_magnitude()
    assert first_magnitude("--zero-point", "20") == pytest.approx(bare + 20, abs=1e-5)
    keyed = ("--zero-point", "20", "--zero-point-key", "MAGZP")
    assert first_magnitude(*keyed) == pytest.approx(bare + 25, abs=1e-5)
    assert first_magnitude(*keyed, line=f"{path}\tzero_point=30") == pytest.approx(
        bare + 30, abs=1e-5)


def test_an_extension_has_the_zero_point_of_its_file_unless_it_declines(tmp_path):
    def first_magnitude(*cards, primary=25.0):
        units = [fits.PrimaryHDU(header=fits.Header({"MAGZP": primary, "CRVAL1": 10.0})),
                 fits.ImageHDU(good_pixels(), header=fits.Header(list(cards)))]
        fits.HDUList(units).writeto(tmp_path / "m.fits", overwrite=True)
        run = job("--columns", "mag_auto", "--zero-point-key", "MAGZP", "--zero-point", "20",
                  tmp_path / "m.fits")
        return float(run.lines[4].split("\t")[2])

    inherited = first_magnitude()
    assert first_magnitude(primary="none") == pytest.approx(inherited - 5, abs=1e-5)
    assert first_magnitude(("INHERIT", True)) == pytest.approx(inherited, abs=1e-5)
    assert first_magnitude(("INHERIT", False)) == pytest.approx(inherited - 5, abs=1e-5)
    assert first_magnitude(("MAGZP", 27.0)) == pytest.approx(inherited + 2, abs=1e-5)


def test_extensions_are_chosen_by_field_or_bracket_and_others_are_mentioned(tmp_path):
    path = tmp_path / "mosaic.fits"
    units = [fits.PrimaryHDU()] + [
        fits.ImageHDU(good_pixels(seed=k), name=f"CCD{k}") for k in (1, 2)]
    fits.HDUList(units).writeto(path)
    run = job(path)
    assert run.status == 0 and "images_in_file=2" in run.lines[3]
    assert "further images" in run.err and "--extensions all" in run.err
    by_field = job(stdin=f"{path}\text=2\n{path}\text=CCD1\n".encode())
    by_bracket = job(f"{path}[2]", f"{path}[CCD1]")
    assert by_field.status == 0 and "further images" not in by_field.err
    assert by_field.out == by_bracket.out
    assert by_field.accounts() == {f"{path}[2]": "", f"{path}[CCD1]": ""}


def test_a_slip_in_the_name_of_a_field_is_a_named_failure(image):
    run = job(stdin=f"{image}\tzeropoint=25\n".encode())
    assert list(run.accounts().values()) == ["malformed-line"]
    assert "is zero_point meant?" in run.out.decode()


def test_the_schema_is_printed_with_names_types_units_and_meaning():
    run = job("--print-schema", "--columns", "all", "--apertures", "5,10,20")
    assert run.status == 0
    rows = {line.split()[0]: line for line in run.lines if line.strip()}
    apart = ("forced", "forced_gauss", "forced_ellipse", "assoc",  # these need a list
             "unique",  # this a reducer
             "vignet", "psf")  # and these are asked for by name alone
    for column in COLUMNS:
        if column.group in apart:
            assert column.name not in rows
            continue
        name = f"{column.name}_1" if column.vector else column.name
        assert column.description in rows[name] and column.dtype in rows[name]
    assert "flux_aper_3" in rows and "flux_aper_4" not in rows


def test_only_the_chosen_columns_are_written_in_the_order_of_the_schema(image):
    run = job("--columns", "flag,position,flux_auto", image)
    assert run.lines[2].split("\t") == ["image", "number", "x", "y", "flux_auto", "flag"]
    assert len(run.lines[-1].split("\t")) == 6
    wide = job("--columns", "all", image)
    narrow = [line.split("\t")[2:4] for line in run.lines[4:]]
    assert narrow == [line.split("\t")[2:4] for line in wide.lines[4:]]


def test_the_printed_configuration_is_the_one_that_runs(image):
    options = ["--thresh", "3", "--filter-kernel", "0,1,0/1,2,1/0,1,0", "--clean", "no"]
    printed = json.loads(job("--print-config", *options).out)
    assert printed["detection"]["thresh"] == 3.0 and printed["detection"]["clean"] is False
    run = job(*options, image)
    assert f"config={printed['hash']}" in run.lines[0]
    assert all(f"\tconfig={printed['hash']}" in line for line in run.lines if "#image" in line)
    header = json.loads(run.lines[1].split("\t")[1])
    del printed["hash"], printed["detection"]["pixstack"]
    for section, name in (("targets", "forced"), ("association", "assoc")):
        # Where a list lies does not matter to the catalog, but whether there is one.
        printed[section][name] = bool(printed[section][name])
    assert header == printed
    assert json.loads(job("--print-config").out)["hash"] == Config().hash()


def test_settings_reach_the_tasks_of_every_runner(image, tmp_path):
    kernel = tmp_path / "gauss.conv"
    kernel.write_text("CONV NORM\n# a comment\n1 2 1\n2 4 2\n1 2 1\n")
    options = ["--thresh", "4.5", "--minarea", "3", "--filter-kernel", "gauss.conv",
               "--apertures", "4,8", "--columns", "position,aper,radius,win",
               "--zero-point", "25.5", "--clean", "no"]
    inline = job(*options, image, cwd=tmp_path)
    assert inline.status == 0, inline.err
    assert job("-r", "local", *options, image, cwd=tmp_path).out == inline.out
    mapped = command([sys.executable, LAUNCHER, "--mapper", *options], stdin=str(image).encode(),
                     cwd=tmp_path)
    reduced = command([sys.executable, LAUNCHER, "--reducer"], stdin=mapped.out)
    assert reduced.out == inline.body
    assert inline.out != job("--columns", "position,aper,radius,win", image).out


def test_an_empty_manifest_is_an_empty_catalog_with_a_header_and_a_warning(tmp_path):
    manifest = tmp_path / "none.txt"
    for text in ("", "# nothing tonight\n\n"):
        manifest.write_text(text)
        for runner in ("inline", "local"):
            run = job("-r", runner, manifest)
            assert run.status == 0
            assert "warning" in run.err
            assert len(run.lines) == 3 and run.lines[2].startswith("image\tnumber\tx\ty")


def test_the_summary_file_holds_the_counts_of_the_catalog(image, tmp_path):
    manifest = tmp_path / "list.txt"
    manifest.write_text(f"{image}\n{tmp_path}/missing.fits\n")
    for runner in ("inline", "local"):
        summary, catalog = tmp_path / "summary.json", tmp_path / "catalog.tsv"
        run = job("-r", runner, "--summary", summary, "--catalog", catalog, manifest)
        facts = json.loads(summary.read_text())
        rows = [line for line in catalog.read_text().splitlines()[3:] if line[0] != "#"]
        assert run.status == 1 and run.out == b""
        assert facts["sources"] == len(rows) > 8
        assert facts["images"] == {"measured": 1, "failed": 1}
        assert facts["failures"]["fetch-not-found"]["first"] == f"{tmp_path}/missing.fits"
        assert facts["bytes"] == image.stat().st_size
        assert facts["milliseconds"].get("detection", 0) > 0
        assert facts["seconds"] > 0 and facts["runner"] == runner


def test_common_readers_read_the_catalog_with_their_comment_option(image, tmp_path):
    path = tmp_path / "catalog.tsv"
    job("--catalog", path, image)
    frame = pandas.read_csv(path, sep="\t", comment="#")
    table = astropy_ascii.read(path, format="tab", comment="#")
    assert list(frame.columns) == table.colnames
    assert len(frame) == len(table) > 8
    assert (frame["flux_auto"] == table["flux_auto"]).all()
    assert frame["ra"].isna().all()


@pytest.mark.parametrize("runner", ["inline", "local"])
def test_progress_is_shown_on_a_terminal_and_not_in_a_pipe(runner, night):
    args = [sys.executable, str(LAUNCHER), "-r", runner, str(night / "manifest.txt")]
    assert "image/s" not in command(args).err.replace("images/s", "")
    import subprocess

    leader, follower = pty.openpty()
    process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=follower)
    os.close(follower)
    out = process.stdout.read()
    shown = b""
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the terminal is closed
            break
        if not piece:
            break
        shown += piece
    process.wait()
    os.close(leader)
    text = shown.decode()
    assert "6/6" in text and "image/s" in text and "sources" in text
    assert Run(0, out, "").accounts()


def test_help_shows_what_most_people_need_and_where_the_rest_is():
    run = job("--help")
    text = run.out.decode()
    assert run.status == 0 and run.err == ""
    assert 10 <= text.count("\n  -") <= 12
    for word in ("--runner", "--thresh", "--columns", "--help-all", "at given positions"):
        assert word in text
    assert "step-output-dir" not in job("--help-all").out.decode()


def test_a_runner_that_is_not_served_is_refused_in_one_line():
    run = job("-r", "dataproc", "list.txt")
    assert run.status == 2 and run.err.count("\n") == 1
    assert "dataproc" in run.err and "inline" in run.err


def test_a_shell_can_complete_the_options():
    run = job("--print-completion", "bash")
    assert run.status == 0 and b"--deblend-cont" in run.out
    run = job("--print-completion", "cmd")
    assert run.status == 2 and run.err.count("\n") == 1


def test_all_help_shows_the_settings_with_their_defaults():
    run = job("--help-all")
    assert run.status == 0
    for option in ("--thresh", "--columns", "--reduce", "--max-failures", "--summary"):
        assert option in run.out.decode()
    assert "[1.5]" in run.out.decode()


def test_an_input_that_is_no_manifest_is_told(tmp_path, night):
    (tmp_path / "notes.txt").write_text("what I saw\nthat night\n" * 3)
    run = job("notes.txt", cwd=tmp_path)
    assert run.status == 1 and "is the input a manifest" in run.err
    (tmp_path / "list.txt").write_text("none.fits\nno-such\n")
    assert "is the input a manifest" not in job("list.txt", cwd=tmp_path).err


def test_the_commonest_failure_is_told_first(tmp_path):
    (tmp_path / "empty.fits").write_bytes(b"")
    (tmp_path / "list.txt").write_text("empty.fits\nb.fits\na.fits\n")
    told = [line for line in job("list.txt", cwd=tmp_path).err.splitlines() if " x " in line]
    assert [line.split()[0] for line in told] == ["2", "1"]
    assert "fetch-not-found" in told[0] and "b.fits" in told[0]
