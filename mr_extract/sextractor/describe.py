"""The tables of the border in Markdown; docs/sextractor.md holds them as they are printed."""

from mr_extract.columns.choice import FLAGS
from mr_extract.sextractor.absent import GROUPS
from mr_extract.sextractor.flags import BITS, NEVER
from mr_extract.sextractor.keywords import KEYWORDS
from mr_extract.sextractor.parameters import OWN, PARAMETERS


def keywords() -> str:
    """Return the table of configuration keywords."""
    lines = ["| keyword | SExtractor's default | | here |", "| --- | --- | --- | --- |"]
    for one in KEYWORDS.values():
        lines.append(f"| {one.name} | {one.default or '-'} | {one.fate} | {_cell(one.why)} |")
    return "\n".join(lines) + "\n"


def parameters() -> str:
    """Return the table of catalogue parameters: those that are here, and those that are not."""
    lines = ["| parameter | unit | from | | what it is, and what differs |",
             "| --- | --- | --- | --- | --- |"]
    for one in PARAMETERS.values():
        made_of = ", ".join(one.needs) or "the image"
        close = "close" if one.close else "same"
        text = one.description + (f". {one.close}" if one.close else "")
        lines.append(f"| {one.name} | {one.unit or '-'} | {made_of} | {close} | {_cell(text)} |")
    for reason, names in GROUPS:
        lines.append(f"| {', '.join(names)} | | | absent | {_cell(reason)} |")
    for one in OWN.values():
        text = f"{one.description}. Not a parameter of SExtractor"
        lines.append(f"| {one.name} | {one.unit or '-'} | {one.needs[0]} | ours | {_cell(text)} |")
    return "\n".join(lines) + "\n"


def flags() -> str:
    """Return the table of the bits of FLAGS."""
    lines = ["| FLAGS | meaning | `flag` |", "| --- | --- | --- |"]
    for theirs, (meaning, ours) in BITS.items():
        bits = [str(bit) for bit in FLAGS if bit & ours]
        lines.append(f"| {theirs} | {_cell(meaning)} | {' or '.join(bits) or NEVER} |")
    lost = [bit for bit in FLAGS if not any(bit & ours for _, ours in BITS.values())]
    lines += [f"| - | {_cell(FLAGS[bit])} | {bit}: SExtractor has no bit for it |" for bit in lost]
    return "\n".join(lines) + "\n"


def _cell(text):
    return text.replace("|", "\\|").replace("*", "\\*")
