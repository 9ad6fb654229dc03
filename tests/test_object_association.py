"""Claims about association on the sphere: it is the rule, wherever and however the sky is cut."""

import numpy as np
import pytest
from astropy_healpix import healpy

from mr_extract.objects.association import Links, associate
from mr_extract.objects.cells import cells_around, near_border, size_of
from mr_extract.objects.healpix import cells_of, centres_of
from mr_extract.objects.neighbours import Cubes, pairs_within
from mr_extract.objects.sphere import ARCSEC, arcseconds, chord, positions, tangents, vectors

PLACES = {"ra 0": (0.0, 10.0), "north pole": (123.0, 90.0), "south pole": (0.0, -90.0),
          "corner of cells": (45.0, 41.8103149), "equator": (180.0, 0.0)}


def scattered(place, stars, images, spread, noise, seed, seen=0.8):
    """Detections of stars about a place: vectors, image, row; lengths in arcseconds."""
    rng = np.random.default_rng(seed)
    centre = vectors(*map(np.atleast_1d, PLACES[place]))
    east, north = (one[0] for one in tangents(centre))
    truth = rng.uniform(-spread, spread, (stars, 2))
    xyz, image, row, star = [], [], [], []
    for k in range(images):
        shown = np.flatnonzero(rng.random(stars) < seen)
        rng.shuffle(shown)
        offsets = (truth[shown] + rng.normal(0, noise, (len(shown), 2))) * ARCSEC
        points = centre + offsets[:, :1] * east + offsets[:, 1:] * north
        xyz.append(points / np.linalg.norm(points, axis=1)[:, None])
        image.append(np.full(len(shown), k))
        row.append(np.arange(len(shown)))
        star.append(shown)
    return np.concatenate(xyz), *map(np.concatenate, (image, row, star))


def brute_force(xyz, image, row, links, error):
    """The rule of the module's page, a detection at a time, every pair looked at."""
    objects, founder, ambiguous = [], np.full(len(xyz), -1), set()
    for k in np.unique(image):
        new = sorted(np.flatnonzero(image == k), key=lambda d: row[d])
        pairs = []
        for d in new:
            for number, members in enumerate(objects):
                at = members[-1] if links.follow else members[0]
                square = ((xyz[d] - xyz[at]) ** 2).sum()
                if square <= links.reach**2 and (not links.sigma or square <= (
                        links.sigma * ARCSEC) ** 2 * (error[d] ** 2 + error[at] ** 2)):
                    pairs.append((square, row[d], number, d))
        choices = [p for p in pairs if sum(q[3] == p[3] for q in pairs) > 1
                   or sum(q[2] == p[2] for q in pairs) > 1]
        ambiguous |= {objects[p[2]][0] for p in choices}
        taken, joined = set(), set()
        for _, _, number, d in sorted(pairs):
            if number not in taken and d not in joined:
                objects[number].append(d)
                taken.add(number)
                joined.add(d)
        for d in new:
            if d not in joined:
                objects.append([d])
                if any(p[3] == d for p in choices):
                    ambiguous.add(d)
    for members in objects:
        founder[members] = members[0]
    return founder, np.isin(founder, list(ambiguous))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("stars, spread", [(40, 60.0), (60, 8.0)], ids=["apart", "cluster"])
@pytest.mark.parametrize("links", [Links(1.0), Links(1.0, sigma=3.0), Links(1.0, follow=True)],
                         ids=["radius", "sigma", "follow"])
def test_it_is_brute_force(place, stars, spread, links):
    xyz, image, row, _ = scattered(place, stars, 6, spread, 0.25, seed=stars)
    error = np.random.default_rng(1).uniform(0.05, 0.4, len(xyz))
    expected = brute_force(xyz, image, row, links, error)
    found = associate(xyz, image, row, links, error)
    np.testing.assert_array_equal(found, expected)
    assert spread > 10 or found[1].any()


def test_stars_that_are_apart_are_found_as_they_are():
    xyz, image, row, star = scattered("ra 0", 500, 12, 3000.0, 0.1, seed=3)
    founder, ambiguous = associate(xyz, image, row, Links(1.0))
    first = {s: np.flatnonzero(star == s)[0] for s in np.unique(star)}
    np.testing.assert_array_equal(founder, [first[s] for s in star])
    assert not ambiguous.any()


def test_a_chain_of_links_is_no_object():
    offsets = np.arange(8) * 0.9
    xyz = vectors(np.zeros(8), offsets / 3600)
    founder, _ = associate(xyz, np.arange(8), np.zeros(8, int), Links(1.0))
    np.testing.assert_array_equal(founder, [0, 0, 2, 2, 4, 4, 6, 6])
    founder, _ = associate(xyz, np.arange(8), np.zeros(8, int), Links(1.0, follow=True))
    assert (founder == 0).all()


def test_an_image_has_no_two_detections_in_an_object():
    xyz = vectors(np.array([0.0, 0.0, 0.0]), np.array([0.0, 0.3, 0.6]) / 3600)
    founder, ambiguous = associate(xyz, np.array([0, 1, 1]), np.array([0, 0, 1]), Links(1.0))
    np.testing.assert_array_equal(founder, [0, 0, 2])
    assert ambiguous.all()


@pytest.mark.parametrize("links", [Links(1.0), Links(1.0, follow=True)])
def test_later_images_change_nothing_of_what_was_joined(links):
    xyz, image, row, _ = scattered("north pole", 60, 8, 8.0, 0.25, seed=9)
    whole, _ = associate(xyz, image, row, links)
    early = image < 5
    part, _ = associate(xyz[early], image[early], row[early], links)
    np.testing.assert_array_equal(whole[early], part)


def test_the_order_of_detections_is_nothing():
    xyz, image, row, _ = scattered("corner of cells", 60, 6, 8.0, 0.25, seed=4)
    order = np.random.default_rng(2).permutation(len(xyz))
    founder, ambiguous = associate(xyz, image, row, Links(1.0))
    shuffled, doubtful = associate(xyz[order], image[order], row[order], Links(1.0))
    np.testing.assert_array_equal(order[shuffled], founder[order])
    np.testing.assert_array_equal(doubtful, ambiguous[order])


def test_nothing_is_associated_to_nothing():
    for n in (0, 1):
        founder, ambiguous = associate(vectors(np.zeros(n), np.zeros(n)), np.zeros(n, int),
                                       np.zeros(n, int), Links(1.0))
        assert len(founder) == len(ambiguous) == n


def test_groups_hold_all_that_is_within_reach_and_pairs_are_all():
    xyz, *_ = scattered("south pole", 150, 3, 30.0, 0.3, seed=8)
    reach = float(chord(1.0))
    squares = ((xyz[:, None] - xyz[None]) ** 2).sum(axis=2)
    one, other, found = pairs_within(xyz, xyz, reach)
    near = np.zeros(squares.shape, bool)
    near[one, other] = True
    np.testing.assert_array_equal(near, squares <= reach**2)
    np.testing.assert_array_equal(found, squares[one, other])
    groups = Cubes(xyz, reach).groups()
    assert (groups[one] == groups[other]).all()
    assert len(np.unique(groups)) > 50


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("order, radius", [(3, 300.0), (6, 100.0), (9, 1.0)])
def test_what_may_have_a_neighbour_in_another_cell_is_known(place, order, radius):
    rng = np.random.default_rng(order)
    ra, dec = PLACES[place]
    centre = vectors(np.full(4000, ra), np.full(4000, dec))
    ra, dec = positions(centre + rng.normal(0, size_of(order) * ARCSEC / 3, centre.shape))
    xyz = vectors(ra, dec)
    near = near_border(ra, dec, order, radius)
    own = cells_of(ra, dec, order)
    step = rng.normal(size=xyz.shape)
    for share in (0.3, 0.7, 1.0):  # steps of the radius and less, in any direction
        step -= (step * xyz).sum(axis=1)[:, None] * xyz
        length = np.tan(share * radius * ARCSEC) / np.linalg.norm(step, axis=1)
        beside = cells_of(*positions(xyz + step * length[:, None]), order)
        assert near[beside != own].all()
        step = rng.normal(size=xyz.shape)
    if order < 9:
        assert (beside != own).any()
    assert 0 < near.mean() < 0.75
    assert near_border(ra, dec, 0, radius).mean() < near.mean() or place == "corner of cells"


def test_cells_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="ten times"):
        near_border(np.zeros(1), np.zeros(1), 20, 1.0)


def test_the_cells_around_a_circle_hold_it():
    rng = np.random.default_rng(3)
    for ra, dec in PLACES.values():
        centre = vectors(np.full(3000, ra), np.full(3000, dec))
        points = centre + rng.normal(0, 0.02, centre.shape)
        squares = ((points / np.linalg.norm(points, axis=1)[:, None] - centre) ** 2).sum(axis=1)
        inside = arcseconds(np.sqrt(squares)) <= 4000
        held = cells_around(ra, dec, 4000.0, 6)
        assert np.isin(cells_of(*positions(points[inside]), 6), held).all()
        assert len(held) < 80


def test_positions_are_the_inverse_of_vectors():
    ra, dec = np.array([0.0, 359.9999, 12.5, 0.0]), np.array([0.0, -89.9, 90.0, -90.0])
    back = positions(vectors(ra, dec))
    np.testing.assert_allclose(vectors(*back), vectors(ra, dec), atol=1e-15)
    np.testing.assert_allclose(back[1], dec, atol=1e-12)


@pytest.mark.parametrize("order", [0, 1, 6, 13, 29])
def test_cells_are_those_of_astropy_healpix(order):
    rng = np.random.default_rng(1)
    ra, dec = rng.uniform(-10, 370, 20000), np.degrees(np.arcsin(rng.uniform(-1, 1, 20000)))
    dec[:500] = 90 - 10 ** rng.uniform(-12, 1, 500)
    dec[500:1000] = -dec[:500]
    dec[1000:1002], ra[1000:1002] = [90, -90], [10, 200]
    cells = cells_of(ra, dec, order)
    np.testing.assert_array_equal(cells, healpy.ang2pix(1 << order, ra, dec, nest=True,
                                                        lonlat=True))
    # A corner of cells is in one of those around it, whichever turn it is given in.
    (corner,) = set(cells_of(np.array([-1e-20, 0.0, 360.0]), np.zeros(3), order))
    assert corner in healpy.ang2pix(1 << order, [1e-10, 0, -1e-10, 0], [0, 1e-10, 0, -1e-10],
                                    nest=True, lonlat=True)
    middles = centres_of(cells, order)
    np.testing.assert_array_equal(cells_of(*middles, order), cells)
    apart = vectors(*middles) - vectors(*healpy.pix2ang(1 << order, cells, nest=True,
                                                        lonlat=True))
    assert np.abs(apart).max() < 1e-14
