"""What a cluster would cost: by the one model, from what was measured, with a dated table."""

import json
import re
import shlex
import sys
from dataclasses import replace

import pytest
import yaml
from conftest import ROOT, command, job, module
from pages import commands_of, read_page

from mr_extract.jobs.model.figures import shipped
from mr_extract.jobs.runners.emr import image_cost
from mr_extract.jobs.runners.emr.estimate import (
    Load,
    an_hour,
    chosen,
    disks_an_hour,
    estimate,
    machines_an_hour,
)
from mr_extract.jobs.runners.emr.machines import (
    Group,
    groups_of,
    shares_cores,
    slots_of,
    vcpus_of,
    workers_of,
)
from mr_extract.jobs.runners.emr.prices import parse_price, read_prices
from preprocess.simulation.simulate import simulate_night

FIGURES, PRICES = shipped(), read_prices()
LOAD = Load(images=20_000, size=120_000_000_000, seconds=(0.2, 0.3), rows_bytes=3e5, tasks=400)


def cluster(cores, **more):
    return [Group("MASTER", ("m5.xlarge",), 1),
            Group("CORE", ("m5.xlarge",), cores, **more)]


def reckon(load=LOAD, machines=None, prices=PRICES):
    return estimate(load, machines or cluster(4), prices, FIGURES)


def emr_estimate(*args, **keywords):
    return command([sys.executable, "-m", "emr", "estimate", *args], cwd=ROOT, **keywords)


def test_the_table_says_when_and_where_and_knows_all_its_machines():
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", PRICES.date) and PRICES.region == "us-east-1"
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", FIGURES.date) and FIGURES.machine
    for kind, (machine, emr) in PRICES.machines.items():
        assert vcpus_of(kind) >= 4 and slots_of(kind, 2048) >= 1
        # EMR asks for a quarter of what the machine costs, wherever that is known.
        assert emr == pytest.approx(machine / 4, rel=0.02), kind
    told = PRICES.told("eu-west-1")
    assert PRICES.date in told and "to be checked" in told and "eu-west-1 differ" in told


def test_machines_have_the_cores_that_their_names_tell():
    assert [vcpus_of(f"m5.{size}") for size in ("large", "xlarge", "2xlarge", "24xlarge")] == [
        2, 4, 8, 96]
    assert slots_of("m5.xlarge", 2048) == 4 and slots_of("c5.xlarge", 2048) == 2
    assert slots_of("m5.xlarge", 8192) == 1
    assert shares_cores("m5.xlarge") and not shares_cores("m7g.xlarge")
    with pytest.raises(ValueError, match="how many cores m5.metal has"):
        vcpus_of("m5.metal")


def test_the_three_ways_to_ask_for_machines_are_read():
    plain = [*cluster(3), Group("TASK", ("m5.xlarge",), 0)]
    assert groups_of(plain, None, None) == cluster(3)
    asked = [{"InstanceRole": "CORE", "InstanceType": "c5.xlarge", "InstanceCount": 2,
              "Market": "SPOT", "BidPrice": "0.1"}]
    assert groups_of(plain, asked, None) == [Group("CORE", ("c5.xlarge",), 2, True, 0.1)]
    fleet = {"InstanceFleetType": "TASK", "TargetOnDemandCapacity": 4, "TargetSpotCapacity": 9,
             "InstanceTypeConfigs": [{"InstanceType": "m5.2xlarge", "WeightedCapacity": 2},
                                     {"InstanceType": "m6i.2xlarge", "WeightedCapacity": 2}]}
    kinds = "m5.2xlarge", "m6i.2xlarge"
    assert groups_of(plain, None, [fleet]) == [Group("TASK", kinds, 2),
                                               Group("TASK", kinds, 5, True)]
    assert workers_of(plain[:1]) == plain[:1]  # a machine alone runs the tasks


def test_the_choices_of_the_configuration_are_machines_that_the_table_knows():
    text = (ROOT / "emr" / "mrjob.conf").read_text()
    fleets = text[text.index("    # instance_fleets:"):].partition("\n\n")[0].replace("    # ", "")
    groups = groups_of([], None, yaml.safe_load(fleets)["instance_fleets"])
    assert [(one.role, one.number, one.spot) for one in groups] == [
        ("MASTER", 1, False), ("CORE", 2, False), ("TASK", 8, True)]
    for kind in {kind for one in groups for kind in one.kinds}:
        assert PRICES.of(kind)[0] > 0
    found = reckon(machines=groups)
    assert found.items["machines"][0] / found.hours[0] < found.items["machines"][1] / found.hours[1]


def test_a_range_has_its_ends_in_order_and_its_items_add_up():
    found = reckon()
    for low, high in (found.hours, found.dollars, *found.items.values()):
        assert 0 <= low <= high
    assert found.dollars[1] == pytest.approx(sum(high for _, high in found.items.values()))
    # The images alone take so much of the cores at best, and that is in it.
    assert found.hours[0] > LOAD.images * LOAD.seconds[0] / (4 * 4) / 3600
    an_hour_ = an_hour(cluster(4), PRICES)
    assert an_hour_[0] == an_hour_[1] == pytest.approx(
        5 * (0.192 + 0.048) + disks_an_hour(cluster(4), PRICES))
    assert found.items["machines"][1] == pytest.approx(found.hours[1] * 5 * 0.192)


def test_what_costs_more_is_reckoned_as_more():
    few, many = reckon(), reckon(machines=cluster(16))
    assert many.hours[1] < few.hours[1] < reckon(replace(LOAD, images=40_000)).hours[1]
    spot = reckon(machines=cluster(4, spot=True, bid=0.1))
    assert spot.items["machines"][1] < few.items["machines"][1]
    assert machines_an_hour(cluster(4, spot=True), PRICES)[1] == pytest.approx(5 * 0.192)
    # Graviton has a core where others have a thread of one.
    arm = [replace(one, kinds=("m7g.xlarge",)) for one in cluster(4)]
    assert reckon(machines=arm).hours[1] < few.hours[1]
    far = reckon(replace(LOAD, far=LOAD.size))
    assert far.items["transfer"][0] == pytest.approx(120 * PRICES.gigabyte_between_regions)
    assert reckon(replace(LOAD, merged=False, reduces=16)).items["transfer"] == (0, 0)


def test_as_few_machines_as_a_deadline_needs_and_as_many_as_a_budget_allows():
    found = chosen(LOAD, cluster(1), PRICES, FIGURES, hours=0.6)
    number = found.groups[-1].number
    assert found.hours[1] <= 0.6 < reckon(machines=cluster(number - 1)).hours[1]
    within = chosen(LOAD, cluster(1), PRICES, FIGURES, dollars=4.0)
    assert within.dollars[1] <= 4.0 and within.groups[-1].number > 1
    assert within.hours[1] < reckon(machines=cluster(1)).hours[1]
    # Machines beyond the tasks would only cost.
    rich = chosen(replace(LOAD, tasks=8), cluster(1), PRICES, FIGURES, dollars=1000.0)
    assert rich.groups[-1].number <= 5
    with pytest.raises(ValueError, match="no number of machines keeps a deadline of 0.05 hours"):
        chosen(LOAD, cluster(1), PRICES, FIGURES, hours=0.05)
    with pytest.raises(ValueError, match=r"more than the budget of \$0.1"):
        chosen(LOAD, cluster(1), PRICES, FIGURES, dollars=0.1)


def test_a_price_of_the_user_stands_above_the_table():
    given = PRICES.with_given([parse_price("m5.xlarge=0.1"), parse_price("z9.xlarge=0.4")])
    assert given.of("m5.xlarge") == (0.1, pytest.approx(0.025))
    assert given.of("z9.xlarge") == (0.4, pytest.approx(0.1))
    assert reckon(prices=given).dollars[1] < reckon().dollars[1]
    with pytest.raises(ValueError, match="--price z9.xlarge=DOLLARS"):
        PRICES.of("z9.xlarge")


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Five frames, what a job of them said, and its manifest without sizes."""
    folder = tmp_path_factory.mktemp("small")
    simulate_night(str(folder / "night"), frames=5, seed=3, shape=(128, 160))
    paths = sorted((folder / "night").glob("*.fits"))
    (folder / "list.txt").write_text("".join(f"{path}\n" for path in paths))
    done = job("-r", "inline", "--summary", folder / "summary.json", folder / "list.txt")
    assert done.status == 0, done.err
    return folder, paths, done


def test_an_image_costs_what_an_earlier_run_tells(small, tmp_path):
    folder, paths, _ = small
    told = json.loads((folder / "summary.json").read_text())
    cost = image_cost.of_summary(str(folder / "summary.json"), FIGURES)
    assert cost.size == pytest.approx(sum(path.stat().st_size for path in paths) / len(paths))
    kernel = sum(told["milliseconds"].values()) / 5000
    assert kernel <= cost.seconds_here < cost.seconds < kernel + FIGURES.image
    assert "5 images of " in cost.words
    told["images"]["measured"] = 0
    (tmp_path / "none.json").write_text(json.dumps(told))
    for name, words in (("none.json", "measured no image"), ("lacks.json", "No such file")):
        with pytest.raises(ValueError, match=words):
            image_cost.of_summary(str(tmp_path / name), FIGURES)
    with pytest.raises(ValueError, match="is not what --summary writes"):
        image_cost.of_summary(str(folder / "list.txt"), FIGURES)


def test_an_image_costs_what_a_sample_of_the_manifest_takes_here(small):
    words = shlex.split(commands_of(read_page("emr/README.md"))[1])
    assert words[:5] == ["python", "-m", "emr", "estimate", "list.txt"]
    done = command([sys.executable, *words[1:], "--options=--thresh=3"], cwd=small[0],
                   env={"PYTHONPATH": str(ROOT)})
    assert done.status == 0, done.err
    *lines, asked = done.lines
    assert asked == "--num-core-instances 1 asks for them"
    assert lines[0].startswith("estimate for 5 images, 0.00 GB, on 1 x m5.xlarge + 1 x m5.xlarge")
    assert "4 of them measured here; as 5 of 5 have that were asked" in lines[1]
    low, high = map(float, re.search(r"([\d.e-]+) to ([\d.e-]+) s of a core", lines[1]).groups())
    assert 0 < low < high
    assert lines[-1].split()[0] == "together" and PRICES.date in lines[-1]


def test_what_cannot_be_reckoned_is_told_in_a_line(small, tmp_path):
    folder, _, _ = small
    none = tmp_path / "none.txt"
    none.write_text("/none/a.fits\n/none/b.fits\n")
    for args, words in (
        ((none, "--sample", "1"), "none of the 2 lines of the sample could be measured here"),
        ((folder / "list.txt", "--price", "0.3"), "is no TYPE=DOLLARS an hour"),
    ):
        done = emr_estimate(*args)
        assert (done.status, done.out) == (2, b"") and words in done.err.splitlines()[-1]


def test_a_job_over_catalogs_starts_no_cluster():
    done = module("jobs.objects", "-r", "emr", "--yes", "catalog.tsv")
    assert (done.status, done.out) == (2, b"")
    assert "-r emr is for images: a job over catalogs runs with -r local" in done.err


def test_what_costs_nothing_does_not_take_what_is_for_clusters(small):
    for option in ("--yes", "--estimate-by=3", "--price=m5.xlarge=1"):
        done = job("-r", "inline", option, small[0] / "list.txt")
        assert done.status == 2 and f"{option.partition('=')[0]} is for -r emr" in done.err
