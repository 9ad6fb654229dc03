"""The pages for those who carry on name what is there."""

import re
from importlib import import_module

import pytest
from conftest import JOBS, OF_OTHER_IMAGES, ROOT
from pages import read_page

from mr_extract import __version__
from mr_extract.jobs.skeleton.work import Work, work_of


def test_every_place_that_the_lists_name_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    places = set(re.findall(r"[\w/.]+\.(?:py|md)\b|mr_extract/[\w/]+/", text))
    assert len(places) > 15
    for place in places - {"tests/test_SUBJECT.py"}:
        assert (ROOT / place).exists(), place
    for module, name in (("columns/table", "COLUMNS"), ("failures", "KINDS"),
                         ("remarks", "REMARKS")):
        assert name in (ROOT / "mr_extract" / f"{module}.py").read_text()


def test_every_job_states_three_things_and_is_tested_with_the_others():
    stated = {path.stem for path in (ROOT / "mr_extract" / "jobs").glob("*.py")
              if re.search(r"^WORK = ", path.read_text(), re.MULTILINE)
              and isinstance(import_module(f"mr_extract.jobs.{path.stem}").WORK, Work)}
    assert stated == set(JOBS) | OF_OTHER_IMAGES and set(JOBS) >= {"extract", "quality"}
    for job in stated:
        work = work_of(f"mr_extract.jobs.{job}")
        config = work.settings()
        assert isinstance(work, Work) and next(iter(work.columns(config))) == "image"
        assert config.hash() == work.settings().updated(**config.differing()).hash()
    page = (ROOT / "mr_extract" / "jobs" / "quality.py").read_text()
    assert len(page.splitlines()) < 100


@pytest.mark.parametrize("name", ["os", "no_such_module", "mr_extract.frames", "a b"])
def test_what_states_no_job_is_told(name):
    with pytest.raises(ValueError, match="job|name of a module"):
        work_of(name)


def test_schemes_have_the_functions_that_the_list_names():
    from mr_extract.storage import http, local, s3, webhdfs

    for scheme in (local, http, s3, webhdfs):
        for name in ("read", "read_range", "stat", "list_files"):
            assert callable(getattr(scheme, name)), (scheme.__name__, name)


def test_the_citation_is_of_this_version():
    assert f"version: {__version__}" in (ROOT / "CITATION.cff").read_text()
    assert "make env" in read_page("CONTRIBUTING.md")
