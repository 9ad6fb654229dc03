"""Sections of numbers, as Markdown and as JSON, and the pages into which they go."""

import re
import statistics
from dataclasses import dataclass, field
from pathlib import Path

from bench.machine import where

BEGIN, END = "<!-- numbers: begin -->", "<!-- numbers: end -->"


@dataclass
class Section:
    """One subject: a title, a sentence, where it was measured, a table.

    `ratios` are the figures that have a target or could have one, by name.
    """

    title: str
    text: str
    head: tuple
    rows: list = field(default_factory=list)
    ratios: dict = field(default_factory=dict)
    where: str = field(default_factory=where)

    def note(self, name, value):
        """Keep a figure, unless it could not be had."""
        if value is not None:
            self.ratios[name] = value

    def add(self, *cells):
        """Add a row."""
        self.rows.append([str(cell) for cell in cells])

    def markdown(self):
        """Return the section as Markdown."""
        numbers = [":---", *["---:"] * (len(self.head) - 1)]
        lines = [self.head, numbers, *self.rows]
        table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
        return f"### {self.title}\n\n{self.text}\n\nMade on: {self.where}.\n\n{table}\n"


def middle(values):
    """Return the median."""
    return statistics.median(values)


def ratio(ours, theirs):
    """Return the median of paired ratios and the text that shows it with its quartiles.

    A cost that drowns in the noise, as that of very few small frames may, has none.
    """
    if min(*ours, *theirs, 1.0) <= 0:
        return None, "-"
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    first, median, last = (
        statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else 3 * ratios
    )
    return median, f"{median:.2f} ({first:.2f} to {last:.2f})"


def milliseconds(seconds):
    """Return seconds as text in milliseconds."""
    value = 1000 * seconds
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def takes_output(parser):
    """Give a command the option that `give` needs."""
    parser.add_argument("--output", type=Path, metavar="FILE",
                        help="write the tables there, between the markers of a page, each in the "
                             "place of the one with its title [standard output]")


def give(sections, output):
    """Print sections, or write them to a page."""
    if output:
        written(sections, output)
    else:
        print("\n".join(section.markdown() for section in sections))


def written(sections, path):
    """Write sections between the markers of a page, which a new page is given.

    A section takes the place of the one with its title; others stay, and while some do what
    stands above all of them.

    Raises
    ------
    SystemExit
        When the page has text and no markers: none of it is replaced.
    """
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    old = old if old.strip() else f"{BEGIN}\n{END}\n"
    if not (BEGIN in old and END in old):
        raise SystemExit(f"bench: {path} has no {BEGIN} and {END}, nothing is written")
    before, rest = old.split(BEGIN, 1)
    tables, after = rest.split(END, 1)
    above, *found = re.split(r"^(?=### )", tables, flags=re.MULTILINE)
    parts = {part.partition("\n")[0].removeprefix("### "): part.strip() for part in found}
    new = {section.title: section.markdown().strip() for section in sections}
    stays = [above.strip()] if above.strip() and not parts.keys() <= new.keys() else []
    text = "\n\n".join([*stays, *(parts | new).values()])
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
