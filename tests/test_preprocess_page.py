"""docs/preprocess.md is true: the commands on shards and catalogs run and give what they say."""

from conftest import job
from pages import commands_of, read_page, shell_in


def test_shards_remaining_and_merge_give_the_catalog_of_one_run(tmp_path):
    commands = commands_of(read_page("docs/preprocess.md", "Shards", "Remaining", "Merge"))
    assert len(commands) == 4
    shell = shell_in(tmp_path)
    for command in commands:
        run = shell(command)
        assert run.status == 0, run.err
    lines = (tmp_path / "list.txt").read_text().splitlines()
    for folder in ("shards", "by-filter"):
        shards = [path.read_text().splitlines() for path in (tmp_path / folder).iterdir()]
        assert len(shards) > 1 and sorted(sum(shards, [])) == sorted(lines)
    assert len((tmp_path / "rest.txt").read_text().splitlines()) == 2
    whole = job("-r", "inline", "list.txt", cwd=tmp_path)
    assert (tmp_path / "catalog.tsv").read_bytes() == whole.out
