"""Packed images against the same images by path: bytes, packing, and what a task pays."""

import os
import shutil
from io import BytesIO

from bench.processes import job, module, run
from bench.report import Section, middle, milliseconds, ratio

FORMS = ("as-is", "fz")


def measure(night, rounds):
    """Return the section on packed images."""
    whole = night.manifest("by-path.txt", night.entries)
    size = sum(os.path.getsize(path) for path in night.paths)
    packing = {form: [] for form in FORMS}
    tasks = {name: [] for name in ("by path", *FORMS)}
    folders = {}
    for number in range(rounds):
        for form in FORMS:
            folders[form], cost = _packed(night.folder / f"{form}-{number}", whole, form)
            _, start = _packed(night.folder / f"{form}-{number}-tiny", night.tiny, form)
            packing[form].append(cost - start)
    inputs = {form: _framed(folders[form]) for form in FORMS}
    tiny = {form: _framed(night.folder / f"{form}-0-tiny") for form in FORMS}
    for _ in range(rounds):
        tasks["by path"].append(_task(whole) - _task(night.tiny))
        for form in FORMS:
            tasks[form].append(_task(inputs[form], "--packed") - _task(tiny[form], "--packed"))
    frames = len(night.entries)
    stored = {form: sum(path.stat().st_size for path in folders[form].glob("*.seq"))
              for form in FORMS}
    by_rows = _tiled_by_rows(night.paths[0]) / os.path.getsize(night.paths[0])
    section = Section(
        "Packed images",
        f"{frames} frames of {size / frames / 1e6:.2f} MB: packed by one process, then measured by "
        "one task that reads records on standard input as Hadoop hands them over, or paths. "
        f"Start-up is taken off; alternating, medians of {rounds} rounds. A usual .fz, with a tile "
        f"a row, has {by_rows:.3f} of the bytes.",
        ("", "bytes to .fits", "packing, MB/s of CPU", "task, CPU ms a frame", "to by path"),
    )
    of_paths = [cost.cpu for cost in tasks["by path"]]
    section.add("by path", "1", "-", milliseconds(middle(of_paths) / frames), "1")
    for form in FORMS:
        cost = [one.cpu for one in tasks[form]]
        value, text = ratio(cost, of_paths)
        speed = size / 1e6 / max(1e-3, middle([one.cpu for one in packing[form]]))
        section.add(form, f"{stored[form] / size:.3f}", f"{speed:.0f}",
                    milliseconds(middle(cost) / frames), text)
        section.note(f"bytes of {form} to .fits", stored[form] / size)
        section.note(f"CPU of a task over {form} to that over paths", value)
    return section


def _packed(folder, manifest, form):
    """Pack into a folder; return it and the cost."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder, run(module("preprocess", "pack", manifest, "-o", folder, "--format", form,
                              "--jobs", 1))


def _framed(folder):
    """Write what Hadoop would hand to a task, and return its path."""
    from mr_extract.packed import sequencefile
    from mr_extract.packed.framed import framed
    from mr_extract.storage.ranges import Ranges

    path = folder.with_suffix(".framed")
    with open(path, "wb") as stream:
        for packed in sorted(folder.glob("*.seq")):
            data = Ranges(str(packed))
            for one in sequencefile.scan(data.read):
                stream.write(framed(one.key, data.read(one.value, one.value_size)))
    return path


def _task(stdin, *options):
    return run(job("--mapper", "--reduce=none", *options), stdin=stdin)


def _tiled_by_rows(path):
    """Return the bytes of the .fz that astropy and fpack write by default."""
    from astropy.io import fits

    file = BytesIO()
    with fits.open(path) as units:
        unit = fits.CompImageHDU(units[0].data, units[0].header, compression_type="RICE_1")
        fits.HDUList([fits.PrimaryHDU(), unit]).writeto(file)
    return len(file.getvalue())
