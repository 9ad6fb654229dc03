"""Every place of a list that an image shows is found, once, at a pixel that maps back to it."""

import numpy as np
import pytest
from astropy.io import fits

from mr_extract import Config, extract
from mr_extract.astrometry import sky_positions
from mr_extract.astrometry.inverse import unit_vectors
from mr_extract.images.region import Region
from mr_extract.lists.association import associate, known_from
from mr_extract.lists.placing import Places
from mr_extract.lists.reading import read_table
from mr_extract.lists.targets import targets_from
from mr_extract.remarks import hearing

TAN = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0,
       "CRPIX1": 400.5, "CRPIX2": 300.5, "CD1_1": -1e-4, "CD1_2": 2e-5, "CD2_1": 1e-5,
       "CD2_2": 1e-4}
CONSTANTS = {
    "AZP": {"PV2_1": 2.0, "PV2_2": 30.0}, "SZP": {"PV2_1": 2.0, "PV2_2": 180.0, "PV2_3": 60.0},
    "CYP": {"PV2_1": 1.0, "PV2_2": 0.7}, "CEA": {"PV2_1": 0.8}, "BON": {"PV2_1": 45.0},
    "ZPN": {"PV2_1": 1.0, "PV2_3": -0.05}, "AIR": {"PV2_1": 45.0},
    **{name: {"PV2_1": 45.0, "PV2_2": 25.0} for name in ("COP", "COE", "COD", "COO")},
}
ZENITHAL = "AZP SZP TAN STG SIN ARC ZPN ZEA AIR".split()
OTHERS = "CYP CEA CAR MER SFL PAR MOL AIT COP COE COD COO BON PCO TSC CSC QSC HPX XPH".split()
SHAPES = {"whole sky": ((180, 360), 1.0), "strip": ((7, 360), 1.0), "part": ((200, 200), 0.05)}


def apart(header, x, y, ra, dec):
    """Angle between the positions of pixels and others, radians."""
    there = unit_vectors(*sky_positions(header, x, y))
    return np.sqrt(((there - unit_vectors(ra, dec)) ** 2).sum(0))


def all_sky(projection, lon=0.0, lat=0.0, shape=(180, 360), scale=1.0, **cards):
    return fits.Header({
        "CTYPE1": f"RA---{projection}", "CTYPE2": f"DEC--{projection}", "CRVAL1": lon,
        "CRVAL2": lat, "CRPIX1": shape[1] / 2 + 0.5, "CRPIX2": shape[0] / 2 + 0.5,
        "CD1_1": -scale, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": scale,
        **CONSTANTS.get(projection, {}), **cards})


@pytest.mark.parametrize("shown", SHAPES)
@pytest.mark.parametrize("projection", [*ZENITHAL, *OTHERS])
def test_every_pixel_is_found_again_in_every_projection(projection, shown):
    shape, scale = SHAPES[shown]
    poles = {"LONPOLE": 77.0} if projection in ZENITHAL else {"LONPOLE": 170.0, "LATPOLE": 20.0}
    rng = np.random.default_rng(1)
    for cards in (
        {}, {"lon": 250.0, "lat": -70.0, **poles}, {"lon": 10.0, "lat": 90.0},
        {"lon": 137.3, "CTYPE1": f"GLON-{projection}", "CTYPE2": f"GLAT-{projection}",
         "CD1_2": 0.1 * scale, "CRPIX1": shape[1] / 2 + 100.3},
        {"lon": 40.0, "lat": 35.0, "CTYPE1": f"ELON-{projection}",
         "CTYPE2": f"ELAT-{projection}"},
    ):
        header = all_sky(projection, shape=shape, scale=scale, **cards)
        x, y = (rng.uniform(-0.5, n - 0.5, 1500) for n in reversed(shape))
        ra, dec = sky_positions(header, x, y)
        there = np.isfinite(ra)
        which, u, v = Places(True, ra, dec).on_pixels(header, shape)
        assert np.array_equal(which, np.flatnonzero(there))
        # wcslib has CSC in single precision.
        limit = 0.01 * np.radians(scale) if projection == "CSC" else 1e-10
        assert apart(header, u, v, ra[which], dec[which]).max() < limit


@pytest.mark.parametrize("lon", [0.0, 180.0, 137.3])
@pytest.mark.parametrize("projection", ["CAR", "CEA", "AIT", "MOL", "SFL", "HPX", "TSC", "ZEA"])
def test_the_whole_sky_is_on_a_map_of_it_with_its_seam_and_its_poles(projection, lon):
    header = all_sky(projection, lon, shape=(360, 360))
    rng = np.random.default_rng(2)
    dec = np.linspace(-89.9, 89.9, 400)
    ra = np.full(400, (lon + 180.0) % 360.0)
    ra = np.concatenate([ra, rng.uniform(-360, 720, 1500), [0.0, 123.0, 0.0, 77.0]])
    dec = np.concatenate([
        dec, np.degrees(np.arcsin(rng.uniform(-1, 1, 1500))), [90.0, 90.0, -90.0, -90.0]])
    which, x, y = Places(True, ra, dec).on_pixels(header, (360, 360))
    assert np.array_equal(which, np.arange(len(ra)))
    gap = apart(header, x, y, ra, dec)
    # The very rim of a map may have no position.
    assert np.isnan(gap).sum() < 400 and np.nanmax(gap) < 1e-9


@pytest.mark.parametrize("projection", ["CAR", "CEA", "MER", "CYP"])
def test_a_map_may_begin_anywhere_and_show_a_place_twice(projection):
    header = all_sky(projection, CRPIX1=0.5, CRPIX2=4.0)
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-0.5, 399.5, 2000), rng.uniform(-0.5, 6.5, 2000)
    ra, dec = sky_positions(header, x, y)
    assert np.isfinite(ra).all()
    turn = 360.0 * header.get("PV2_2", 1.0) if projection == "CYP" else 360.0
    places = Places(True, ra, dec)
    which, u, v = places.on_pixels(header, (7, 400))
    assert np.array_equal(which, np.arange(2000)), "each once"
    steps = (u - x) / turn
    assert np.abs(steps - np.round(steps)).max() < 1e-8 and np.abs(v - y).max() < 1e-8
    twice, u, _ = places.near_pixels(header, (7, 400))
    assert (np.bincount(twice) >= 1).all() and len(twice) > 2000, "as often as it is shown"


def test_what_a_map_of_a_part_does_not_show_is_outside():
    for projection in ("SIN", "ARC", "CAR", "ZEA", "TAN"):
        header = all_sky(projection, 30.0, 20.0, (100, 100), 0.1)
        rng = np.random.default_rng(4)
        ra, dec = rng.uniform(0, 360, 5000), rng.uniform(-90, 90, 5000)
        which, x, y = Places(True, ra, dec).on_pixels(header, (100, 100))
        assert apart(header, x, y, ra[which], dec[which]).max(initial=0.0) < 1e-10
        opposite = (ra + 180.0) % 360.0, -dec
        again, *_ = Places(True, *opposite).on_pixels(header, (100, 100))
        assert len(which) + len(again) < 100 and not set(which) & set(again)


# ---- seams of tiles

def tiles(header, shape, origin, written):
    """The header and shape of a tile, read by region or written as a file."""
    from mr_extract.images.cards import parse_cards

    text = "".join(fits.Card(k, v).image for k, v in header.items()) + "END".ljust(80)
    cards = parse_cards(text)
    if written:
        return {**header, "CRPIX1": header["CRPIX1"] - origin[0],
                "CRPIX2": header["CRPIX2"] - origin[1]}
    cards.origin = origin
    return cards


@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize("projection", ["TAN", "SIN", "CAR"])
@pytest.mark.parametrize("overlap", [0, 40])
def test_a_place_on_a_seam_is_that_of_one_tile(projection, overlap, written):
    header = {**TAN, "CTYPE1": f"RA---{projection}", "CTYPE2": f"DEC--{projection}"}
    rng = np.random.default_rng(5)
    x, y = rng.uniform(-0.5, 799.5, 3000), rng.uniform(-0.5, 599.5, 3000)
    x[:1500], y[1000:2000] = 399.5, 299.5
    ra, dec = sky_positions(fits.Header(header), x, y)
    count = np.zeros(3000, int)
    for x0, x1 in ((0, 400), (400, 800)):
        for y0, y1 in ((0, 300), (300, 600)):
            left, low = max(0, x0 - overlap), max(0, y0 - overlap)
            shape = min(600, y1 + overlap) - low, min(800, x1 + overlap) - left
            tile = tiles(header, shape, (left, low), written)
            which, u, v = Places(True, ra, dec).on_pixels(
                tile, shape, (left, low), Region(x0, x1, y0, y1))
            count[which] += 1
            assert np.abs(u + left - x[which]).max() < 1e-5
            # A border of pixels belongs to the pixel above it.
            assert (x[which] >= x0 - 0.5).all() and (x[which] < x1 - 0.5).all()
            assert (y[which] >= y0 - 0.5).all() and (y[which] < y1 - 0.5).all()
    assert (count == 1).all()


# ---- what is no position

def test_declinations_beyond_the_poles_are_no_positions_and_right_ascensions_go_on():
    text = "ra,dec\n150,2\n510,2\n-210,2\n330,178\n150,-95\n"
    with hearing() as said:
        targets = targets_from(read_table(text.encode()))
    which, x, _ = targets.within(TAN, (600, 800))
    assert which.tolist() == [0, 1, 2] and np.ptp(x) < 1e-6
    (kind, detail), = said
    assert kind == "rows-passed-over"
    assert detail == "declinations beyond 90 degrees: 2 of 5, the first is in row 4"
    with pytest.raises(ValueError, match="between -90 and 90"):
        targets_from(read_table(b"ra,dec\n150,92\n"))


def test_targets_without_a_position_are_counted_apart(tmp_path):
    (tmp_path / "list.csv").write_text("ra,dec\n150,2\n10,10\n150,95\n,2\n150.001,nan\n")
    image = np.random.default_rng(6).normal(0, 1, (600, 800)).astype(np.float32)
    table = extract(image, header=fits.Header(TAN), forced=str(tmp_path / "list.csv"))
    assert len(table) == 1
    assert [table.meta[k] for k in ("targets", "outside", "without_position")] == [5, 1, 3]
    assert "declinations beyond 90 degrees: 1 of 5" in table.meta["remarks"]


# ---- known sources

def test_entries_outside_the_image_are_matched_in_both_kinds_of_lists():
    header = {**TAN, "CRPIX1": 50.5, "CRPIX2": 50.5}
    rng = np.random.default_rng(7)
    side, along = rng.integers(0, 4, 300), rng.uniform(0, 99, 300)
    inner, outer = rng.uniform(0, 1, 300), rng.uniform(-2.5, -0.6, 300)

    def around(depth):
        x = np.choose(side, [along, along, depth, 99 - depth])
        return x, np.choose(side, [depth, 99 - depth, along, along])

    (x, y), (list_x, list_y) = around(inner), around(outer)
    ra, dec = sky_positions(header, list_x, list_y)
    lists = {"sky": ("id,ra,dec", ra, dec), "pixel": ("id,x,y", list_x, list_y)}
    found = []
    for head, first, second in lists.values():
        rows = "".join(f"{k},{a!r},{b!r}\n" for k, (a, b) in
                       enumerate(zip(first.tolist(), second.tolist())))
        settings = Config().updated(assoc="list", assoc_radius=2.0).association
        known = known_from(read_table(f"{head}\n{rows}".encode()), settings)
        columns, _ = associate(known, header, (100, 100), x, y, settings)
        found.append(columns)
    assert 50 < np.count_nonzero(found[0]["assoc_number"])
    for name in ("assoc_id", "assoc_number"):
        assert np.array_equal(found[0][name], found[1][name])


@pytest.mark.parametrize("kind, expected", [("mean", 2.0), ("mag_mean", 2.0)])
def test_an_entry_without_a_weight_does_not_take_its_source_with_it(kind, expected):
    text = b"x,y,w,v\n10,10,1,1\n10.5,10,1,3\n10,10.5,,7\n50,50,,7\n"
    settings = Config().updated(assoc="list", assoc_params=("x", "y", "w"), assoc_type=kind,
                                assoc_data=("v",)).association
    with hearing() as said:
        known = known_from(read_table(text), settings)
    assert list(said) == [("not-used", "entries without a weight in means: 2 of 4")]
    at = np.array([10.0, 50.0])
    columns, matched = associate(known, {}, (100, 100), at, at, settings)
    assert columns["assoc_1"][0] == pytest.approx(expected)
    assert columns["assoc_number"].tolist() == [3, 0] and matched.tolist() == [True, False]
