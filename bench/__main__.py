"""Make the tables of the pages.

`python -m bench` makes all that one simulated night is enough for, `python -m bench NAME` those
of one name; `--list` says which there are and on which page they stand.
"""

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench import sextractor
from bench.contents import MADE, PARTS, listed, parts_of
from bench.machine import where
from bench.night import make_night
from bench.report import give, takes_output


def main(arguments=None):
    """Make tables; return the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in MADE:
        made = MADE[arguments[0]]
        if not made.part:
            where()
            return made.load()(arguments[1:])
        arguments = [*arguments[1:], "--only", made.name]
    return _parts(arguments)


def _parts(arguments):
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__,
                                     usage="%(prog)s [NAME] [options]")
    parser.add_argument("--list", action="store_true",
                        help="say what there is: name, folder, page, tables")
    parser.add_argument("--frames", type=int, default=48, metavar="N", help="frames of a batch")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="rounds of each part")
    parser.add_argument("--lines", type=int, default=1_000_000, metavar="N",
                        help="lines of the long manifest")
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="NAME",
                        help=f"parts to measure, of {', '.join(PARTS)} "
                             "[those of the page that --output names, else all]")
    parser.add_argument("--night", type=Path, metavar="DIR",
                        help="a simulated night of at least so many frames, instead of a new one")
    parser.add_argument("--quick", action="store_true",
                        help="6 small frames and 1 round: tries the scripts, says nothing of speed")
    takes_output(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the ratios there")
    options = parser.parse_args(arguments)
    if options.list:
        print(listed(), end="")
        return 0
    frames, rounds, shape = options.frames, options.rounds, (1489, 2048)
    if options.quick:
        frames, rounds, shape = 6, 1, (400, 500)
        options.lines = min(options.lines, 5000)
    if frames < 2 or rounds < 1:
        parser.error("needs at least 2 frames and 1 round")
    names = [name for name in PARTS if name in (options.only or parts_of(options.output))]
    if "sextractor" in names and not sextractor.PROGRAM:
        print("bench: no source-extractor, that part is left out", file=sys.stderr)
        names.remove("sextractor")
    where()  # before the tree changes
    sections = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        night = make_night(Path(folder), frames, shape, options.night)
        for name in names:
            print(f"bench: {name}", file=sys.stderr, flush=True)
            measure = MADE[name].load()
            if name == "scale":
                measure = partial(measure, lines=options.lines)
            sections[name] = measure(night, rounds)
            sections[name].where = f"{night.told}; {where()}"
    give(sections.values(), options.output)
    if options.json:
        ratios = {name: section.ratios for name, section in sections.items()}
        options.json.write_text(json.dumps(ratios, indent=2, allow_nan=False) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
