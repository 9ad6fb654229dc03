"""A cluster that knows people by Kerberos: with a ticket all goes as without, else it is told why.

KDC, HDFS and YARN are real and of the tests' own; YARN's pages show nothing without a ticket.
"""

import re
import time
import urllib.error
import urllib.request

import pytest
from conftest import command, job
from interrupted import outlived

from bench.clusters.kerberos_lab import Realm
from bench.clusters.secure_hadoop import SecureCluster
from bench.clusters.spark_java import environment as of_small_java
from bench.clusters.spark_java import write_defaults

pytestmark = [pytest.mark.needs("hadoop", "kerberos", "spark"), pytest.mark.timeout(900)]
USER = "astronomer"  # not who runs the tests
FRAMES = 4


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kerberos")
    with Realm(folder / "realm") as realm:
        cluster = SecureCluster(folder / "hadoop", realm, workers=1)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture(scope="module")
def stranger(cluster, tmp_path_factory):
    """The environment of one who has all but a ticket."""
    folder = tmp_path_factory.mktemp("conf")
    write_defaults(folder, *cluster.java_of_clients)
    java = " ".join([of_small_java()["SPARK_SUBMIT_OPTS"], *cluster.java_of_clients])
    return {**cluster.environment, "LOGNAME": USER, "SPARK_CONF_DIR": str(folder),
            "SPARK_SUBMIT_OPTS": java, "KRB5CCNAME": f"FILE:{folder}/none"}


@pytest.fixture(scope="module")
def user(cluster, stranger, tmp_path_factory):
    """The environment of one who has a ticket."""
    ticket = tmp_path_factory.mktemp("tickets") / "ticket"
    cluster.realm.get_ticket(cluster.welcome(USER), USER, ticket)
    return {**stranger, "KRB5CCNAME": f"FILE:{ticket}"}


@pytest.fixture(scope="module")
def survey(cluster, user, tmp_path_factory):
    """The list of the user's images on HDFS, and the catalog of the same from a disk."""
    from preprocess.simulation.simulate import simulate_night

    folder = tmp_path_factory.mktemp("night")
    simulate_night(str(folder), frames=FRAMES, seed=11, shape=(90, 120))
    frames = sorted(folder.glob("*.fits"))
    # As by the name of a host: another text than the address that Hadoop writes into tokens.
    a, b, c, d = map(int, cluster.head.split("."))
    named = f"hdfs://{a}.{b}.{256 * c + d}:8020/user/{USER}"

    def listed(name, place):
        path = folder / name
        path.write_text("".join(f"{place}/{one.name}\tid={one.stem}\n" for one in frames))
        return path

    here, there = listed("here.txt", folder), listed("there.txt", named)
    put = command([cluster.hadoop_bin, "fs", "-put", *frames, there, f"/user/{USER}"], env=user)
    assert put.status == 0, put.err
    expected = job("-r", "inline", here)
    assert expected.status == 0 and len(expected.accounts()) == FRAMES
    return f"hdfs:///user/{USER}/there.txt", expected.out, there


def is_one_line(err, words):
    assert len(err.splitlines()) == 1 and re.search(words, err), err


def test_images_and_their_list_are_read_with_a_ticket(user, survey):
    place, expected, _ = survey
    done = job("-r", "inline", place, env=user)
    assert done.status == 0, done.err
    assert done.out == expected


def test_over_http_nobody_has_a_ticket(cluster, user, survey):
    _, expected, _ = survey
    name = re.search(rb"\n#image\t(\S+)", expected)[1].decode()
    done = job("-r", "inline", env=user,
               stdin=f"webhdfs://{cluster.head}/user/{USER}/{name}.fits\tid={name}\n".encode())
    assert (done.status, done.accounts()) == (1, {name: "fetch-forbidden"})
    assert "webhdfs:// knows a delegation token in HADOOP_TOKEN and no Kerberos" in done.err


def test_without_a_ticket_or_with_one_that_is_over_images_are_named_failures(
        cluster, stranger, survey, tmp_path):
    place, _, here = survey
    ticket = tmp_path / "over"
    cluster.realm.get_ticket(cluster.realm.folder / f"{USER}.keytab", USER, ticket, life="1s")
    time.sleep(1.5)
    for environment, why in ((stranger, "No Kerberos credentials available"),
                             ({**stranger, "KRB5CCNAME": f"FILE:{ticket}"}, "expired")):
        done = job("-r", "inline", here, env=environment)
        assert done.status == 1 and "Traceback" not in done.err
        assert list(done.accounts().values()) == FRAMES * ["fetch-forbidden"]
        assert re.search(rf"asks \(.*{why}.*\); is there a Kerberos ticket\?", done.out.decode())
        refused = job("-r", "inline", place, env=environment)
        assert refused.status == 2 and not refused.out
        is_one_line(refused.err, why)


def test_hadoop_with_a_ticket(cluster, user, survey):
    place, expected, _ = survey
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{cluster.resourcemanager}/ws/v1/cluster/metrics")
    done = job("-r", "hadoop", place, env=user)
    assert done.status == 0, done.err
    assert done.out == expected
    assert "Hadoop has the job: http" in done.err


def test_spark_with_a_ticket(cluster, user, survey):
    place, expected, _ = survey
    done = job("-r", "spark", "--spark-master", "yarn", "-D", "spark.executor.instances=1", place,
               env=user)
    assert done.status == 0, done.err
    assert done.out == expected
    assert re.search(r"Spark has the job: application_\d+_\d+ http", done.err)


def test_a_job_in_cluster_mode_outlives_its_driver_and_is_collected(
        cluster, user, survey, tmp_path):
    place, expected, _ = survey
    assert outlived(cluster, user, tmp_path, place, "-D", "spark.executor.instances=1") == expected


@pytest.mark.parametrize("runner", [("hadoop",), ("spark", "--spark-master", "yarn")])
def test_without_a_ticket_a_job_ends_in_one_line(stranger, survey, runner):
    _, _, here = survey
    done = job("-r", *runner, here, env=stranger)
    assert done.status in (1, 2) and not done.out
    is_one_line(done.err, "[Kk]erberos|KERBEROS")
