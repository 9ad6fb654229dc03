"""Which images a manifest lists and what its lines say: filters, header fields, companions."""

import argparse
import io
import os
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from conftest import job

from mr_extract.text.manifest import parse_line
from preprocess.__main__ import main
from preprocess.listing.choice import moment
from preprocess.listing.header_fields import header_option
from preprocess.sizes import size_in_bytes


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name, *cards, content=None, extensions=()):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    if content is None:
        data = np.zeros((3, 4), "i2")
        primary = fits.PrimaryHDU(None if extensions else data, fits.Header(cards))
        hdus = [fits.ImageHDU(data, fits.Header(cards), name=name) for name, cards in extensions]
        file = io.BytesIO()
        fits.HDUList([primary, *hdus]).writeto(file, output_verify="ignore")
        content = file.getvalue()
    Path(name).write_bytes(content)


def manifest(capsys, *arguments, expect=0):
    """Run the command, and return its entries and what it said."""
    assert main(["manifest", *map(str, arguments)]) == expect
    captured = capsys.readouterr()
    entries = [parse_line(line.encode()) for line in captured.out.splitlines()]
    assert not any(entry.problem for entry in entries)
    return entries, captured.err.splitlines()


def names(entries):
    return [entry.uri for entry in entries]


def fields(entry):
    return {name: value for name, value in entry.fields if name != "bytes"}


def test_names_are_chosen_by_patterns(here, capsys):
    for name in ("a_ooi_g.fits", "a_ooi_r.fits", "a_osi_r.fits", "a_ood_r.fits", "x/a_ooi_i.fits"):
        write(f"n/{name}", content=b"1")
    entries, said = manifest(capsys, "n", "--name", "*_ooi_*", "--name", "*_osi_*",
                             "--not-name", "*_g.fits")
    assert names(entries) == ["n/a_ooi_r.fits", "n/a_osi_r.fits", "n/x/a_ooi_i.fits"]
    assert said[-1].endswith("; 2 not chosen")


def test_sizes_are_chosen_with_both_ends(here, capsys):
    for size in (999, 1000, 1500, 2000, 2001):
        write(f"{size}.fits", content=bytes(size))
    entries, _ = manifest(capsys, ".", "--min-size", "1kB", "--max-size", "2 KB")
    assert names(entries) == ["./1000.fits", "./1500.fits", "./2000.fits"]


def test_ages_and_dates_are_chosen(here, capsys):
    now = time.time()
    for days in (0, 1, 3, 10):
        write(f"{days}.fits", content=b"1")
        os.utime(f"{days}.fits", (now, now - 86400 * days))
    assert names(manifest(capsys, ".", "--newer", "2d")[0]) == ["./0.fits", "./1.fits"]
    assert names(manifest(capsys, ".", "--newer", "1w", "--older", "36h")[0]) == ["./3.fits"]
    assert len(manifest(capsys, ".", "--newer", "2001-02-03")[0]) == 4
    entries, said = manifest(capsys, ".", "--older", "2001-02-03", expect=2)
    assert entries == [] and "4 not chosen" in said[0]


def test_sizes_and_moments_are_read_as_people_write_them():
    assert [size_in_bytes(text) for text in ("5", "10kB", "1.5 MB", "2MiB", "3g", "1TiB")] == [
        5, 10_000, 1_500_000, 2 << 20, 3 * 10**9, 1 << 40]
    assert moment("2013-01-05") == moment("2013-01-05T01:00+01:00") == 1357344000
    assert moment("2013-01-05T06:30") == 1357344000 + 6.5 * 3600
    ages = ("30s", "5min", "2h", "1.5d", "2w")
    assert [1e9 - moment(text, lambda: 1e9) for text in ages] == [
        30, 300, 7200, 129600, 14 * 86400]
    for reader, text in ((size_in_bytes, "5 apples"), (size_in_bytes, "-1"), (moment, "tomorrow"),
                         (moment, "2013-13-01"), (moment, "5 months")):
        with pytest.raises(argparse.ArgumentTypeError, match="is n"):
            reader(text)


def test_keywords_become_fields_as_their_values_stand(here, capsys):
    write("a.fits", ("FILTER", "r  "), ("MJD-OBS", 56297.25), ("EXPTIME", 30), ("GOOD", True),
          ("OBJECT", "NGC   1"), ("EMPTY", None), ("BLANKS", "   "), ("QUOTE", "it's"),
          ("HIERARCH ESO TEL AIRM START", 1.25), ("LONG", "word " * 20 + "end"))
    wanted = ("FILTER=filter,MJD-OBS=mjd", "exptime,GOOD,OBJECT,EMPTY,BLANKS,QUOTE,ABSENT",
              "ESO TEL AIRM START=airmass,LONG=comment")
    entries, said = manifest(capsys, "a.fits", *(w for part in wanted for w in ("--header", part)))
    assert fields(entries[0]) == {
        "filter": "r", "mjd": "56297.25", "exptime": "30", "good": "T", "object": "NGC 1",
        "quote": "it's", "airmass": "1.25", "comment": "word " * 20 + "end"}
    assert said[1:] == [f"card {keyword} is not in the headers of 1 of 1 images"
                        for keyword in ("ABSENT", "BLANKS", "EMPTY")]


def test_an_extension_has_its_own_keywords_and_those_of_the_primary(here, capsys):
    write("m.fits", ("FILTER", "r"), ("CCDNUM", 0), extensions=[
        ("S1", [("CCDNUM", 25)]), ("S2", [("CCDNUM", 26), ("FILTER", "i")])])
    want = [{"ext": "1", "filter": "r", "ccdnum": "25"}, {"ext": "2", "filter": "i",
                                                          "ccdnum": "26"}]
    header = ("--header", "FILTER,CCDNUM")
    assert list(map(fields, manifest(capsys, "m.fits", "--extensions", "all", *header)[0])) == want
    Path("list.txt").write_text("m.fits\text=S2\tid=mine\tfilter=other\nm.fits\nm.fits[*]\tid=x\n")
    entries, _ = manifest(capsys, "list.txt", *header)
    assert [fields(entry) for entry in entries] == [
        {"ext": "S2", "id": "mine", "filter": "other", "ccdnum": "26"},
        {"filter": "r", "ccdnum": "25"}, {"id": "x[1]", **want[0]}, {"id": "x[2]", **want[1]}]


def test_a_value_that_the_job_could_not_use_is_left_out_and_named(here, capsys):
    write("a.fits", ("MAGZERO", "unknown"))
    write("b.fits", ("MAGZERO", 25.5))
    entries, said = manifest(capsys, "a.fits", "b.fits", "--header", "MAGZERO=zero_point")
    assert [fields(entry) for entry in entries] == [{}, {"zero_point": "25.5"}]
    assert "zero_point=unknown" in said[0] and "not a number" in said[0]


def test_a_zero_point_is_a_field_without_its_unit_and_of_two_cards_the_first(here, capsys):
    write("a.fits", ("MAGZERO", "25.5 mag"), ("MAGZERO", 20.0))
    write("b.fits", ("HIERARCH ESO PRO MAGZPT", "-21.1 mag"))
    entries, said = manifest(capsys, "a.fits", "b.fits", "--header",
                             "MAGZERO=zero_point,MAGZERO=comment,"
                             "HIERARCH ESO PRO MAGZPT=zero_point")
    assert [fields(entry) for entry in entries] == [
        {"zero_point": "25.5", "comment": "25.5 mag"}, {"zero_point": "-21.1"}]
    # Of several keywords for one field one is enough.
    assert said[1:] == ["card MAGZERO is not in the headers of 1 of 2 images"]


def test_unreadable_headers_are_named_and_their_lines_stay(here, capsys):
    write("a.fits", ("FILTER", "r"))
    for name, content in (("b.fits", b""), ("c.fits", b"x" * 5000),
                          ("d.fits.gz", b"\x1f\x8b rubbish"), ("e.fits", b"SIMPLE  = ")):
        write(name, content=content)
    entries, said = manifest(capsys, ".", "--header", "FILTER")
    assert [fields(entry) for entry in entries] == [{"filter": "r"}, {}, {}, {}, {}]
    for kind, line in zip(("empty-file", "not-fits", "corrupt", "truncated"), said):
        assert kind in line
    assert said[-1].endswith("; 4 without what was asked of them")


@pytest.mark.parametrize("text, said", [
    ("HEIGHT", "value height of its own"), ("FILTER=a b", "KEYWORD=field"), ("=x", "KEYWORD"),
    ("EXT", "writes it itself"), ("X=zeropoint", "zero_point meant"), ("A,,B", "KEYWORD=field")])
def test_a_field_that_no_line_can_have_is_refused(text, said):
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        header_option(text)


def decam(*numbers, folder="n"):
    for number in numbers:
        for kind in ("ood", "ooi", "oow"):
            write(f"{folder}/c4d_{number}_{kind}_r.fits", content=b"1")


def test_companions_are_fields_and_no_images(here, capsys):
    decam(1, 2, 10)
    write("n/c4d_3_osi_r.fits", content=b"1")
    entries, said = manifest(capsys, "n", "--weights", "ooi -> oow", "--masks", "ooi -> ood")
    assert [(entry.uri, fields(entry)) for entry in entries] == [
        (f"n/c4d_{k}_ooi_r.fits",
         {"weight": f"n/c4d_{k}_oow_r.fits", "mask": f"n/c4d_{k}_ood_r.fits"}) for k in (1, 2, 10)]
    assert said == ["3 images, 3 bytes -> stdout; 6 companions not listed; "
                    "1 to whose name a rule does not apply"]


def test_an_image_without_its_companion_is_left_out_unless_the_rule_says_otherwise(here, capsys):
    decam(1, 2)
    os.remove("n/c4d_2_oow_r.fits")
    entries, said = manifest(capsys, "n", "--weights", "ooi -> oow", expect=1)
    assert names(entries) == ["n/c4d_1_ooi_r.fits"]
    assert "c4d_2_ooi" in said[0] and "there is no weight n/c4d_2_oow_r.fits" in said[0]
    entries, said = manifest(capsys, "n", "--name", "*_ooi_*", "--weights", "ooi -> oow?")
    assert [fields(entry) for entry in entries] == [{"weight": "n/c4d_1_oow_r.fits"}, {}]


def test_a_companion_need_not_be_chosen_by_name_or_size(here, capsys):
    decam(1)
    write("n/c4d_1_ooi_r.fits", content=b"12345")
    entries, _ = manifest(capsys, "n", "--name", "*ooi*", "--min-size", "3", "--weights",
                          "ooi -> oow")
    assert [fields(entry) for entry in entries] == [{"weight": "n/c4d_1_oow_r.fits"}]


def test_a_template_packed_otherwise_and_an_extension_of_the_file(here, capsys):
    write("a.fits.gz", content=b"1")
    write("a.weight.fits.fz", content=b"1")
    entries, said = manifest(capsys, ".", "--weights", "{stem}.weight.fits", "--masks", "[DQ]")
    assert [(e.uri, fields(e)) for e in entries] == [
        ("./a.fits.gz", {"weight": "./a.weight.fits.fz", "mask": "[DQ]"})]
    assert "1 companion not listed" in said[-1]


def test_a_field_of_a_line_stands_above_the_rule(here, capsys):
    decam(1, 2)
    Path("list.txt").write_text("n/c4d_1_ooi_r.fits\tweight=other.fits\nn/c4d_2_ooi_r.fits\trms=\n")
    entries, _ = manifest(capsys, "list.txt", "--weights", "ooi -> oow")
    assert [fields(entry) for entry in entries] == [{"weight": "other.fits"}, {"rms": ""}]


@pytest.mark.parametrize("rule", ["{what}.fits", "", "a -> b |", "{stem}.{ext}.fits"])
def test_a_rule_that_is_none_is_one_line_and_exit_2(rule, here, capsys):
    write("a.fits", content=b"1")
    _, said = manifest(capsys, "a.fits", "--weights", rule, expect=2)
    assert len(said) == 1 and "--weights" in said[0]


def test_what_is_listed_for_decam_is_measured_with_mask_and_weight(here, capsys, shared_data):
    folder = shared_data / "d" / "decam_case8_fz"
    entries, _ = manifest(
        capsys, folder, "--weights", "ooi -> oow", "--masks", "ooi -> ood", "--extensions", "all",
        "--header", "MAGZERO=zero_point,MJD-OBS=mjd", "-o", "list.txt")
    assert main(["check", "list.txt", "--headers"]) == 0
    done = job("list.txt", "--columns", "mag_auto", cwd=here)
    assert done.status == 0, done.err
    account = next(line for line in done.lines if line.startswith("#image"))
    assert "mask_sha256=" in account and "weight_sha256=" in account and "mjd=56297." in account
