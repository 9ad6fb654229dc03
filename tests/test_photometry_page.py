"""docs/photometry.md is true: its commands run and make what they name."""

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table, unique
from pages import commands_of, read_page, shell_in

from mr_extract.columns.choice import CHECK_IMAGES
from mr_extract.text.catalog import read_catalog


def targets_of_vizier(folder):
    """Write a table of bright stars of the night as VizieR gives one."""
    truth = Table.read(folder / "night" / "truth.tsv", format="ascii.tab", comment="#")
    stars = (truth["mag"] < 18) & (truth["kind"] == "star")
    bright = unique(truth[stars], "source")
    where = SkyCoord(bright["ra"], bright["dec"], unit="deg")
    rows = zip(where.ra.to_string("hour", sep=" ", precision=4),
               where.dec.to_string("deg", sep=" ", alwayssign=True, precision=3),
               bright["source"], bright["mag"])
    cells = "".join("<TR>" + "".join(f"<TD>{cell}</TD>" for cell in row) + "</TR>" for row in rows)
    (folder / "targets.vot").write_text(
        '<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE><COOSYS ID="J" system="ICRS"/>'
        '<TABLE><FIELD name="RAJ2000" datatype="char" arraysize="13" unit="&quot;h:m:s&quot;" '
        'ref="J"/><FIELD name="DEJ2000" datatype="char" arraysize="13" '
        'unit="&quot;d:m:s&quot;" ref="J"/><FIELD name="Name" datatype="char" arraysize="*"/>'
        f'<FIELD name="rmag" datatype="float" unit="mag"/><DATA><TABLEDATA>{cells}'
        "</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>")


def test_every_command_of_the_page_runs(tmp_path):
    commands = commands_of(read_page("docs/photometry.md"))
    assert len(commands) == 6
    shell = shell_in(tmp_path)
    for command in commands:
        run = shell(command)
        assert run.status == 0, run.err
        if not (tmp_path / "targets.vot").exists():
            targets_of_vizier(tmp_path)
    pairs = read_catalog(tmp_path / "pairs.tsv")
    assert len({account.rows for account in pairs.accounts.values()}) == 1
    forced = read_catalog(tmp_path / "forced.tsv").columns
    assert len(forced["target"]) > 0 and "flux_limit_aper_2" in forced
    matched = read_catalog(tmp_path / "matched.tsv").columns
    assert (matched["assoc_number"] > 0).all()
    named = Table.read(tmp_path / "named.tsv", format="ascii.tab", comment="#")
    assert len(set(named["ref_Name"])) == len(named) > 5
    bright = named[named["r_used"] > 0]
    apart = bright["r_mag"] - bright["ref_rmag"]
    assert len(bright) > 4 and abs(apart - np.median(apart)).max() < 0.5
    assert len(list((tmp_path / "checks").glob("*.fits.fz"))) == 2 * 3


def test_the_page_names_every_kind_of_check_image():
    text = read_page("docs/photometry.md")
    assert all(f"`{kind}`" in text for kind in CHECK_IMAGES)
