"""Weight maps and masks of images, found by rules in what is listed."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import orjson

from mr_extract import storage
from mr_extract.failures import ImageFailure
from mr_extract.text.anchors import anchored
from mr_extract.text.naming import Place, Rule, parse_rule, same_but_packing
from preprocess.digests import DigestSet, digest_of
from preprocess.errors import CommandError
from preprocess.listing.choice import Choice
from preprocess.listing.found_images import FoundImage, Tally
from preprocess.listing.remote_places import Place as SearchedPlace
from preprocess.threads import in_order


@dataclass(frozen=True)
class Rules:
    """The rules that were given.

    Parameters
    ----------
    by_field : tuple of (str, Rule)
        ``weight`` and ``mask``, each at most once.
    searched : tuple of preprocess.listing.remote_places.Place
        Places that are listed whole: a file of theirs that is not in the list is not there.
    threads : int
        Files outside the list that are asked for at the same time.
    """

    by_field: tuple[tuple[str, Rule], ...]
    searched: tuple[SearchedPlace, ...] = ()
    threads: int = 16


def rule_option(option: str, text: str) -> Rule:
    """Read a rule.

    Raises
    ------
    CommandError
        When it is none, or speaks of the extension, which is chosen later.
    """
    try:
        rule = parse_rule(anchored(text, os.getcwd()))
    except ValueError as error:
        raise CommandError(f"{option}: {text!r} is no rule: {error}") from None
    if not rule:
        raise CommandError(f"{option} is empty")
    if "{ext}" in rule.text:
        raise CommandError(f"{option}: {{ext}} is not known when files are listed; give the rule "
                           "to the job (--weight-image, --mask-image)")
    return rule


@dataclass
class _Known:
    listed: DigestSet = field(default_factory=DigestSet)
    companions: DigestSet = field(default_factory=DigestSet)


def with_companions(
    images: Iterable[FoundImage], rules: Rules, choice: Choice, tally: Tally
) -> Iterator[FoundImage]:
    """Give images the fields that name their companions, and leave the companions out.

    What is listed goes through temporary files, twice; in memory there are some 20 bytes for
    each file.

    Parameters
    ----------
    images : iterable of FoundImage
        All that is listed, companions included.
    rules : Rules
    choice : Choice
        Names that are meant; a companion need not have one.
    tally : Tally
        Gets what is left out: companions, files to whose name a rule does not apply, and
        images whose companion is not there.

    Yields
    ------
    FoundImage
    """
    known = _Known()
    with tempfile.TemporaryFile() as every, tempfile.TemporaryFile() as named:
        for image in images:
            known.listed.add(_identity(image.uri))
            if choice.by_name(image.uri):
                _write(every, image)
            else:
                tally.counts["filtered"] += 1
        found = in_order(
            lambda image: _fields(image, rules, known), _read(every), rules.threads,
            lambda image: not storage.is_local(image.uri),
        )
        for image, fields, problem in found:
            for place in fields.values():
                if place.uri:
                    known.companions.add(_identity(place.uri))
            added = tuple((name, str(place)) for name, place in fields.items())
            _write(named, image._replace(fields=image.fields + added), problem)
        for image, problem in _read(named, problems=True):
            if _identity(image.uri) in known.companions:
                tally.counts["companions"] += 1
            elif problem == _DOES_NOT_APPLY:
                tally.counts["unruled"] += 1
            elif problem:
                tally.refuse(image.uri, problem)
            else:
                yield image


_DOES_NOT_APPLY = "-"


def _fields(image: FoundImage, rules: Rules, known: _Known):
    """Return the image, its companions' places by field, and what is wrong."""
    fields: dict[str, Place] = {}
    problem = ""
    given = dict(image.fields)
    for name, rule in rules.by_field:
        if name in given or (name == "weight" and ("rms" in given or "variance" in given)):
            continue
        places = rule.places(image.uri)
        try:
            place = next((p for p in places if not p.uri or _is_there(p.uri, rules, known)), None)
        except ImageFailure as failure:
            return image, fields, f"{name}: {failure.message} ({failure.kind})"
        if place is not None:
            fields[name] = place
        elif not rule.optional:
            problem = problem or (_missing(name, places) if places else _DOES_NOT_APPLY)
    return image, fields, problem


def _missing(name: str, places: list[Place]) -> str:
    others = [p for p in places[1:] if not same_but_packing(p, places[0])]
    nor = f", nor {others[0]}" if others else ""
    return f"there is no {name} {places[0]}{nor}"


def _is_there(uri: str, rules: Rules, known: _Known) -> bool:
    if storage.is_local(uri):
        return os.path.isfile(storage.local.path_of(uri))
    if digest_of(uri) in known.listed:
        return True
    if any(place.covers(uri) for place in rules.searched):
        return False
    try:
        storage.stat(uri)
    except ImageFailure as failure:
        if failure.kind in ("fetch-not-found", "fetch-not-a-file"):
            return False
        raise
    return True


def _identity(uri: str) -> int:
    return digest_of(storage.local.real_path(uri) if storage.is_local(uri) else uri)


def _write(file: BinaryIO, image: FoundImage, problem: str = "") -> None:
    file.write(orjson.dumps([*image, problem]) + b"\n")


def _read(file: BinaryIO, problems: bool = False) -> Iterator:
    file.seek(0)
    for line in file:
        uri, size, modified, fields, problem = orjson.loads(line)
        image = FoundImage(uri, size, modified, tuple(map(tuple, fields)))
        yield (image, problem) if problems else image
