"""`-r spark` on one machine and on a standalone cluster: the page followed from its beginning."""

import re

import pytest
from pages import commands_of, read_page, shell_in

pytestmark = [pytest.mark.needs("spark"), pytest.mark.timeout(900)]


def test_the_page_is_followed_on_one_machine_and_on_a_standalone_cluster(tmp_path):
    shell = shell_in(tmp_path, timeout=800)
    alone, cluster = (commands_of(read_page("docs/spark.md", title))
                      for title in ("One machine", "A standalone cluster"))
    said = shell("trap 'kill $(jobs -p)' EXIT\n" + alone[0] +
                 "python mr_extract.py -r inline list.txt > inline.tsv\n" + cluster[0] +
                 "trap - EXIT\n")
    assert said.status == 0, said.err
    expected = (tmp_path / "inline.tsv").read_bytes()
    assert expected.count(b"\n#image\t") == 6
    for name in ("catalog.tsv", "standalone.tsv"):
        assert (tmp_path / name).read_bytes() == expected, name
    assert "6 images measured, 0 failed" in said.err
    assert re.search(r"Spark has the job: app-\d+-\d+ http://", said.err)
    # None of Spark's own words, and nothing that outlives the job.
    assert not re.search(r"INFO|WARN|Traceback", said.err)
    assert list((tmp_path / "jobs").iterdir()) == []
