"""docs/your-own-function.md is true: its commands run, print what it says, and it says all."""

import pytest
from misbehaving_functions import TABLE
from pages import examples_of, read_page, shell_in

from mr_extract.jobs.driver.where import FUNCTIONS
from mr_extract.jobs.function.signature import GIVEN
from mr_extract.settings.applying import TYPES

PAGE = read_page("docs/your-own-function.md")


@pytest.mark.timeout(600)
def test_every_command_runs_and_prints_what_the_page_says(tmp_path):
    shell = shell_in(tmp_path)
    for commands, printed in examples_of(PAGE):
        done = shell(commands)
        assert done.status == 0, done.err
        if printed:
            assert done.out.decode() == printed


def test_it_has_every_parameter_type_function_and_misbehaviour():
    for name, what in GIVEN.items():
        assert f"| `{name}` | {what} |" in PAGE
    for name in (*TYPES, *FUNCTIONS):
        assert f"`{name}`" in PAGE, name
    for one in TABLE:
        assert f"| {one.what} | {f'`{one.kind}`' if one.kind else 'measured'} |" in PAGE
