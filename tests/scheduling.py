"""In which order tests run, in which process, and which are run once more when they fail."""

import functools
import re
from pathlib import Path

import pytest
from groups import ENGINES, groups_of

_TESTS = Path(__file__).resolve().parent
SHARED, OWN, NONE = "shared Hadoop", "own Hadoop", "no Hadoop"
ORDER = (SHARED, OWN, NONE)
#: Of those without Hadoop what takes longest, which comes first; the others fill what is left.
LONGEST = (
    "test_spark_faults.py", "test_spark_job.py", "test_killed.py", "test_apply_faults.py",
    "test_bench.py", "test_apply.py", "test_spectra_job.py", "test_spark_kubernetes.py",
    "test_spark_standalone.py", "test_header_damage.py", "test_sky_maps.py", "test_lsdb.py",
    "test_shards.py", "test_survey_commands.py", "test_objects_page.py", "test_tiles.py",
    "test_cubes.py", "test_packed.py",
)

ENGINE_LIMIT = 900  # seconds, where a test does not say otherwise: machines may be busy


@functools.cache
def hadoop_of(name):
    """Tell which Hadoop a file of tests needs."""
    text = (_TESTS / name).read_text()
    if re.search(r"^def \w+\([^)]*\b(hdfs|hadoop)\b", text, re.MULTILINE):
        return SHARED
    return OWN if re.search(r"needs\(.*\b(hdfs|hadoop)\b", text) else NONE


def _place(name):
    longest = LONGEST.index(name) if name in LONGEST else len(LONGEST)
    return ORDER.index(hadoop_of(name)), longest


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: _place(item.path.name))
    for item in items:
        if ENGINES & groups_of(item):
            marker = item.get_closest_marker("timeout")
            # The limit is for each run by itself; that of the whole would end with the first.
            item.add_marker(pytest.mark.timeout(marker.args[0] if marker else ENGINE_LIMIT,
                                                func_only=True), append=False)
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let one process do all that is on the shared Hadoop, and deal the other files.

    One does all that start their own, too: more at once than these two wait for each other.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            name = nodeid.partition("::")[0].rpartition("/")[2]
            return name if hadoop_of(name) == NONE else hadoop_of(name)

    config.option.loadscopereorder = False
    return Scheduling(config, log)


def pytest_terminal_summary(terminalreporter):
    again, passed = ({report.nodeid for report in terminalreporter.stats.get(state, ())}
                     for state in ("rerun", "passed"))
    if again & passed:
        terminalreporter.write_line(f"passed when run again: {', '.join(sorted(again & passed))}")
