"""A manifest of a folder of a real HDFS."""

import io
from pathlib import Path

import pytest
from test_preprocess_sources import LARGE, access, fits_bytes, here, manifest  # noqa: F401

from mr_extract import storage
from preprocess.__main__ import main


@pytest.mark.parametrize("way", ["filesystem", "webhdfs"])
def test_a_folder_of_hdfs_is_listed_chosen_and_its_headers_read(way, hdfs, here, capsys):  # noqa: F811
    root = getattr(hdfs, way).replace("http://", "webhdfs://") + f"/manifest/{way}"
    content = {"1/b10.fits": fits_bytes("r"), "1/b2.fits": fits_bytes("g"), "2/a.fits": LARGE,
               "2/log.txt": b"x", "_temporary/c.fits": b"x"}
    for name, data in content.items():
        storage.write(f"{root}/{name}", io.BytesIO(data))
    lines, said = manifest(capsys, f"{root}/1", f"{root}/*/[ab]*", "--header", "FILTER=filter")
    found = {line.split("\t")[0].removeprefix(f"{root}/"): line.split("\t")[1:] for line in lines}
    assert found == {name: [f"filter={band}", f"bytes={len(content[name])}"]
                     for name, band in (("1/b10.fits", "r"), ("1/b2.fits", "g"), ("2/a.fits", "i"))}
    assert len(lines) == 3 and said[-1].endswith("2 met again, listed once")
    Path("list.txt").write_text("".join(f"{line}\n" for line in lines))
    assert main(["check", "list.txt", "--headers"]) == 0
    with open("list.txt", "a") as file:
        file.write(f"{root}/1/c.fits\n")
    assert main(["check", "list.txt"]) == 1
    assert "c.fits\tfetch-not-found\t" in capsys.readouterr().out
