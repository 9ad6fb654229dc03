"""How close the numbers are to SExtractor's, on real and on simulated frames."""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from bench.accuracy.comparison import BRIGHT, SETTINGS, compare, difference
from bench.accuracy.frames import Shot, data_folder, frames
from bench.accuracy.matching import matched
from bench.accuracy.pulls import RATIOS, equal_stars, pull_widths, pulls_table
from bench.report import Section, give, takes_output
from mr_extract.columns.choice import choose


def sources_table(results):
    """Return the section on which sources are found."""
    section = Section(
        "Sources", "Pairs are each other's nearest within a pixel. With S/N above "
        f"{BRIGHT:g} (flux_auto): the share of ours that SExtractor has, and of its that we have.",
        ("frame", "ours", "SExtractor", "pairs", "ours that it has", "its that we have",
         "same FLAGS"),
    )
    for name, both in results.items():
        same = both.ours["FLAGS"][both.first] == both.theirs["FLAGS"][both.second]
        section.add(name, len(both.ours["x"]), len(both.theirs["x"]), len(both.first),
                    f"{100 * both.share('ours'):.2f} %", f"{100 * both.share('theirs'):.2f} %",
                    f"{100 * same.mean():.1f} %")
    return section


def columns_table(results):
    """Return the section on columns."""
    section = Section(
        "Columns", "Differences of paired sources that neither program flags: median and, "
        "behind the stroke, the value that 95 % stay below, both without sign. In per cent, but "
        "positions in pixels, sky positions in arcseconds, angles (of elongated sources) in "
        "degrees, magnitudes in magnitudes, background and threshold in rms, whole numbers and "
        "covariances (abs) as they are.",
        ("SExtractor", "ours", "in", *results),
    )
    for name, column in choose(SETTINGS.output.columns, SETTINGS.measurement).items():
        if not all(name in both.theirs for both in results.values()) or name == "number":
            continue
        cells, unit = [], ""
        for both in results.values():
            values, found = difference(name, column, both)
            values = np.abs(values[np.isfinite(values)])
            unit = unit or found
            cells.append(f"{_short(np.median(values))} / {_short(np.percentile(values, 95))}"
                         if len(values) else "-")
        section.add(column.sextractor, f"`{name}`", unit, *cells)
    return section


def _short(value):
    return f"{value:.1g}" if value < 0.1 else f"{value:.2g}"


def truth_table(both, zero_point, step=1.0):
    """Return the section on completeness, purity and errors against the simulated truth."""
    section = Section(
        "Truth", "A simulated frame, by magnitude: share of true sources that are found within "
        "two pixels, and share of detections that are true, by our FLUX_AUTO or its.",
        ("magnitude", "true sources", "complete, ours", "SExtractor", "pure, ours", "SExtractor"),
    )
    truth = both.truth
    edges = np.arange(np.floor(truth["mag"].min()), 22.0, step)
    for low in edges:
        chosen = (truth["mag"] >= low) & (truth["mag"] < low + step)
        if chosen.sum() < 5:
            continue
        cells = []
        for table in (both.ours, both.theirs):
            _, found = matched(table["x"], table["y"], truth["x"], truth["y"], 2.0)
            cells.append(f"{100 * np.isin(np.flatnonzero(chosen), found).mean():.1f} %")
        for table in (both.ours, both.theirs):
            with np.errstate(all="ignore"):
                mag = zero_point - 2.5 * np.log10(table["flux_auto"])
            rows = np.flatnonzero((mag >= low) & (mag < low + step))
            real, _ = matched(table["x"], table["y"], truth["x"], truth["y"], 2.0)
            cells.append(f"{100 * np.isin(rows, real).mean():.1f} %" if len(rows) else "-")
        section.add(f"{low:g} to {low + step:g}", int(chosen.sum()), *cells)
    return section


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m bench agreement", description=__doc__)
    parser.add_argument("--data", type=Path, default=data_folder(), metavar="DIR",
                        help="folder of real frames")
    takes_output(parser)
    options = parser.parse_args(arguments)
    results, zero_point = {}, 0.0
    for shot in frames(options.data if options.data.is_dir() else None):
        with tempfile.TemporaryDirectory() as folder:
            results[shot.name] = compare(shot, folder, shot.config(SETTINGS))
        if shot.truth is not None:
            zero_point = shot.header["MAGZP"]
    sections = [sources_table(results), columns_table(results),
                truth_table(results["simulated"], zero_point)]
    widths = {}
    for ratio in RATIOS:
        with tempfile.TemporaryDirectory() as folder:
            widths[ratio] = pull_widths(
                compare(Shot("equal stars", *equal_stars(ratio)), folder))
    sections.append(pulls_table(widths))
    give(sections, options.output)
