"""The command `hadoop` is refused by its cluster: why is said, and no page of code."""

import re

import pytest
from conftest import job

# As with Kerberos and no ticket.
REFUSES = """\
#!/bin/sh
[ "$1" = version ] && echo "Hadoop 3.4.2" && exit 0
echo "26/11/25 14:02:15 WARN ipc.Client: Exception encountered while connecting" >&2
printf 'org.apache.hadoop.security.AccessControlException: no ticket\\n' >&2
printf '\\tat org.apache.hadoop.security.SaslRpcClient.selectSaslClient(x.java:179)\\n' >&2
echo "${2#-}: Client cannot authenticate via:[TOKEN, KERBEROS]" >&2
exit 1
"""


@pytest.fixture
def home(tmp_path):
    """An installed Hadoop that may do nothing."""
    program = tmp_path / "bin" / "hadoop"
    jars = tmp_path / "share" / "hadoop" / "tools" / "lib"
    for folder in (program.parent, jars):
        folder.mkdir(parents=True)
    program.write_text(REFUSES)
    program.chmod(0o755)
    (jars / "hadoop-streaming-3.4.2.jar").touch()
    return tmp_path


def test_a_job_without_a_ticket_ends_with_the_reason_and_no_traceback(home, night):
    run = job("-r", "hadoop", night / "manifest.txt",
              env={"HADOOP_HOME": str(home), "HADOOP_CONF_DIR": str(home)})
    assert run.status == 1 and not run.out
    assert "Client cannot authenticate via:[TOKEN, KERBEROS]" in run.err
    assert re.search(r"the command `hadoop .* hdfs:///user/.*` ended with status 1$",
                     run.err.splitlines()[-1])
    assert "Traceback" not in run.err and "\tat " not in run.err
