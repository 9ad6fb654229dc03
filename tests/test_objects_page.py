"""docs/objects.md and docs/exports.md are true: their commands run, and say all there is."""

import pytest
from pages import commands_of, read_page, shell_in

from mr_extract.columns.objects import object_columns
from mr_extract.export.__main__ import FORMATS
from mr_extract.settings.linking import UniqueSettings
from mr_extract.settings.matching import MatchSettings
from mr_extract.settings.objects import ObjectSettings
from mr_extract.settings.options import option_name


@pytest.mark.parametrize("page", ["docs/objects.md", "docs/exports.md"])
def test_every_command_of_the_page_runs(page, tmp_path):
    shell = shell_in(tmp_path)
    for one in commands_of(read_page(page)):
        done = shell(one)
        assert done.status == 0, done.err


def test_the_pages_have_every_column_option_and_format():
    page = read_page("docs/objects.md")
    for name in object_columns(["r"], True):
        assert f"`{name}`" in page, name
    for settings in (UniqueSettings, ObjectSettings, MatchSettings):
        for _, one in settings.declared():
            assert option_name(one.name) in page, one.name
    exports = read_page("docs/exports.md")
    assert all(f"`{ending}`" in exports or f"`{ending[:4]}`" in exports or ending == ".tsv"
               for ending in FORMATS)
