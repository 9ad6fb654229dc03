"""A region of an image or a plane of a cube, read without the rest of its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.images.bands import gathered, rows_of, whole_numbers
from mr_extract.images.cards import header_text, parse_cards
from mr_extract.images.coordinate_tables import with_tables
from mr_extract.images.cubes import further_axes, index_beside, plane_index
from mr_extract.images.extensions import chosen_unit, meant_unit, siblings_of
from mr_extract.images.image import Image, plane_shape
from mr_extract.images.parts import Parts
from mr_extract.images.plain import converted
from mr_extract.images.region import Region
from mr_extract.images.units import NotPlain, list_units
from mr_extract.remarks import hearing, repeat

if TYPE_CHECKING:
    from mr_extract.images.cards import Cards
    from mr_extract.images.units import Unit


class Section(Parts):
    """A region of the images of one file, or a plane of them.

    Parameters
    ----------
    read, gap
        As of `mr_extract.images.parts.Parts`.
    region : mr_extract.images.region.Region or None
        None for all of the image.
    plane : tuple of int or None
        Of images with several planes the one that is meant, as in `mr_extract.images.cubes`.
    """

    def __init__(
        self, read: Callable[[int, int], bytes], region: Region | None = None, gap: int = 0,
        plane: tuple[int, ...] | None = None,
    ) -> None:
        super().__init__(read, gap)
        self.region, self.plane = region, plane
        self._cube: tuple[int, ...] | None = None
        self._lengths: tuple[int, ...] = ()
        self._known: dict[str, Any] = {}  # units, and what was said of them
        self._is_said = False

    @property
    def checksum(self) -> str:
        """SHA-256 of what was used, in hexadecimal digits.

        Of each unit that was read: its header, then the stored bytes of the region's
        pixels, row by row, or the compressed bytes of the tiles that it touches, in the
        order of their numbers. It does not depend on where the file is or how it is
        packed outside.
        """
        return super().checksum

    def again(self) -> Section:
        """Return the same region of the same file, with a checksum of its own."""
        other = self.of_same_file(self.region, self.plane)
        other._is_said = self._is_said
        return other

    def of_same_file(
        self, region: Region | None = None, plane: tuple[int, ...] | None = None
    ) -> Section:
        """Return another part of the same file, for which it is not searched for units again."""
        other = Section(self.read, region, self.gap, plane)
        other._known = self._known
        return other

    def belong_to(self, image: Image) -> None:
        """Take the plane of an image: of what has but one plane that, which serves all.

        A file with as many planes as the image gives the same one, and one with others is
        the failure ``companion-mismatch``.
        """
        self.plane, self._cube = image.plane, image.cube

    def units(self) -> list[Unit]:
        """Return the units of the file, as `mr_extract.images.units.list_units`."""
        if "units" not in self._known:
            said = {}
            try:
                with hearing() as said:
                    self._known["units"] = list_units(self.read)
            finally:
                self._known["said"], self._is_said = said, True
                repeat(said)
        if not self._is_said:
            self._is_said = True
            repeat(self._known["said"])
        return self._known["units"]

    def cards(self, unit: Unit) -> Cards:
        """Return the cards of a unit."""
        return parse_cards(header_text(self.read, unit.start)[0])

    def primary(self) -> Cards:
        """Return the cards of the primary header."""
        return parse_cards(header_text(self.read, 0)[0])

    def image(self, ext: int | str | None = None) -> Image:
        """Read the region of an image.

        Parameters
        ----------
        ext : int or str, optional
            As for `mr_extract.images.read_image`.

        Returns
        -------
        Image
            The pixels and mask of the region, to the bit those of the whole image.
            Its header is that of the image, with the region's `origin`.

        Raises
        ------
        ImageFailure
            As `mr_extract.images.read_image`, and ``bad-region``.

        Notes
        -----
        A file whose headers are too odd for the plain reader is read whole.
        """
        primary = None
        try:
            units = self.units()
            primary = self.primary()
            unit = chosen_unit(units, ext)
            self.index(unit.shape)
            if unit.cut:
                raise ImageFailure("truncated", f"the file ends inside unit {unit.number}")
            images = sum(one.is_plane for one in units)
            if unit.compressed:
                image = self._tiled(unit, images)
                if unit.name:
                    image.header["EXTNAME"] = unit.name  # as in `mr_extract.images.read`
            else:
                image = self._plain(unit, images)
            image.siblings = siblings_of(units)
        except NotPlain:
            from mr_extract.images.general import read_general

            image = self._cut(read_general(self.whole(), ext, self.index))
        # As in `mr_extract.images.read`.
        if image.hdu and image.header.get("INHERIT") is not False:
            image.primary = primary or self.primary()
        image.header.origin = image.origin
        with_tables(image.header, lambda: self.again().tables())
        return image

    def values(
        self, image: Image, ext: int | str | None = None
    ) -> tuple[np.ndarray, np.ndarray | None, Mapping]:
        """Read the same region of a companion.

        Parameters and failures are those of `mr_extract.images.companion_values.read_values`, and
        so are the results, but for a third: the cards of the companion.
        """
        self.belong_to(image)
        try:
            units = self.units()
        except NotPlain:
            from mr_extract.images.general import general_units

            read = self.image(meant_unit(general_units(self.whole()), image, ext))
            return read.pixels(), read.mask, read.header
        number = meant_unit(units, image, ext)
        unit = units[number] if number < len(units) else None
        if unit is not None and unit.is_image and not unit.cut:
            full = image.full_shape or image.data.shape
            if unit.shape[-2:] != full:
                raise ImageFailure("companion-mismatch", f"it has {_size(unit.shape[-2:])} pixels, "
                                                         f"the image {_size(full)}")
            self.index(unit.shape)
            values = whole_numbers(self, unit)
            if values is not None:
                return values, None, self.cards(unit)
        read = self.image(number)
        return read.pixels(), read.mask, read.header

    def cut(self, values: np.ndarray) -> np.ndarray:
        """Return the region of an array, shape (height, width), of a whole image."""
        return np.ascontiguousarray(values[self._check(values.shape).slices])

    def _cut(self, image):
        shape = image.data.shape
        mask = None if image.mask is None else self.cut(image.mask)
        return replace(image, data=self.cut(image.data), mask=mask, full_shape=shape,
                       origin=(self.region.x0, self.region.y0),
                       plane=self._lengths and self.plane or None, cube=self._lengths)

    def tables(self) -> bytes:
        """Return the file without the pixels of its images of more than two axes."""
        try:
            units = self.units()
        except NotPlain:
            return self.whole()
        cubes = [unit for unit in units if len(unit.shape) > 2 and not unit.compressed]
        if not cubes:
            return self.whole()
        from mr_extract.images.read_compressed import EMPTY_PRIMARY

        return b"".join([EMPTY_PRIMARY, *(self.read(unit.start, unit.end - unit.start)
                                          for unit in units[1:] if unit not in cubes)])

    def index(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Return the place of the plane among the further axes, as of an array, and check all."""
        if self._cube is None:
            index = plane_index(shape, self.plane)
        else:
            index = index_beside(shape, self.plane, self._cube)
        self._check(plane_shape(shape[-2:]))
        self._lengths = further_axes(shape)
        return index

    def _check(self, shape: tuple[int, ...]) -> Region:
        if self.region is None:
            self.region = Region(0, shape[-1], 0, shape[-2])
        if problem := self.region.outside((shape[-2], shape[-1])):
            raise ImageFailure("bad-region", problem)
        return self.region

    def _plain(self, unit, images):
        cards = self.counted_cards(unit)
        if unit.number == 0 and cards.get("SIMPLE") is not True:
            raise NotPlain("SIMPLE is not T")
        raw = gathered(rows_of(self, unit, cards), self.region.shape)
        return self._image(*converted(raw, cards), unit, cards, images)

    def _tiled(self, unit, images):
        from mr_extract.images.read_compressed import tile_sections

        header, convert, bands = tile_sections(self, unit, self.counted_cards(unit))
        raw = gathered(bands, self.region.shape)
        return self._image(*convert(raw, header), unit, header, images)

    def _image(self, data, mask, exponent, unit, cards, images):
        return Image(data, cards, mask, unit.number, images, full_shape=unit.shape[-2:],
                     origin=(self.region.x0, self.region.y0), exponent=exponent,
                     plane=self._lengths and self.plane or None, cube=self._lengths)

    def counted_cards(self, unit: Unit) -> Cards:
        """Return the cards of a unit, whose header enters the checksum."""
        text, _ = header_text(self.read, unit.start)
        self.used(text.encode("latin-1"))
        return parse_cards(text)


def _size(shape):
    return " x ".join(str(n) for n in reversed(shape))
