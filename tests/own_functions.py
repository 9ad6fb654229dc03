"""Functions of a user's, good and bad, for the tests of `mr_extract.jobs.apply`."""

import ctypes
import json
import locale
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from astropy.table import Table

LARGE = 16 << 20  # bytes


def level(data):
    """The middle of an image, and how far it is."""
    print("this is no row")
    return {"median": float(np.median(data)), "pixels": int(data.size), "shape": str(data.shape)}


def nothing():
    return None


def given(path, file, hdul, data, header, wcs, id, uri, fields, filter, mjd: float, factor,
          notes, folder, absent="none"):
    """What every parameter gets."""
    return {
        "same": Path(path).read_bytes() == file.read(),
        "hdus": len(hdul), "mean": float(np.mean(data)), "naxis1": header["NAXIS1"],
        "ra": float(wcs.wcs.crval[0]), "id": id, "uri": os.path.basename(uri),
        "fields": ",".join(sorted(fields)), "filter": filter, "mjd": mjd, "factor": factor,
        "notes": json.loads(Path(notes).read_text())["k"],
        "folder": ",".join(sorted(p.name for p in Path(folder).rglob("*") if p.is_file())),
        "absent": absent}


def masked(image):
    return {"bad": 0 if image.mask is None else int(image.mask.sum()), "hdu": image.hdu}


def as_table(data):
    rows = Table({"x": np.arange(3.0), "n": np.arange(3), "name": ["a", "b", "c"]})
    rows["x"].unit = "pix"
    return rows


def as_frame(data):
    import pandas

    return pandas.DataFrame({"x": [1.5, 2.5], "name": ["a", "b"]})


def declared(data):
    return [{"flux": np.float32(0.1), "n": 3, "rest": 0}]


declared.columns = {"flux": "f4:Jy", "n": "i4"}


def cutouts(data):
    """Arrays, HDUs and files that are kept."""
    from astropy.io import fits

    Path("notes.txt").write_text("the corner is bright\n")
    return [{"k": k, "corner": data[:4 + k, :5].copy()} for k in (1, 2)] and {
        "corner": data[:4, :5].copy(), "notes": Path("notes.txt"),
        "units": fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(data[:2, :2].copy())])}


def side_data(folder):
    """Write what `beside` is given, and return the options that say so."""
    (folder / "notes.json").write_text('{"k": 7}')
    (folder / "flats" / "r").mkdir(parents=True)
    (folder / "flats" / "a.txt").write_text("a")
    (folder / "flats" / "r" / "b.txt").write_text("b")
    return ["--files", f"notes={folder / 'notes.json'}", "--files", f"folder={folder / 'flats'}"]


def slowly(data):
    time.sleep(0.03)
    return cutouts(data)


def large(id):
    """A file that is not written in a moment."""
    with open("large.bin", "wb") as file:
        file.write(id.encode())
        file.truncate(LARGE)
    return {"large": Path("large.bin")}


def beside(data, notes, folder, seen=None):
    """What came along, whether it may be written, and a file that is kept."""
    names = sorted(path.relative_to(folder) for path in Path(folder).rglob("*") if path.is_file())
    files = [Path(notes), *(Path(folder, name) for name in names)]
    if seen:
        place = os.path.realpath(folder)
        Path(seen, place.replace("/", "_")).write_text(place)
    return {"notes": json.loads(Path(notes).read_text())["k"],
            "folder": ",".join(f"{name}={Path(folder, name).read_text()}" for name in names),
            "writable": any(path.stat().st_mode & 0o222 for path in files),
            "corner": data[:4, :5].copy()}


def drawn():
    return {"one": float(np.random.random())}


def mixed(id):
    return {"n": 1.5 if "0012" in id else 1}


# What may go wrong at one image of several.


def misbehaves(data, what=""):
    """Do something wrong where a line says what; of all others say how the process is."""
    return globals()[f"_{what}"](data) if what else _state(data)


def _state(data):
    mask = os.umask(0)
    os.umask(mask)
    return {"mean": float(np.mean(data)), "files": len(os.listdir(".")), "mask": mask,
            "variable": os.environ.get("OWN_FUNCTION", ""),
            "locale": locale.setlocale(locale.LC_NUMERIC),
            "ignored": signal.getsignal(signal.SIGUSR1) == signal.SIG_IGN,
            "threads": threading.active_count(), "limit": sys.getrecursionlimit(),
            "stdin": sys.stdin.read(10), "errors": np.geterr()["divide"]}


def _raises(data):
    print("looked at it")
    raise ValueError("no stars")


def _returns_nonsense(data):
    return 42


def _returns_other_columns(data):
    return {**_state(data), "mean": "text"}


def _hangs(data):
    print("waiting", flush=True)
    time.sleep(1000)


def _leaks(data):
    held = []
    while True:
        held.append(np.ones(10_000_000))


def _exits(data):
    sys.exit(3)


def _leaves(data):
    os._exit(0)


def _crashes(data):
    ctypes.string_at(0)


def _crashes_with_child(data):
    if not os.fork():
        time.sleep(1000)
    ctypes.string_at(0)


def _recurses(data):
    return _recurses(data)


def _prints(data):
    print("#image\tnobody")
    os.write(1, b"#error\tnobody\tlost\tnot me\n")
    subprocess.run(["echo", "#image", "nobody"])
    ctypes.CDLL(None).puts(b"#image\tnobody")
    return _state(data)


def _wanders(data):
    Path("left.txt").write_text("x")
    os.chdir("/")
    return _state(data) | {"files": 0}


def _removes_folder(data):
    state = _state(data)
    os.rmdir(os.getcwd())
    return state


def _patches(data):
    from astropy.io import fits

    state = _state(data)
    np.mean, fits.open = lambda values: 0.0, None
    fits.HDUList.__len__ = lambda self: 0
    return state


def _starts_thread(data):
    state = _state(data)
    threading.Thread(target=time.sleep, args=(1000,)).start()
    return state


def _starts_daemon(data):
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.execvp("sleep", ["sleep", "987"])
        os._exit(0)
    return _state(data)


def _closes(data):
    state = _state(data)
    sys.stdout.close()
    for number in (0, 1, 2):
        os.close(number)
    return state


def _closes_all(data):
    os.closerange(0, 256)
    kept = [open(f"file-{k}", "wb") for k in range(8)]
    return _state(data) | {"files": len(kept)}


def _changes(data):
    state = _state(data)
    os.environ["OWN_FUNCTION"] = "changed"
    os.umask(0o777)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    np.seterr(all="raise")
    sys.setrecursionlimit(900)
    return state
