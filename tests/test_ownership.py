"""The pixel that says whose a source is, and the border that cuts it."""

import numpy as np

from mr_extract.detection.ownership import cut, highest_pixels, own
from mr_extract.detection.segments import Segments
from mr_extract.images.region import Region

LABELS = np.zeros((6, 8), np.int32)
LABELS[1:4, 1:4] = 1
LABELS[4, 5:8] = 2


def test_the_highest_is_the_first_of_equal_ones_and_no_bad_one():
    raw = np.ones(LABELS.shape, np.float32)
    segments = Segments(LABELS, 2)
    assert [p.tolist() for p in highest_pixels(raw, None, segments)] == [[1, 5], [1, 4]]
    raw[2, 2:4] = raw[3, 1] = 7.0
    raw[0, 0] = raw[4, 4] = 9.0  # nobody's
    assert [p.tolist() for p in highest_pixels(raw, None, segments)] == [[2, 5], [2, 4]]
    mask = np.zeros(LABELS.shape, bool)
    mask[2, 2] = True
    mask[4] = True
    assert [p.tolist() for p in highest_pixels(raw, mask, segments)] == [[3, 5], [2, 4]]
    assert raw[2, 2] == 7.0, "the image is as it was"


def test_what_cleaning_added_does_not_say_whose_a_source_is():
    raw = np.ones(LABELS.shape, np.float32)
    raw[5, 0] = 9.0
    segments = Segments(LABELS, 2, np.array([40]), np.array([0]))
    assert [p.tolist() for p in highest_pixels(raw, None, segments)] == [[1, 5], [1, 4]]


def test_no_source_is_nobodys():
    empty = Segments(np.zeros((4, 4), np.int32), 0)
    assert [len(p) for p in highest_pixels(np.ones((4, 4), np.float32), None, empty)] == [0, 0]


def test_cores_count_in_pixels_of_the_image():
    x = np.array([0, 9, 10, 19])
    assert own(x, x, Region(110, 120, 210, 220), (100, 200)).tolist() == [False, False, True, True]


def test_a_side_where_the_core_ends_with_the_tile_is_the_border_of_the_image():
    kind = [(name, int) for name in ("xmin", "xmax", "ymin", "ymax")]
    objects = np.array([(0, 3, 5, 6), (5, 99, 5, 6), (5, 6, 0, 3), (5, 6, 5, 79), (1, 98, 1, 78),
                        (0, 99, 5, 6)], kind)
    by_tile, by_image = cut(objects, (80, 100), Region(0, 90, 210, 280), (0, 200))
    assert by_tile.tolist() == [False, True, True, False, False, True]
    assert by_image.tolist() == [True, False, False, True, False, True]
