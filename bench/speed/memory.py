"""The most memory that a task holds."""

from pathlib import Path

from bench.processes import Peaks, job, python
from bench.report import Section
from bench.sextractor import PROGRAM, SExtractor
from bench.speed.steps import KERNELS
from mr_extract.settings.config import Config

MEGABYTE = 1e6


def measure(night, _rounds):
    """Return the section on memory."""
    few = night.entries[:16]
    manifest = night.manifest("few.txt", few)
    image = 4 * night.pixels
    large, large_image = _large(night), 16 * night.pixels
    section = Section(
        "Memory",
        f"Greatest resident memory over {len(few)} frames, and over images of four frames "
        f"tiled 2 x 2; one image as float32 is {image / MEGABYTE:.1f} MB or "
        f"{large_image / MEGABYTE:.1f} MB, the unit of the ratios. What two processes share "
        "(libraries) counts twice in a sum.",
        ("", "MB", "in images", "large image, MB", "in images"),
    )
    cases = {
        "task, the process that measures": (["--mapper"], True, max),
        "task, both processes": (["--mapper"], True, sum),
        "task, both, `--columns all`": (["--mapper", "--columns=all"], True, sum),
        "`-r inline`": (["-r", "inline", "--quiet", "--catalog", "/dev/null"], False, max),
    }
    measured = {}
    for title, (options, by_stdin, which) in cases.items():
        sizes = []
        for lines in (manifest, large):
            key = (tuple(options), lines)
            if key not in measured:
                options = [o if o != "/dev/null" else night.folder / "memory.tsv"
                           for o in options]
                arguments = options if by_stdin else [*options, lines]
                measured[key] = Peaks(job(*arguments), lines if by_stdin else None).sizes
            sizes.append(which(measured[key]))
        small, big = sizes[0] / image, sizes[1] / large_image
        section.add(title, f"{sizes[0] / MEGABYTE:.0f}", f"{small:.1f}",
                    f"{sizes[1] / MEGABYTE:.0f}", f"{big:.1f}")
        section.ratios |= {f"{title}, in images": small, f"{title}, in large images": big}
    for title, command in (
        ("Python alone", python("-c", "import time; time.sleep(0.05)")),
        ("Python, numpy, sep and the kernels", python("-c", f"{KERNELS}, time; time.sleep(0.05)")),
    ):
        size = sum(Peaks(command).sizes)
        section.add(title, f"{size / MEGABYTE:.0f}", f"{size / image:.1f}",
                    "", f"{size / large_image:.1f}")
    if PROGRAM:
        program = SExtractor(night.folder, Config())
        paths = night.paths[0], Path(large).with_suffix(".fits")
        sizes = [sum(Peaks(program.command(path)).sizes) for path in paths]
        section.add("SExtractor", f"{sizes[0] / MEGABYTE:.0f}", f"{sizes[0] / image:.1f}",
                    f"{sizes[1] / MEGABYTE:.0f}", f"{sizes[1] / large_image:.1f}")
    return section


def _large(night):
    """Write an image of four frames, three times in a manifest."""
    import numpy as np
    from astropy.io import fits

    path = night.folder / "large.fits"
    with fits.open(night.paths[0], do_not_scale_image_data=True) as units:
        unit = fits.PrimaryHDU(np.tile(units[0].data, (2, 2)), units[0].header)
    unit.writeto(path, overwrite=True, output_verify="silentfix")
    lines = [f"{path}\tid=large-{k}" for k in range(3)]
    manifest = path.with_suffix(".txt")
    manifest.write_text("\n".join(lines) + "\n")
    return manifest
