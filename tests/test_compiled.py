"""Compiled kernels and their twins: the same bytes."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import draws
import numpy as np
import pytest
from astropy.io import fits
from compilers import COMPILER, sanitizer
from conftest import LAUNCHER, ROOT

from bench.speed.crowded import field
from mr_extract.detection import scanning
from mr_extract.frames.measuring import measure_image
from mr_extract.images import Image
from mr_extract.planes import mesh
from mr_extract.settings.config import Config

SOURCES = Path(mesh.__file__).parent.parent / "compiled"
built = pytest.mark.needs("compiled")


def compile_to(folder, *options):
    """Compile the kernels into a copy of their package, and return the folder of the copy."""
    package = folder / "mr_extract" / "compiled"
    shutil.copytree(SOURCES.parent, package.parent, ignore=shutil.ignore_patterns("*.so"))
    subprocess.run(
        [COMPILER, "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
         "-ffp-contract=off", f"-I{sysconfig.get_paths()['include']}", *options,
         *map(str, sorted(SOURCES.glob("*.c"))), "-o", str(package / "kernels.abi3.so"), "-lm"],
        check=True)
    return folder


@built
@pytest.mark.parametrize("draw, same", draws.COMPARED)
def test_both_ways_give_the_same_bytes(draw, same):
    rng = np.random.default_rng(11)
    for number in range(100):
        assert same(draw(rng)), number


@built
@pytest.mark.parametrize("stars", [300, 2000])
def test_a_catalog_does_not_say_which_way_it_was_made(monkeypatch, stars):
    image = field(600, stars)
    config = Config().updated(columns=("all",))
    ours = measure_image(Image(image.copy()), config).columns
    for module in draws.MODULES:
        monkeypatch.setattr(module, "kernels", None)
    theirs = measure_image(Image(image.copy()), config).columns
    assert len(ours["x"]) > stars / 4
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)


@built
def test_blends_of_many_parts_are_shared_out_as_sep_does():
    rng = np.random.default_rng(2)
    v, u = np.mgrid[:400, :400]
    image = rng.normal(0.0, 1.0, u.shape) + 3000.0 * np.exp(-np.hypot(u - 200, v - 200) / 20.0)
    for x, y in rng.uniform(20, 380, (300, 2)):
        image += rng.uniform(20, 900) * np.exp(-0.5 * ((u - x) ** 2 + (v - y) ** 2) / 4.0)
    config = Config().detection
    arguments = image.astype(np.float32), 1.5, 1.0, None, 0.0, config
    assert len(scanning.scan(*arguments)[0]) > 50
    assert draws.same_scan(arguments)


@built
def test_what_might_not_fit_into_the_buffers_of_sep_is_left_to_it():
    checks = np.indices((300, 300)).sum(0) % 2
    image = np.where(checks, 100.0, 1.0).astype(np.float32)
    settings = Config().updated(filter_kernel=(), deblend_nthresh=2).detection
    assert scanning._compiled(image, 0.5, 1.0, None, 0.0, settings) is None


def test_a_switch_leaves_the_compiled_kernels_out():
    program = "from mr_extract.compiled import kernels; print(kernels)"
    environment = {**os.environ, "MR_EXTRACT_COMPILED": "0"}
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True,
                          text=True, check=True)
    assert said.stdout == "None\n" and said.stderr == ""


def told(*words):
    environment = {**os.environ, "MR_EXTRACT_COMPILED": "0"}
    return [subprocess.run([sys.executable, *words], env=env, cwd=ROOT, capture_output=True,
                           text=True, check=True) for env in (os.environ, environment)]


@built
def test_whether_there_are_compiled_kernels_is_told():
    there, absent = told("-m", "mr_extract.compiled")
    assert there.stdout.startswith("compiled kernels: ")
    assert absent.stdout.startswith("no compiled kernels") and "MR_EXTRACT_COMPILED=0" in (
        absent.stdout)


@built
def test_a_job_says_how_many_images_had_no_compiled_kernels(tmp_path):
    fits.PrimaryHDU(field(100, 5)).writeto(tmp_path / "a.fits")
    (tmp_path / "list.txt").write_text(f"{tmp_path}/a.fits\n")
    there, absent = told(LAUNCHER, "-r", "inline", tmp_path / "list.txt")
    assert "without compiled kernels" not in there.stderr
    assert "1 images measured without compiled kernels" in absent.stderr
    assert there.stdout == absent.stdout


def compared(folder, number, **environment):
    """Compare the ways on draws, with the kernels that were compiled into a folder."""
    environment = {**os.environ, "PYTHONPATH": str(folder), "OPENBLAS_NUM_THREADS": "1",
                   **environment}
    environment.pop("MR_EXTRACT_COMPILED", None)
    run = subprocess.run([sys.executable, draws.__file__, str(number)], env=environment,
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]


@pytest.mark.needs("sanitizers")
def test_sanitizers_have_nothing_to_say(tmp_path):
    folder = compile_to(tmp_path, "-g", "-O1", "-fsanitize=address,undefined",
                        "-fno-sanitize-recover=all")
    compared(folder, 12, LD_PRELOAD=sanitizer(), ASAN_OPTIONS="detect_leaks=0")


@pytest.mark.needs("compiler")
@pytest.mark.parametrize("options", [("-O0",), ("-O3", "-march=native")], ids=" ".join)
def test_bytes_do_not_depend_on_what_the_compiler_makes_of_it(tmp_path, options):
    """The second has instructions that fuse a product and a sum, and is not to use them."""
    compared(compile_to(tmp_path, *options), 5)


@pytest.mark.needs("compiler")
def test_it_is_one_file_for_all_pythons(tmp_path):
    """Only names of the stable ABI are asked of Python."""
    for source in SOURCES.glob("*.[ch]"):
        before, python, _ = source.read_text().partition("#include <Python.h>")
        assert not python or "#define Py_LIMITED_API 0x030B0000" in before, source.name
    folder = compile_to(tmp_path, "-O1")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    for version in ("3.11", "3.12", "3.13"):
        python = shutil.which(f"python{version}")
        if python is None or subprocess.run([python, "-V"], capture_output=True).returncode:
            continue
        program = "import mr_extract.compiled as c; assert c.kernels.scan"
        subprocess.run([python, "-c", program], env=environment, check=True)
