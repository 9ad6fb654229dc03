"""Images drawn at random, to be given to compiled kernels and to their twins.

``python tests/draws.py N``, with the kernels to try on the path, compares them on N draws.
"""

import sys

import numpy as np
import sep

from mr_extract.detection import meals, scanning, segments, within_boxes
from mr_extract.detection.pairs import pairs_within
from mr_extract.detection.segments import Segments
from mr_extract.measure import ellipse_sums, light_radii, rings, window_sums
from mr_extract.measure.apertures import coefficients
from mr_extract.measure.surroundings import BLANK, CORRECT, NONE, Surroundings
from mr_extract.objects import matching
from mr_extract.planes import mesh
from mr_extract.planes.mesh import Mesh
from mr_extract.planes.plane import Plane
from mr_extract.settings.detecting import Detection

KERNELS = ((), ((1, 2, 1), (2, 4, 2), (1, 2, 1)), ((1, 1), (1, 3)),
           ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
           tuple(tuple(range(k, k + 5)) for k in range(5)))


def scene(rng):
    """Return a small image with blended stars on noise."""
    shape = rng.integers(1, 90, 2)
    image = rng.normal(0.0, 1.0, shape)
    v, u = np.mgrid[:shape[0], :shape[1]]
    for _ in range(rng.integers(0, 12)):
        x, y = rng.uniform(-3, np.array(shape[::-1]) + 3)
        width, height = rng.uniform(1, 4), rng.uniform(5, 400)
        image += height * np.exp(-0.5 * ((u - x) ** 2 + (v - y) ** 2) / width**2)
    if rng.random() < 0.3:  # plateaus
        image = np.round(image / 4.0)
    return image.astype(np.float32)


def scans(rng):
    """Return the arguments of a scan."""
    data = scene(rng)
    settings = Detection(
        filter_kernel=KERNELS[rng.integers(len(KERNELS))], minarea=int(rng.integers(1, 9)),
        deblend_nthresh=int(rng.choice([1, 2, 7, 32])),
        deblend_cont=float(rng.choice([0.0, 1e-4, 0.005, 0.1, 1.0])))
    mask = None if rng.random() < 0.5 else rng.random(data.shape) < rng.choice([0.02, 0.3])
    err = (None, float(rng.uniform(0.5, 2.0)),
           rng.uniform(0.5, 2.0, data.shape).astype(np.float32))[rng.integers(3)]
    return data, float(rng.uniform(0.3, 3.0)), err, mask, float(rng.choice([0.0, 2.5])), settings


def same_scan(arguments):
    """Say whether both ways find the same objects and pixels, to the bit."""
    return alike(*both(scanning, lambda: scanning.scan(*arguments)))


def meshes(rng):
    """Return the arguments of a mesh."""
    data = scene(rng) + np.float32(rng.choice([0.0, 1000.0]))
    height, width = data.shape
    if rng.random() < 0.2:
        data[:height // 2] = 7.0
    mask = None if rng.random() < 0.5 else rng.random(data.shape) < rng.choice([0.1, 0.5, 0.6])
    return (data, mask, int(rng.integers(1, width + 1)), int(rng.integers(1, height + 1)),
            *map(int, rng.choice([1, 3, 5], 2)), float(rng.choice([0.0, 2.0])))


def same_mesh(arguments):
    """Say whether both ways give the same background, to the bit."""
    data, mask, bw, bh, fw, fh, fthresh = arguments
    theirs = sep.Background(data, mask=mask, bw=bw, bh=bh, fw=fw, fh=fh, fthresh=fthresh)
    ours = Mesh(*arguments)
    left = [data.copy(), data.copy()]
    theirs.subfrom(left[0])
    ours.subfrom(left[1])
    return (theirs.globalback == ours.globalback and theirs.globalrms == ours.globalrms
            and theirs.back().tobytes() == ours.back().tobytes()
            and theirs.rms().tobytes() == ours.rms().tobytes()
            and left[0].tobytes() == left[1].tobytes())


def boxes(rng):
    """Return the arguments of a search in boxes."""
    shape, n = tuple(map(int, rng.integers(1, 60, 2))), int(rng.integers(0, 30))
    pixels = np.flatnonzero(rng.random(shape) < 0.4)
    labels = rng.integers(-1, n + 1, len(pixels)).astype(np.int32)
    x, y = rng.uniform(-5, shape[1] + 5, n), rng.uniform(-5, shape[0] + 5, n)
    x0, y0 = rng.integers(-20, 60, (2, n))
    sides = x0, x0 + rng.integers(-3, 30, n), y0, y0 + rng.integers(-3, 30, n)
    which = None if rng.random() < 0.5 else rng.integers(0, n + 1, n)
    shapes = rng.uniform(0, 1, (4, n)) * [[1.0], [1.0], [0.5], [8.0]]
    ellipses = None if rng.random() < 0.5 else np.stack([x, y, *shapes])
    return pixels, labels, shape, sides, which, ellipses


def same_boxes(arguments):
    """Say whether both ways find the same pixels, and put them into the same order."""
    owner = np.maximum(arguments[1], 0).astype(np.int64)
    ours, theirs = both(within_boxes, lambda: (*within_boxes.in_boxes(*arguments),
                                               within_boxes.by_owner(owner, 31)))
    return alike(ours, theirs)


def curves(rng):
    """Return the arguments of growth curves."""
    data, n = scene(rng), int(rng.integers(0, 20))
    height, width = data.shape
    x, y = rng.uniform(-3, width + 3, n), rng.uniform(-3, height + 3, n)
    mask = None if rng.random() < 0.9 else rng.random(data.shape) < 0.1
    rmax = rng.uniform(0.1, rng.choice([10.0, 150.0]), n)
    return data, mask, x, y, rmax, rng.uniform(-10, 2000, n), [0.2, 0.5, 0.9]


def same_curves(arguments):
    """Say whether both ways give the same radii, to the bit."""
    return alike(*both(light_radii, lambda: [light_radii.flux_radius(*arguments)]))


def surroundings(rng):
    """Return objects' surroundings in an image, some of them beyond its border."""
    data, n = scene(rng), int(rng.integers(0, 15))
    height, width = data.shape
    labels = np.where(rng.random(data.shape) < rng.choice([0.0, 0.3]),
                      rng.integers(0, n + 1, data.shape), 0).astype(np.int32)
    mask = None if rng.random() < 0.5 else rng.random(data.shape) < 0.05
    fragments = np.flatnonzero((rng.random(data.shape) < 0.03) & (labels == 0))
    noise = float(rng.uniform(0.5, 2.0)) if rng.random() < 0.5 else (
        rng.uniform(0.5, 2.0, data.shape).astype(np.float32))
    plane = Plane(data, mask, noise, None, 0.0, 1.0, float(rng.choice([0.0, 2.0])), 25.0, None,
                  None, {})
    x, y = rng.uniform(-3, width + 3, n), rng.uniform(-3, height + 3, n)
    if rng.random() < 0.3:  # where halves are rounded
        x, y = np.round(2 * x) / 2, np.round(4 * y) / 4
    return Surroundings(plane, Segments(labels, n, fragments=fragments), x, y,
                        str(rng.choice([CORRECT, BLANK, NONE])))


def windows(rng):
    """Return the arguments of Gaussian windows."""
    around = surroundings(rng)
    sigma = rng.uniform(0.4, rng.choice([1.5, 2.0, 6.0]), 2)
    return around, rng.choice(sigma, len(around.x))


def same_windows(arguments):
    """Say whether both ways lead windows to the same places and sums, to the bit."""
    return alike(*both(window_sums,
                       lambda: list(window_sums.follow_windows(*arguments).values())))


def profiles(rng):
    """Return the arguments of profiles in rings."""
    around = surroundings(rng)
    n, limit = len(around.x), float(rng.choice([3.0, 20.0]))
    return (around, coefficients(*axes(rng, n)), rng.uniform(0.2, limit, n),
            int(rng.choice([1, 7, 200])))


def same_profiles(arguments):
    """Say whether both ways give the same sums in rings, to the bit."""
    return alike(*both(rings, lambda: rings.profiles(*arguments)))


def axes(rng, n):
    """Return a, b and theta of ellipses, some of them circles or thin."""
    a, theta = rng.uniform(0.4, 5.0, n), rng.uniform(-np.pi / 2, np.pi / 2, n)
    return a, a * rng.choice([1.0, 0.6, 0.05], n), theta


def ellipses(rng):
    """Return an image, labels or a mask, and ellipses."""
    around = surroundings(rng)
    n, labels = len(around.x), around.segments.labels if rng.random() < 0.7 else None
    shapes = around.x, around.y, *axes(rng, n), rng.uniform(0.0, 8.0, n)
    return around.plane, labels, np.arange(1, n + 1), shapes


def same_ellipses(arguments):
    """Say whether both ways give the same moments and sums in ellipses, to the bit."""
    plane, labels, numbers, shapes = arguments
    return alike(*both(ellipse_sums, lambda: (
        *ellipse_sums.kron_radius(plane.data, plane.mask, labels, numbers, shapes),
        *ellipse_sums.sum_ellipse(plane.data, plane.noise, None, plane.gain, shapes))))


def tables(rng):
    """Return profiles of objects, of which some are bright and wide, and pairs of them."""
    n = int(rng.integers(2, 40))
    x, y = rng.uniform(0.0, 60.0, (2, n))
    a, b, theta = axes(rng, n)
    flux = 10.0 ** rng.uniform(0.0, 4.0, n)
    if rng.random() < 0.2:
        flux = np.round(flux, -1)  # some are equal
    return (x, y, *coefficients(a, b, theta), np.pi * a * b, rng.uniform(0.1, 1.0, n),
            rng.uniform(0.5, 2.0, n), rng.uniform(0.0, 0.5, n), flux,
            rng.integers(3, 60, n).astype(float), float(rng.choice([1.0, 0.6, 2.5])),
            *pairs_within(x, y, rng.uniform(1.0, 15.0, n)))


def same_tables(arguments):
    """Say whether both ways merge the same objects, into the same ones, to the bit."""
    *known, first, second = arguments

    def merged():
        profiles = meals.Profiles(*(np.copy(value) for value in known[:-1]), known[-1])
        return meals.eat(profiles, first, second), profiles.flux, profiles.npix

    return alike(*both(meals, merged))


def areas(rng):
    """Return segments, values at their pixels, and limits."""
    around = surroundings(rng)
    found, n = around.segments.own, around.segments.count
    values = rng.normal(size=len(found.pixels)).astype(np.float32)
    return found, around.plane.data.shape[1], values, rng.normal(size=(3, n)), (
        int(rng.choice([1, 2, 5, 30])))


def same_areas(arguments):
    """Say whether both ways find the same least thresholds and counts, to the bit."""
    found, width, values, limits, minarea = arguments
    above = values.astype(float)
    return alike(*both(meals, lambda: [meals.least_thresholds(found, above, width, minarea)])) and (
        alike(*both(segments, lambda: [found.count_over(values, limits)])))


def fields(rng):
    """Return two lists of places in a small field, some of them equal, and what is near."""
    centre = rng.normal(size=3)
    places = [centre / np.linalg.norm(centre) + rng.normal(0, 2e-5, (rng.integers(1, 90), 3))
              for _ in range(2)]
    one, other = (np.round(at, 6) if rng.random() < 0.3 else at for at in places)
    radius = float(rng.choice([0.5, 4.0, 30.0]))
    return one, np.concatenate([other, one[::5]]), radius, int(rng.choice([0, 1, 3])), float(
        rng.choice([0.0, radius / 3]))


def same_near(arguments):
    """Say whether both ways find the same neighbours, in the same order, to the bit."""
    return alike(*both(matching, lambda: matching.match(*arguments)))


def both(module, function):
    """Return what a function gives with the compiled kernels of a module and without."""
    ours, kernels = function(), module.kernels
    module.kernels = None
    try:
        return ours, function()
    finally:
        module.kernels = kernels


def alike(ours, theirs):
    """Say whether arrays are of the same types and bytes."""
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(ours, theirs))


COMPARED = ((scans, same_scan), (meshes, same_mesh), (boxes, same_boxes), (curves, same_curves),
            (windows, same_windows), (profiles, same_profiles), (ellipses, same_ellipses),
            (tables, same_tables), (areas, same_areas), (fields, same_near))
#: Modules that have compiled kernels.
MODULES = (scanning, mesh, within_boxes, light_radii, window_sums, rings, ellipse_sums, meals,
           segments, matching)


def main(number):
    """Compare the ways on so many draws; end with 1 where they differ."""
    rng = np.random.default_rng(5)
    assert scanning.kernels, "nothing was compiled"
    sys.exit(not all(same(draw(rng)) for draw, same in COMPARED for _ in range(number)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
