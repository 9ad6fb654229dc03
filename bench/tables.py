"""Sections of numbers, as Markdown and as JSON."""

import statistics
from dataclasses import dataclass, field

BEGIN, END = "<!-- numbers: begin -->", "<!-- numbers: end -->"


@dataclass
class Section:
    """One subject: a title, a sentence, a table.

    `ratios` are the figures that have a target or could have one, by name.
    """

    title: str
    text: str
    head: tuple
    rows: list = field(default_factory=list)
    ratios: dict = field(default_factory=dict)

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
        return f"### {self.title}\n\n{self.text}\n\n{table}\n"


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


def written(text, path):
    """Write text to a file, between its markers where it has them."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    if BEGIN in old and END in old:
        start, stop = old.index(BEGIN) + len(BEGIN), old.index(END)
        text = f"{old[:start]}\n\n{text}\n{old[stop:]}"
    path.write_text(text, encoding="utf-8")
