"""A catalog of ours to files as SExtractor leaves them."""

import errno
import os
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from mr_extract.sextractor import ascii_format as text
from mr_extract.sextractor.configured import check_cutouts
from mr_extract.sextractor.source import look_through
from mr_extract.storage.output import written_whole

ACCOUNTS = "accounts.tsv"
# Of the place, where no other catalogue will fare better.
_HOPELESS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)
_SUFFIX = re.compile(r"\.(fits|fit|fts)(\.(gz|bz2|fz))*$", re.IGNORECASE)


def export(
    path: str,
    kind: str,
    place: str,
    names: Sequence[str] = (),
    uri_of: Callable[[str], str | None] = lambda image_id: image_id,
    complain: Callable[[str], object] | None = None,
) -> tuple[list[str], list[str]]:
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
    complain : callable, optional
        Takes a text: what is wrong with a catalogue that could not be written, or a header
        that is not in it. By default a warning.

    Returns
    -------
    written, unwritten : list of str
        The catalogues, and those that could not be written though the others are.

    Raises
    ------
    ValueError
        When `path` is no catalog, or lacks a parameter.
    """
    if os.path.exists(place) and os.path.samefile(path, place):
        raise ValueError(f"{place} is the catalog itself")
    complain = complain or partial(warnings.warn, stacklevel=2)
    source = look_through(path)
    wanted = source.outputs(names)
    check_cutouts([one.parameter for one in wanted], kind)
    if not (place.endswith("/") or os.path.isdir(place)):
        _write(place, kind, source, list(source.files.items()), wanted, uri_of, complain)
        return [place], []
    written, unwritten = [], []
    for file_id, name in file_names(source.files).items():
        target = os.path.join(place, name)
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            _write(target, kind, source, [(file_id, source.files[file_id])], wanted, uri_of,
                   complain)
        except Exception as error:  # one image's never costs another image's
            if isinstance(error, OSError) and error.errno in _HOPELESS:
                raise
            complain(f"{name} is not written: {_reason(error)}")
            unwritten.append(target)
            continue
        written.append(target)
    os.makedirs(place, exist_ok=True)
    with written_whole(os.path.join(place, ACCOUNTS)) as unfinished:
        with open(unfinished, "wb") as file:
            file.writelines(source.comments)
    return written, unwritten


def file_names(file_ids: Iterable[str]) -> dict[str, str]:
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


def _write(target, kind, source, files, wanted, uri_of, complain):
    write = _write_text if kind.startswith("ascii") else _write_tables
    with written_whole(target) as unfinished:
        with open(unfinished, "wb") as file:
            write(file, kind, source, files, wanted, uri_of, complain)


def _write_text(file, kind, source, files, wanted, uri_of, complain):
    if kind == "ascii_head":
        file.write(text.header(wanted).encode("ascii", "replace"))
    for _, images in files:
        for account, start, stop in images:
            columns = source.rows(start, stop, wanted, int(account.values["hdu"]))
            file.write(text.rows(columns, wanted).encode())


def _write_tables(file, kind, source, files, wanted, uri_of, complain):
    from mr_extract.sextractor import fieldcards
    from mr_extract.sextractor import fits_format as tables

    ldac = kind == "fits_ldac"
    if ldac:
        file.write(tables.primary())
    for number, (file_id, images) in enumerate(files):
        for k, (account, start, stop) in enumerate(images, 1):
            make = partial(fieldcards.field_cards, account, source.config, outputs=wanted,
                           images=(k, len(images)))
            cards, own = _cards(uri_of(file_id), account, complain, make)
            if ldac:
                own = "".join(tables.card(*one) for one in own)
                file.write(tables.image_header("".join(cards) + own + "END".ljust(80)))
            elif number == 0 and k == 1:
                file.write(tables.primary(own))
            columns = source.rows(start, stop, wanted, int(account.values["hdu"]))
            file.write(tables.objects("LDAC_OBJECTS" if ldac else "OBJECTS", columns, wanted))
    if not files and not ldac:
        file.write(tables.primary())


def _cards(uri, account, complain, make):
    """Return the cards of an image's header, and what `make` has made of it."""
    from mr_extract.sextractor import fieldcards

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cards that are handed on as they stand
        try:
            known = fieldcards.header_of(uri, account)
            own = make(known=known)
        except Exception as error:
            complain(f"{account.id}: its header is not in the catalogue: {_reason(error)}")
            known, own = None, make(known=None)  # as of a file that is not there any more
    return fieldcards.size_cards(account) if known is None else known.cards, own


def _reason(error):
    """Return on one line why something could not be written."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
