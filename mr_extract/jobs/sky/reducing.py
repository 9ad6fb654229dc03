"""A reducer's part, and the last one, which is the driver's: what is settled, what is open."""

from mr_extract.jobs.sky.mapping import NO_CELL
from mr_extract.jobs.sky.region import settle
from mr_extract.objects.association import Links
from mr_extract.text.arrays import as_word, from_word

#: What a line of a reducer's output is.
DECIDED, OPEN = b"d", b"o"


def links_of(config):
    """Return what the settings say of links."""
    return Links(config.linking.link_radius, config.linking.link_sigma)


def reduced(key, values, aggregation, config, told):
    """Yield lines of what became of the detections of a cell.

    Parameters
    ----------
    key : bytes
        The cell.
    values : iterable of bytes
    aggregation : mr_extract.jobs.sky.aggregation.Aggregation
    config : mr_extract.settings.tree.Settings
    told : dict
        ``order`` of cells.

    Yields
    ------
    bytes
    """
    if key == NO_CELL:
        for value in values:
            yield DECIDED + b"\t" + value
        return
    chunks = (from_word(value, aggregation.dtype) for value in values)
    settled = settle(chunks, told["order"], links_of(config))
    while True:
        try:
            part = next(settled)
        except StopIteration as end:
            left = end.value
            break
        yield DECIDED + b"\t" + as_word(aggregation.settled(*part, config))
    if len(left):
        yield OPEN + b"\t" + as_word(left)
