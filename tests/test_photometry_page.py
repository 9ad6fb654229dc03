"""docs/photometry.md is true: its commands run and make what they name."""

from pages import commands_of, read_page, shell_in

from mr_extract.columns.choice import CHECK_IMAGES
from mr_extract.text.catalog import read_catalog


def test_every_command_of_the_page_runs(tmp_path):
    commands = commands_of(read_page("docs/photometry.md"))
    assert len(commands) == 5
    shell = shell_in(tmp_path)
    for command in commands:
        run = shell(command)
        assert run.status == 0, run.err
    pairs = read_catalog(tmp_path / "pairs.tsv")
    assert len({account.rows for account in pairs.accounts.values()}) == 1
    forced = read_catalog(tmp_path / "forced.tsv").columns
    assert len(forced["target"]) > 0 and "flux_limit_aper_2" in forced
    matched = read_catalog(tmp_path / "matched.tsv").columns
    assert (matched["assoc_number"] > 0).all()
    assert len(list((tmp_path / "checks").glob("*.fits.fz"))) == 2 * 3


def test_the_page_names_every_kind_of_check_image():
    text = read_page("docs/photometry.md")
    assert all(f"`{kind}`" in text for kind in CHECK_IMAGES)
