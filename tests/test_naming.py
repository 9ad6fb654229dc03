"""Rules name the files that belong to an image."""

import pytest

from mr_extract import Config
from mr_extract.text.naming import Place, parse_place, parse_rule


def uris(rule, uri, ext=None):
    return [place.uri for place in parse_rule(rule).places(uri, ext)]


@pytest.mark.parametrize("rule, image, named", [
    ("{dir}/{stem}.weight.fits", "n1/a.fits", "n1/a.weight.fits"),
    ("{stem}.weight.fits", "n1/a.fits", "n1/a.weight.fits"),  # beside the image
    ("{stem}.weight.fits", "a.fits", "a.weight.fits"),
    ("{stem}.weight.fits", "/n1/a.b.fits.fz", "/n1/a.b.weight.fits"),
    ("{stem}_w{suffix}", "n1/a.fits.gz", "n1/a_w.fits.gz"),
    ("{dir}/../masks/{name}", "n1/a.fits", "n1/../masks/a.fits"),
    ("masks/{name}", "n1/a.fits", "n1/masks/a.fits"),
    ("/cal/bpm.fits", "n1/a.fits", "/cal/bpm.fits"),
    ("s3://cal/bpm.fits", "n1/a.fits", "s3://cal/bpm.fits"),
    ("{stem}.w.fits", "s3://bucket/n1/a.fits", "s3://bucket/n1/a.w.fits"),
    ("ooi -> oow", "ooi/c4d_ooi_r.fits.fz", "ooi/c4d_oow_r.fits.fz"),  # the name alone
    ("/images/ -> /weights/", "p/images/a.fits", "p/weights/a.fits"),  # the whole path
    (r"s/fpC-(\d+)/fpM-\1/", "d/fpC-005754-r3.fit", "d/fpM-005754-r3.fit"),
    (r"s,images/(\d+),masks/\1,", "/p/images/12/a.fits", "/p/masks/12/a.fits"),
    (r"s/a\/b/c\/d/", "x/a/b/e.fits", "x/c/d/e.fits"),
    ("s/(a|b)[.]/\\1-w./", "d/b.fits", "d/b-w.fits"),
])
def test_the_first_place_is_what_the_rule_says(rule, image, named):
    assert uris(rule, image)[0] == named


def test_another_packing_of_the_name_is_tried_behind_it():
    assert uris("fpC -> fpM", "fpC-1.fit.gz") == [
        "fpM-1.fit.gz", "fpM-1.fit", "fpM-1.fit.fz", "fpM-1.fit.bz2"
    ]


def test_an_extension_stands_behind_the_name():
    assert parse_rule("{stem}.mef.fits[DQ]").places("a.fits")[0] == Place("a.mef.fits", "DQ")
    assert parse_rule("ooi -> ood [2]").places("ooi.fits")[0] == Place("ood.fits", 2)
    assert parse_rule("s/ooi/ood/[DQ]").places("ooi.fits")[0] == Place("ood.fits", "DQ")
    assert parse_rule("[DQ]").places("a.fits") == [Place("", "DQ")]
    assert uris("bpm_{ext}.fits", "a.fits", 3)[0] == "bpm_3.fits"


def test_candidates_follow_each_other_and_those_that_do_not_apply_are_passed_over():
    rule = parse_rule("ooi -> ood | s/(x|y)/m/ | [2]?")
    assert rule.optional
    assert [str(place) for place in rule.places("y.fits")] == [
        "m.fits", "m.fits.fz", "m.fits.gz", "m.fits.bz2", "[2]"
    ]
    assert parse_rule("ooi -> ood").places("frame.fits") == []


def test_no_rule_is_false():
    assert not parse_rule("") and not parse_rule("  ")


@pytest.mark.parametrize("rule, said", [
    ("s/a/b", "lacks a third"), ("s/(/b/", "no regular expression"),
    (r"s/a/\2/", "no regular expression"), ("{foo}.fits", "{foo} is none of"),
    ("{0}.fits", "{0} is none of"), ("{}.fits", "{} is none of"), ("{stem", "expected '}'"),
    ("-> b", "left of ->"), ("a |", "behind the last |"), ("| a", "before a |"),
    ("?", "before the ?"), ("s/a/b/ c", "left over"),
])
def test_what_is_no_rule_is_refused_with_the_reason(rule, said):
    with pytest.raises(ValueError, match="weight_image is no rule: ") as error:
        Config().updated(weight_image=rule)
    assert said in str(error.value)


def test_a_place_in_a_line_is_a_path_an_extension_or_both():
    assert parse_place("a.fits") == Place("a.fits")
    assert parse_place("d/a.fits[2]") == Place("d/a.fits", 2)
    assert parse_place("[WHT]") == Place("", "WHT")
    assert parse_place("run[1]/a.fits") == Place("run[1]/a.fits")
