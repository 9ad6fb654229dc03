"""docs/preprocess.md is true: what it says of manifests and check runs, and prints that."""

import io
import os

import pytest
from astropy.io import fits
from pages import examples_of, read_page, shell_in
from remote_places import bare_client, moto_server


@pytest.fixture
def shell(tmp_path):
    """A folder with what the page takes for granted, as a function that runs a command there."""
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
        yield shell_in(tmp_path, {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}", "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "b", "AWS_CONFIG_FILE": os.devnull,
        })


def test_every_command_of_the_page_runs_and_prints_what_stands_there(shell):
    examples = examples_of(read_page("docs/preprocess.md", "Manifests", "Check"))
    assert len(examples) >= 4
    for command, expected in examples:
        run = shell(command)
        assert run.status == 0, run.err
        if expected:
            assert run.out.decode() == expected, command
