"""docs/preprocess.md is true: what it says of manifests and check runs, and prints that."""

import io
import os
import re
import subprocess
import sys

import pytest
from astropy.io import fits
from conftest import ROOT
from remote_places import bare_client, moto_server

SECTIONS = (ROOT / "docs" / "preprocess.md").read_text().split("\n## ")
PAGE = "".join(part for part in SECTIONS if part.startswith(("Manifests\n", "Check\n")))
PARTS = re.findall(r"^```sh\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shell(tmp_path):
    """A folder with what the page takes for granted, as a function that runs a command there."""
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    for name in ("mr_extract.py", "mr_extract", "preprocess"):
        (tmp_path / name).symlink_to(ROOT / name)
    file = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(name="S1")]).writeto(file)
    content = file.getvalue().ljust(8640, b"\0")
    (tmp_path / "decam").mkdir()
    for exposure in ("130105_065255", "130105_065432"):
        for kind in ("ood", "ooi", "oow"):
            (tmp_path / "decam" / f"c4d_{exposure}_{kind}_r_v1.fits.fz").write_bytes(content)
    with moto_server() as port:
        client = bare_client(port)
        client.create_bucket(Bucket="survey")
        for k, band in enumerate("grrrz"):
            client.put_object(Bucket="survey", Key=f"night/{k}-{band}-1.fits", Body=bytes(200_000))
        client.put_object(Bucket="survey", Key="night/9-r-1.fits", Body=b"small")
        environment = {
            **os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": os.devnull,
        }
        yield lambda command: subprocess.run(
            ["bash", "-euc", command], cwd=tmp_path, env=environment, text=True,
            capture_output=True, timeout=240)


def test_every_command_of_the_page_runs_and_prints_what_stands_there(shell):
    assert len(PARTS) >= 4
    for command, expected in PARTS:
        run = shell(command)
        assert run.returncode == 0, run.stderr
        if expected:
            assert run.stdout == expected, command
