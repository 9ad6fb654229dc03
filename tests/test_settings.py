"""Settings mean one thing: as values, as options, as a hash, in every process."""

import argparse
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mr_extract.settings.config import Config
from mr_extract.settings.options import (
    access_from,
    add_access,
    add_settings,
    arguments,
    config_from,
    option_name,
)
from mr_extract.settings.spelling import read_kernel
from mr_extract.storage.access import Access

MANY = settings(max_examples=200, deadline=None)
REAL = st.floats(1e-6, 1e6)
ROWS = st.integers(1, 4).flatmap(
    lambda n: st.lists(st.lists(REAL, min_size=n, max_size=n).map(tuple), min_size=1, max_size=4)
).map(tuple)
SPECIAL = {
    "apertures": st.lists(REAL, min_size=1, max_size=4).map(tuple),
    "flux_fractions": st.lists(st.floats(0.001, 0.999), min_size=1, max_size=3).map(tuple),
    "filter_kernel": st.just(()) | ROWS | st.just(("seeing",)),
    "thresh_type": st.sampled_from(["relative", "absolute"]), "deblend_cont": st.floats(0, 1),
    "deblend_nthresh": st.integers(1, 1024),
    "columns": st.lists(st.sampled_from(["all", "default", "win", "x", "flux_aper"]), min_size=1,
                        max_size=3).map(tuple),
    "vignet_size": st.tuples(st.integers(1, 1000), st.integers(1, 1000)).map(
        lambda pair: tuple(map(float, pair))),
    "list_epoch": st.just(0.0) | st.floats(1700, 2300),
    "gain_key": st.sampled_from(["", "EGAIN", "GAIN"]),
    "annulus": st.tuples(REAL, REAL).map(lambda pair: (pair[0], pair[0] + pair[1] + 1.0)),
    "assoc_params": st.lists(st.sampled_from("123"), min_size=2, max_size=3).map(tuple),
    "assoc_data": st.lists(st.sampled_from(["1", "flux"]), min_size=1, max_size=3).map(tuple),
    "zero_point_key": st.sampled_from(["", "MAGZP"]),
    "satur_key": st.sampled_from(["", "SATLEVEL"]), "zero_point": st.floats(-100, 100),
}


def value_of(one):
    if one.name in SPECIAL:
        return SPECIAL[one.name]
    if one.metadata["choices"]:
        return st.sampled_from(one.metadata["choices"])
    return {bool: st.booleans(), int: st.integers(1, 10**6), float: REAL,
            str: st.sampled_from(["", "KEYWORD"])}[type(one.default)]


VALUES = {one.name: value_of(one) for _, one in Config.declared()}
# At given positions there is no detection, nor most columns.
OF_SOURCES = {name: values for name, values in VALUES.items() if name != "forced"}
CONFIGS = st.fixed_dictionaries({}, optional=OF_SOURCES).map(lambda v: Config().updated(**v))


def parsed(words):
    parser = argparse.ArgumentParser()
    add_settings(parser.add_argument)
    return config_from(parser.parse_args(words))


@MANY
@given(CONFIGS)
def test_the_options_of_a_configuration_make_it_again(config):
    words = arguments(config)
    assert parsed(words) == config
    assert parsed(words).hash() == config.hash()
    assert all("\n" not in word for word in words)


@pytest.mark.parametrize("name", VALUES)
def test_every_setting_has_an_option_and_but_one_changes_the_hash(name):
    one = next(one for _, one in Config.declared() if one.name == name)
    given_values = []

    @settings(max_examples=20, deadline=None)
    @given(VALUES[name])
    def draw(value):
        given_values.append(Config().updated(**{name: value}))

    draw()
    others = [config for config in given_values if config != Config()]
    assert others
    for config in others:
        assert [word.split("=")[0] for word in arguments(config)] == [option_name(name)]
        assert (config.hash() == Config().hash()) == (name == "pixstack")
    assert one.metadata["help"]


@MANY
@given(CONFIGS, CONFIGS)
def test_configurations_are_equal_when_their_hashes_are(one, other):
    def meaning(config):
        return config.updated(pixstack=1)

    assert (meaning(one) == meaning(other)) == (one.hash() == other.hash())


def test_spelling_a_value_in_another_way_does_not_change_the_hash():
    assert Config().updated(thresh=2).hash() == Config().updated(thresh=2.0).hash()
    assert Config().updated(fthresh=-0.0).hash() == Config().hash()
    assert Config().updated(apertures=[5]).hash() == Config().hash()
    assert Config().updated(apertures=5).hash() == Config().hash()
    assert Config().updated(columns="default").hash() == Config().hash()
    assert Config().updated(thresh=np.float32(2)).hash() == Config().updated(thresh=2.0).hash()


def test_the_hash_is_the_same_in_another_process():
    code = "from mr_extract import Config; print(Config().updated(thresh=2.5, gain=1/3).hash())"
    for seed in ("0", "123"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              env={**os.environ, "PYTHONHASHSEED": seed,
                                   "PYTHONPATH": os.pathsep.join(sys.path)})
        assert done.stdout.strip() == Config().updated(thresh=2.5, gain=1 / 3).hash(), done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("thresh", 0), ("thresh", float("nan")), ("thresh", "2"), ("thresh", True), ("bw", 0),
     ("bw", 2.5), ("apertures", ()), ("apertures", (5.0, -1.0)), ("apertures", (float("inf"),)),
     ("apertures", ("x",)), ("apertures", ((5.0,),)), ("columns", ("colour",)),
     ("flux_fractions", (1.0,)), ("filter_kernel", ((1.0, 2.0), (1.0,))),
     ("filter_kernel", (1.0, 2.0)), ("filter_kernel", ((1.0,), 2.0)), ("filter_kernel", ((0.0,),)),
     ("filter_kernel", ((float("inf"),),)), ("deblend_cont", 1.5), ("thresh_type", "sometimes"),
     ("clean", 1), ("no_such_setting", 1)],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=name if name != "columns" else "column"):
        Config().updated(**{name: value})


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--thresh=0"], "--thresh must be greater"), (["--apertures=1,-1"], "--apertures needs"),
     (["--columns=colour"], "colour"), (["--filter-kernel=1,2/1"], "--filter-kernel needs rows")],
)
def test_an_option_out_of_range_is_refused_by_its_name(words, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        parsed(words)


@pytest.mark.parametrize("words", [["--thresh=many"], ["--bw=2.5"], ["--clean=perhaps"],
                                   ["--filter-kernel=/no/such.conv"], ["--apertures=a"]])
def test_an_option_that_is_no_value_ends_with_usage(words, capsys):
    with pytest.raises(SystemExit) as ending:
        parsed(words)
    assert ending.value.code == 2
    assert words[0].split("=")[0] in capsys.readouterr().err


def test_a_kernel_file_is_read_and_given_on_by_its_contents(tmp_path):
    path = tmp_path / "gauss.conv"
    path.write_text(
        "CONV NORM # 3x3\n# a comment\n\n0.25 0.5 0.25\n.5\t1 .5\n2.5e-1 0.5 0.25 # x\n"
    )
    weights = ((0.25, 0.5, 0.25), (0.5, 1.0, 0.5), (0.25, 0.5, 0.25))
    assert read_kernel(path) == weights
    config = parsed([f"--filter-kernel={path}"])
    assert config.detection.filter_kernel == weights
    assert not any(str(path) in word for word in arguments(config))
    for text in ("", "1 2 1\n", "CONV NORM\n", "CONV NORM\n1 two 1\n"):
        path.write_text(text)
        with pytest.raises(argparse.ArgumentTypeError):
            read_kernel(path)


def access_of(*words):
    parser = argparse.ArgumentParser()
    add_access(parser.add_argument)
    return access_from(parser.parse_args(words))


def test_every_setting_of_access_is_an_option():
    assert access_of() == Access()
    assert access_of(
        "--fetch-timeout", "5", "--fetch-budget", "0", "--s3-endpoint-url", "http://a",
        "--s3-profile", "p", "--s3-anonymous", "yes", "--s3-requester-pays", "yes",
    ) == Access(5.0, 0.0, "http://a", "p", True, True)


def test_a_time_limit_of_nothing_names_its_option():
    with pytest.raises(ValueError, match="^--fetch-timeout must be greater than 0"):
        access_of("--fetch-timeout", "0")
