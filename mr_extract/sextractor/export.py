"""A catalog of ours to files as SExtractor leaves them."""

import os
import re
import warnings

from mr_extract.sextractor import ascii_format as text
from mr_extract.sextractor.source import look_through
from mr_extract.storage.output import written_whole

ACCOUNTS = "accounts.tsv"
_SUFFIX = re.compile(r"\.(fits|fit|fts)(\.(gz|bz2|fz))*$", re.IGNORECASE)


def export(path, kind, place, names=(), uri_of=lambda image_id: image_id):
    """Write a catalog in a format of SExtractor.

    Parameters
    ----------
    path : str
        Our catalog.
    kind : str
        Of `mr_extract.sextractor.FORMATS`.
    place : str
        A directory, which is there or whose name ends in ``/``: a catalogue for each
        file of images, and ``accounts.tsv`` with what accounts for the images. Else
        the name of one catalogue of all images.
    names : sequence of str, optional
        Parameters to write, by default all that the catalog holds.
    uri_of : callable
        Takes the id of a file and returns where it is, for its header in FITS_LDAC.

    Returns
    -------
    list of str
        The catalogues that were written.

    Raises
    ------
    ValueError
        When `path` is no catalog, or lacks a parameter.
    """
    if os.path.exists(place) and os.path.samefile(path, place):
        raise ValueError(f"{place} is the catalog itself")
    source = look_through(path)
    wanted = source.outputs(names)
    if not (place.endswith("/") or os.path.isdir(place)):
        _write(place, kind, source, list(source.files.items()), wanted, uri_of)
        return [place]
    written = []
    for file_id, name in file_names(source.files).items():
        target = os.path.join(place, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        _write(target, kind, source, [(file_id, source.files[file_id])], wanted, uri_of)
        written.append(target)
    os.makedirs(place, exist_ok=True)
    with written_whole(os.path.join(place, ACCOUNTS)) as unfinished:
        with open(unfinished, "wb") as file:
            file.writelines(source.comments)
    return written


def file_names(file_ids):
    """Return the relative path of the catalogue of each file of images.

    The folders are those of the ids, so that frames of the same name in different
    nights do not meet; a step up is spelled ``up``.
    """
    bare = {i: _SUFFIX.sub("", i) for i in file_ids}
    taken = list(bare.values())
    names = {}
    for file_id, name in bare.items():
        if taken.count(name) > 1:
            name = file_id  # frame.fits and frame.fits.gz
        parts = ["up" if part == ".." else part for part in name.split("/")
                 if part not in ("", ".")]
        names[file_id] = "/".join(parts or ["image"]) + ".cat"
    return names


def _write(target, kind, source, files, wanted, uri_of):
    write = _write_text if kind.startswith("ascii") else _write_tables
    with written_whole(target) as unfinished:
        with open(unfinished, "wb") as file:
            write(file, kind, source, files, wanted, uri_of)


def _write_text(file, kind, source, files, wanted, uri_of):
    if kind == "ascii_head":
        file.write(text.header(wanted).encode("ascii", "replace"))
    for _, images in files:
        for account, start, stop in images:
            columns = source.rows(start, stop, wanted, int(account.values["hdu"]))
            file.write(text.rows(columns, wanted).encode())


def _write_tables(file, kind, source, files, wanted, uri_of):
    from astropy.io import fits

    from mr_extract.sextractor import fieldcards
    from mr_extract.sextractor import fits_format as tables

    ldac = kind == "fits_ldac"
    if ldac:
        file.write(tables.primary())
    for number, (file_id, images) in enumerate(files):
        for k, (account, start, stop) in enumerate(images, 1):
            cards = fieldcards.header_of(uri_of(file_id), account)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of cards that are handed on as they stand
                header = fits.Header.fromstring("".join(cards))
                own = fieldcards.field_cards(
                    account, source.config, header, wanted, (k, len(images)))
            if ldac:
                own = "".join(tables.card(*one) for one in own)
                file.write(tables.image_header("".join(cards) + own + "END".ljust(80)))
            elif number == 0 and k == 1:
                file.write(tables.primary(own))
            columns = source.rows(start, stop, wanted, int(account.values["hdu"]))
            file.write(tables.objects("LDAC_OBJECTS" if ldac else "OBJECTS", columns, wanted))
    if not files and not ldac:
        file.write(tables.primary())
