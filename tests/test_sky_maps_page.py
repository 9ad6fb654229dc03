"""docs/sky-maps.md is true: its commands run, and the ways that it shows agree."""

import numpy as np
from pages import commands_of, read_page, shell_in
from skies import catalogue, scattered, sky_with, write_sky


def test_every_command_of_the_page_runs(tmp_path):
    rng = np.random.default_rng(9)
    longitude, latitude = scattered(rng, 20, 10.0)
    longitude[0], latitude[0] = 25.5, 44.0
    flux = rng.uniform(5.0, 20.0, 20)
    write_sky(tmp_path / "map_030.fits", sky_with(longitude, latitude, flux, 128, 60.0))
    catalogue(longitude, latitude, flux).write(tmp_path / "sources.fits")
    shell = shell_in(tmp_path)
    commands = commands_of(read_page("docs/sky-maps.md"))
    assert len(commands) == 3
    for one in commands:
        run = shell(one)
        assert run.status == 0, run.err
    parts, whole = ([line.split("\t") for line in (tmp_path / name).read_text().splitlines()
                     if not line.startswith("#")] for name in ("fluxes.tsv", "whole.tsv"))
    assert len(whole) == 21
    assert sorted(row[1:] for row in parts) == sorted(row[1:] for row in whole)
    flux_aper = whole[0].index("flux_aper")
    found = np.array([float(row[flux_aper]) for row in whole[1:]])
    assert np.abs(found / flux - 1).max() < 0.2
    long = dict(line.split("\t") for line in (tmp_path / "long.tsv").read_text().splitlines())
    assert "PCCS1 030 G025.50+44.00_10arcminmean" in long
