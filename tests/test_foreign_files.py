"""What is no plain FITS file: said by its name, read where a kept library does it."""

import gzip
import sys

import numpy as np
import pytest
from conftest import job

from mr_extract import extract
from mr_extract.failures import ImageFailure
from mr_extract.unpacking import unpack, unpacking_reader

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PAGE = b"\n<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n"


@pytest.mark.parametrize("content, told", [
    (LFS, "a pointer of Git LFS, not the file: `git lfs pull`"),
    (PAGE, "a page of the web"),
    (b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>', "a page of the web"),
    (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG picture"),
    (b"PK\x03\x04" + bytes(50), "a zip archive"),
    (b"\x89HDF\r\n\x1a\n" + bytes(50), "an HDF5 file"),
    (b"just text", "begins with b'just text'"),
])
def test_a_file_of_another_kind_is_called_by_its_name(tmp_path, content, told):
    for name, packed in (("a.fits", content), ("a.fits.gz", gzip.compress(content))):
        (tmp_path / name).write_bytes(packed)
        with pytest.raises(ImageFailure, match="not-fits") as caught:
            extract(tmp_path / name)
        assert told in caught.value.message
    (tmp_path / "list.txt").write_text("a.fits\na.fits[0:10,0:10]\na.fits[1]\n")
    run = job("list.txt", "--extensions", "all", cwd=tmp_path)
    assert set(run.accounts().values()) == {"not-fits"}
    assert run.out.decode().count(told.replace('"', "%22")) == 3


def compressed(data):
    """Return what Unix compress makes of bytes below 128, by codes of nine bits alone."""
    codes = []
    for start in range(0, len(data), 200):  # the table is cleared before codes grow wider
        codes += [256, *data[start : start + 200]]
    codes = codes[1:]
    bits = "".join(f"{code:09b}"[::-1] for code in codes)
    # After a clear the codes begin in a new group of eight.
    groups, at = [], 0
    for code in codes:
        groups.append(code)
        at += 1
        if code == 256:
            while at % 8:
                groups.append(0)
                at += 1
    bits = "".join(f"{code:09b}"[::-1] for code in groups)
    bits += "0" * (-len(bits) % 8)
    packed = bytes(int(bits[k : k + 8][::-1], 2) for k in range(0, len(bits), 8))
    return b"\x1f\x9d\x90" + packed


def test_what_unix_compress_has_packed_is_read(shared_data):
    for path in sorted(shared_data.glob("h/*/*.Z")):
        table = extract(path)
        assert np.isfinite(table.meta["rms"])


def test_it_is_read_in_parts_as_a_whole_and_named_where_the_library_is_not(
        tmp_path, monkeypatch):
    data = (b"SIMPLE  =                    T" + b" " * 50) * 20
    packed = compressed(data)
    assert unpack(packed) == data
    (tmp_path / "a.Z").write_bytes(packed)
    with open(tmp_path / "a.Z", "rb") as file:
        read = unpacking_reader(file)
        assert read(80, 30) == data[80:110] and read(0, 10) == data[:10]
    monkeypatch.setitem(sys.modules, "uncompresspy", None)
    with pytest.raises(ImageFailure, match="compress") as caught:
        unpack(packed)
    assert caught.value.kind == "not-fits" and "gunzip" in caught.value.message
