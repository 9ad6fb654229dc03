"""Where to cut an image into tiles so that the tiles come to what the whole comes to."""

from collections.abc import Iterator

from mr_extract.images.region import Region
from mr_extract.settings.detecting import Background

#: Cells of the mesh in which the spline through them forgets that it ended.
_FREE_END = 2


def margins(settings: Background, largest: int) -> tuple[int, int]:
    """Give the pixels that a tile needs beyond its core.

    Parameters
    ----------
    settings : mr_extract.settings.detecting.Background
        Cells of the mesh and its median filter.
    largest : int
        Pixels across of the largest source that must not be cut.

    Returns
    -------
    across, down : int
        Whole cells: half of the median filter, two for the spline, whose ends are free and
        make a fourth of the difference in each cell further in, and half of a source.
    """
    across, down = (
        whole_cells((box // 2 + _FREE_END) * cell + (largest + 1) // 2, cell)
        for cell, box in ((settings.bw, settings.fw), (settings.bh, settings.fh))
    )
    return across, down


def whole_cells(length: int, cell: int) -> int:
    """Give the least multiple of a cell's width that is not below a length."""
    return -(-length // cell) * cell


def tiles(
    shape: tuple[int, int], size: tuple[int, int], margin: tuple[int, int], cell: tuple[int, int]
) -> Iterator[tuple[Region, Region]]:
    """Cut an image into tiles.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    size : tuple of int
        Most columns and rows of a core.
    margin : tuple of int
        Columns to each side and rows above and below that a tile has beyond its core.
    cell : tuple of int
        Columns and rows of a cell of the background mesh. Tiles begin and end where cells do,
        so that the mesh of a tile is that of the image; the last ends with the image.

    Yields
    ------
    region, core : Region
        In the order of rows. Every pixel of the image is in one core.
    """
    across, down = (
        list(_spans(*one)) for one in zip(reversed(shape), size, margin, cell, strict=True)
    )
    for y_region, y_core in down:
        for x_region, x_core in across:
            yield Region(*x_region, *y_region), Region(*x_core, *y_core)


def _spans(length: int, size: int, margin: int, cell: int) -> Iterator[tuple]:
    """Cut one axis: begin and end of each tile, and of its core."""
    # Alike rather than full ones and a rest.
    count = -(-length // size)
    side = min(whole_cells(-(-length // count), cell), max(cell, size // cell * cell))
    for start in range(0, length, side):
        end = min(start + side, length)
        yield (max(0, start - margin), min(length, end + margin)), (start, end)
