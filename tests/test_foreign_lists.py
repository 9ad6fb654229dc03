"""Lists as people have them: frames, epochs, hours and minutes, and formats of other tools."""

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import FK5, SkyCoord
from astropy.io import fits
from astropy.table import Table
from astropy.time import Time
from conftest import job

from mr_extract import extract
from mr_extract.jobs.beside.carried_sources import read_carried, write_carried
from mr_extract.lists.astropy_tables import table_of
from mr_extract.lists.reading import moving_positions, positions, read_table
from mr_extract.lists.sources import sources_from
from mr_extract.lists.targets import targets_from
from mr_extract.remarks import as_cell, hearing
from mr_extract.text.catalog import read_catalog

ARCSEC = 1 / 3600
PLACES = SkyCoord([150.0, 10.25, 300.5], [2.0, -30.5, 80.0], unit="deg")


def places(content):
    """Return right ascensions, declinations and what was said of a list."""
    with hearing() as said:
        sky, ra, dec, motions = moving_positions(read_table(content))
    assert sky
    return ra, dec, motions, as_cell(said)


def at_places(content):
    ra, dec, _, said = places(content)
    return said == "" and PLACES.separation(SkyCoord(ra, dec, unit="deg")).arcsec.max() < 1e-6


def written(table, kind, tmp_path):
    """Return the bytes that astropy writes of a table."""
    table.write(tmp_path / "list", format=kind)
    return (tmp_path / "list").read_bytes()


# ---- frames

@pytest.mark.parametrize("kind", ["ascii.ecsv", "parquet", "fits"])
@pytest.mark.parametrize("frame", ["fk5", "fk4", "galactic", "icrs"])
def test_positions_of_astropy_are_in_their_own_frame(tmp_path, kind, frame):
    assert at_places(written(Table({"id": ["a", "b", "c"], "place": PLACES.transform_to(frame)}),
                             kind, tmp_path))


def votable(system, rows, fields=("ra", "dec"), unit="deg"):
    """Return a VOTable whose positions refer to a COOSYS."""
    kind = "double" if unit == "deg" else 'char" arraysize="*'
    units = ("deg", "deg") if unit == "deg" else ("&quot;h:m:s&quot;", "&quot;d:m:s&quot;")
    columns = "".join(f'<FIELD name="{name}" datatype="{kind}" unit="{one}" ref="S"/>'
                      for name, one in zip(fields, units))
    columns += "".join(f'<FIELD name="{name}" datatype="double" unit="mas/yr"/>'
                       for name in ("pmRA", "pmDE")[: len(rows[0]) - 2])
    cells = "".join("<TR>" + "".join(f"<TD>{cell}</TD>" for cell in row) + "</TR>"
                    for row in rows)
    return (f'<VOTABLE version="1.3"><RESOURCE><COOSYS ID="S" {system}/><TABLE>{columns}<DATA>'
            f"<TABLEDATA>{cells}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>").encode()


@pytest.mark.parametrize("system, frame", [
    ('system="eq_FK5" equinox="J2000.0"', FK5()), ('system="ICRS"', "icrs"),
    ('system="eq_FK5" equinox="J1975"', FK5(equinox="J1975")),
])
def test_a_votable_says_in_which_frame_its_positions_are(system, frame):
    there = PLACES.transform_to(frame)
    assert at_places(votable(system, list(zip(there.ra.deg, there.dec.deg))))


def test_a_frame_that_is_none_of_ours_is_refused():
    with pytest.raises(ValueError, match="in the frame ecl_FK5"):
        read_table(votable('system="ecl_FK5"', [(1, 2)]))


def test_a_table_of_vizier_in_hours_and_minutes():
    rows = list(zip(PLACES.ra.to_string("hour", sep=" ", precision=9),
                    PLACES.dec.to_string("deg", sep=" ", alwayssign=True, precision=8)))
    assert at_places(votable('system="ICRS"', rows, ("RAJ2000", "DEJ2000"), "parts"))
    text = ('#Column\n\nRAJ2000\tDEJ2000\n"h:m:s"\t"d:m:s"\n-----\t-----\n'
            + "".join(f"{ra}\t{dec}\n" for ra, dec in rows))
    assert at_places(text.encode())


# ---- hours, degrees and units

@pytest.mark.parametrize("ra, dec", [
    ("10:00:00", "+02:30:00"), ("10 00 00.0", "02 30 00"), ("10h00m00s", "2d30m00s"),
    ("150d00m00s", "2d30m"), ("10h", "2.5d"), ("10:00", "2:30"),
])
def test_an_angle_in_parts(ra, dec):
    with hearing():
        _, first, second = positions(read_table(f"id,ra,dec\na,{ra},{dec}\nb,,\n".encode()))
    assert first[0] == pytest.approx(150, abs=1e-10) and second[0] == pytest.approx(2.5, abs=1e-10)
    assert np.isnan(first[1]) and np.isnan(second[1])


def test_galactic_longitudes_in_parts_are_degrees():
    sources = sources_from(read_table(b"name,GLON,GLAT\na,10:30:00,-00:30:00\n"))
    assert (sources.longitude[0], sources.latitude[0]) == (10.5, -0.5)


def test_the_first_row_of_a_list_without_names_is_a_row():
    assert len(read_table(b"a,10:00:00,+02:00:00\nb,10:00:01,+02:00:00\n")) == 2


@pytest.mark.parametrize("text, said", [
    ("ra,dec\n10:70:00,1:00:00\n", "row 1 has '10:70:00' in column 'ra', which is no angle"),
    ("ra,dec\n10:00:00,1:00:00\n150.0,1:00:00\n", "row 2 has '150.0'.*no angle in parts"),
    ("ra,dec\n150.0,1\n10:00:00,1\n", "row 2 has '10:00:00'.*no number .those before it are"),
    ("#Column\n\nRAJ2000\tDEJ2000\nrad\trad\n----\t----\n10:00:00\t1:00:00\n",
     "in hours or degrees and not in rad"),
    ("x,y\n10:00:00,1\n", "row 1 has '10:00:00' in column 'x', which is no number"),
])
def test_what_is_no_angle_says_where(text, said):
    with pytest.raises(ValueError, match=said):
        positions(read_table(text.encode()))


@pytest.mark.parametrize("unit, kind", [
    ("hourangle", "ascii.ecsv"), ("rad", "ascii.ecsv"), ("arcmin", "votable"), ("rad", "fits")])
def test_units_count_in_every_format(tmp_path, unit, kind):
    table = Table({"ra": PLACES.ra.to(unit), "dec": PLACES.dec.to("rad")})
    assert at_places(written(table, kind, tmp_path))


# ---- formats

def test_parquet_of_any_writer_is_a_list(tmp_path):
    import pandas

    pandas.DataFrame({"source_id": [5, 6, 7], "RA": PLACES.ra.deg, "DEC": PLACES.dec.deg,
                      "times": [[1.0], [2.0], []]}).to_parquet(tmp_path / "l.parquet")
    content = (tmp_path / "l.parquet").read_bytes()
    assert at_places(content)
    assert targets_from(read_table(content)).ids == ["5", "6", "7"]
    with pytest.raises(ValueError, match="'times' holds list<"):
        read_table(content).numbers(3)
    with pytest.raises(ValueError, match="[Pp]arquet"):
        read_table(content[:-40])


@pytest.mark.parametrize("names", ["_RAJ2000 _DEJ2000", "_RAJ2000 _DEJ2000 Name Vmag"])
def test_the_columns_that_vizier_computes(names):
    columns = names.split()
    rows = [[a, d, "x", 1][: len(columns)] for a, d in zip(PLACES.ra.deg, PLACES.dec.deg)]
    text = "\t".join(columns) + "\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows)
    assert at_places(text.encode())


def test_what_a_catalog_has_itself_stands_before_what_vizier_computes():
    ra, dec, _, _ = places(b"_RAJ2000,_DEJ2000,RA_ICRS,DE_ICRS\n1,2,3,4\n")
    assert (ra[0], dec[0]) == (3, 4)


DS9 = "# Region file format: DS9 version 4.1\nglobal color=green\n"


def test_regions_of_ds9(tmp_path):
    pytest.importorskip("regions")
    text = DS9 + 'fk5\npoint(10:00:00,+02:00:00) # point=x text={NGC 1}\ncircle(10.25,-30.5,5")\n'
    with hearing() as said:
        made = targets_from(read_table(text.encode()))
    there = SkyCoord([150, 10.25], [2, -30.5], unit="deg", frame="fk5")
    assert there.separation(SkyCoord(made.first, made.second, unit="deg")).arcsec.max() < 1e-6
    assert made.ids == ["NGC 1", "2"]
    assert as_cell(said) == ("not-used:radii of circles: 1, as apertures are settings")
    made = targets_from(read_table((DS9 + "image\npoint(15,2.5)\n").encode()))
    assert not made.sky and (made.first[0], made.second[0]) == (14.0, 1.5)


@pytest.mark.parametrize("shape, said", [
    ("fk5\nbox(10,2,5\",5\",0)", "region 1 is a RectangleSkyRegion"),
    ("image\npoint(1,2)\npolygon(1,1,2,2,3,1)", "region 2 is a PolygonPixelRegion"),
    ("image\npoint(1,2)\nfk5\npoint(1,2)", "on the sky and in pixels"),
])
def test_regions_that_are_no_positions_are_refused_by_name(shape, said):
    pytest.importorskip("regions")
    with pytest.raises(ValueError, match=said):
        read_table((DS9 + shape + "\n").encode())


# ---- motions

STAR = {"ra": 269.452, "dec": 4.6934, "pmra": -801.551, "pmdec": 10362.394}


def moved(year, epoch=2016.0, star=STAR):
    """Return where astropy has a star at another epoch."""
    start = SkyCoord(star["ra"] * u.deg, star["dec"] * u.deg, obstime=Time(epoch, format="jyear"),
                     pm_ra_cosdec=star["pmra"] * u.mas / u.yr, pm_dec=star["pmdec"] * u.mas / u.yr,
                     distance=1.83 * u.pc)
    return start.apply_space_motion(new_obstime=Time(year, format="jyear"))


MOVING = {
    "gaia": "source_id,ra,dec,pmra,pmdec,ref_epoch\n1,269.452,4.6934,-801.551,10362.394,2016.0\n",
    "ours": "object,ra,dec,mean_mjd,pmra,pmdec\nx,269.452,4.6934,57388.5,-801.551,10362.394\n",
    "coosys": votable('system="ICRS" epoch="J2016.0"', [list(STAR.values())]),
    "told": "ra,dec,pmRA,pmDE\n269.452,4.6934,-801.551,10362.394\n",
}


@pytest.mark.parametrize("kind", MOVING)
@pytest.mark.parametrize("year", [1985.0, 2016.0, 2026.9])
def test_a_star_is_where_astropy_has_it_at_the_date_of_an_image(kind, year):
    text = MOVING[kind]
    table = read_table(text if isinstance(text, bytes) else text.encode())
    with hearing() as said:
        targets = targets_from(table, epoch=2016.0 if kind == "told" else 0.0)
    there = SkyCoord(*targets.places.at(np.array([0]), Time(year, format="jyear").mjd), unit="deg")
    assert there.separation(moved(year)).arcsec.max() < 2e-5 and as_cell(said) == ""


def test_motions_in_another_frame_and_of_a_skycoord(tmp_path):
    fk5 = moved(2016.0).transform_to("fk5")
    row = [fk5.ra.deg, fk5.dec.deg, fk5.pm_ra_cosdec.to_value("mas/yr"),
           fk5.pm_dec.to_value("mas/yr")]
    for content in (votable('system="eq_FK5" epoch="2016.0"', [row]),
                    written(Table({"star": moved(2016.0).reshape(1)}), "ascii.ecsv", tmp_path)):
        made = targets_from(read_table(content))
        there = SkyCoord(*made.places.at(np.array([0]), 60000.0), unit="deg")
        year = Time(60000.0, format="mjd").jyear
        assert there.separation(moved(year)).arcsec.max() < 2e-5


def test_an_epoch_may_be_a_time_of_astropy():
    star = Table({"ra": [269.452], "dec": [4.6934], "pmra": [-801.551], "pmdec": [10362.394],
                  "epoch": Time([2016.0], format="jyear")})
    assert table_of(star).numbers(4).tolist() == [2016.0]


def test_an_epoch_that_is_not_known_is_said():
    said = places(MOVING["told"].encode())[-1]
    assert said == "unmoved-positions:the list has proper motions and says no epoch (--list-epoch)"
    said = places(MOVING["gaia"].encode() + b"2,1,2,,,2016\n")[-1]
    assert said == "unmoved-positions:rows without a proper motion: 1 of 2"


@pytest.mark.parametrize("text, said", [
    ("ra,dec,pmra,ref_epoch\n1,2,3,2016\n", "it has one, and not the other"),
    ("ra,dec,pmra,pmdec,epoch\n1,2,3,4,57000\n", "epoch 57000, which is no year"),
])
def test_motions_that_are_none_are_refused(text, said):
    with pytest.raises(ValueError, match=said):
        targets_from(read_table(text.encode()))


# ---- in jobs

@pytest.fixture(scope="module")
def field(tmp_path_factory):
    """A frame of 2026 with a fast star on it, and one of no date."""
    folder = tmp_path_factory.mktemp("moving")
    now = moved(Time(61369.0, format="mjd").jyear)
    header = fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": STAR["ra"],
                          "CRVAL2": STAR["dec"], "CRPIX1": 60.0, "CRPIX2": 60.0,
                          "CDELT1": -ARCSEC, "CDELT2": ARCSEC})
    from astropy.wcs import WCS

    x, y = WCS(header).world_to_pixel(now)
    row, column = np.mgrid[:240, :120]
    data = np.random.default_rng(1).normal(0, 1, (240, 120))
    data += 500 * np.exp(-((column - x) ** 2 + (row - y) ** 2) / 4.5)
    fits.writeto(folder / "undated.fits", data.astype("f4"), header)
    header["MJD-OBS"] = 61369.0
    fits.writeto(folder / "dated.fits", data.astype("f4"), header)
    (folder / "star.csv").write_text(MOVING["gaia"])
    return folder, float(x), float(y)


def test_a_list_is_measured_at_the_date_of_each_image(field):
    folder, x, y = field
    (folder / "list.txt").write_text("dated.fits\nundated.fits\n"
                                     "undated.fits\tid=told\tmjd=61369.0\n")
    run = job("list.txt", "--forced", "star.csv", "--catalog", "forced.tsv", cwd=folder)
    assert run.status == 0, run.err
    catalog = read_catalog(folder / "forced.tsv")
    where = dict(zip(catalog.columns["image"], zip(catalog.columns["x"], catalog.columns["y"])))
    for name in ("dated.fits", "told"):
        assert where[name] == pytest.approx((x, y), abs=0.02)
    assert where["undated.fits"] == pytest.approx((59.0, 59.0), abs=1e-6)
    assert catalog.accounts["undated.fits"].values["remarks"] == (
        "unmoved-positions:the list has proper motions and the image no date")
    run = job("list.txt", "--assoc", "star.csv", "--catalog", "found.tsv", cwd=folder)
    assert run.status == 0, run.err
    found = read_catalog(folder / "found.tsv")
    assert sorted(found.columns["image"]) == ["dated.fits", "told"]
    assert set(found.columns["assoc_id"]) == {"1"}


def test_a_catalogue_travels_with_its_motions(tmp_path):
    sources = sources_from(read_table(MOVING["gaia"].encode()))
    back, _, _ = read_carried(write_carried(str(tmp_path), sources, "", []))
    assert (back.motions.pmdec, back.motions.epoch) == (sources.motions.pmdec, 2016.0)
    assert back.at(61369.0).latitude == sources.at(61369.0).latitude != sources.latitude


def test_catalogued_sources_move_too(field):
    folder, x, y = field
    table = extract(str(folder / "dated.fits"), forced=str(folder / "star.csv"))
    assert table["y"][0] == pytest.approx(y, abs=0.02)
    moving = sources_from(read_table(MOVING["gaia"].encode()))
    there = moving.at(Time(2026.9, format="jyear").mjd)
    assert SkyCoord(there.longitude, there.latitude, unit="deg").separation(
        moved(2026.9)).arcsec.max() < 2e-5
