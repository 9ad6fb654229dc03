"""The drawing of the house is true: every room is on the page, and arrows go one way."""

import ast
import re

from conftest import ROOT

PACKAGE = ROOT / "mr_extract"
PAGE = (ROOT / "docs" / "architecture.md").read_text()
# From the ground up: a module takes from its own floor and those below, when it is loaded.
FLOORS = (
    ("failures", "remarks", "addresses", "unpacking", "text", "storage", "settings", "columns",
     "images", "planes", "detection", "measure", "astrometry", "lists", "around", "skymaps",
     "spectra",
     "sextractor", "packed", "standard_output", "objects", "tables"),
    ("stages",),
    ("frames",),
    ("notebook",),
    ("jobs",),
    ("demo", "env_archive", "export"),
)


def imports_of(path):
    """Yield the modules of the package that a module takes when it is loaded."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mr_extract"):
            for name in node.names:
                full = f"{node.module}.{name.name}".replace(".", "/")
                yield (full if (ROOT / f"{full}.py").exists() or (ROOT / full).is_dir()
                       else node.module.replace(".", "/"))


def room_of(place):
    parts = place.split("/")
    return parts[1] if len(parts) > 1 else ""


def test_every_room_is_on_the_page():
    rooms = {path.stem if path.is_file() else path.name for path in PACKAGE.iterdir()
             if path.suffix == ".py" or (path / "__init__.py").exists()} - {"__init__"}
    told = set(re.findall(r"`([a-z_]+)/?`", PAGE)) | set(re.findall(r"\b([a-z_]+)/", PAGE))
    assert rooms <= told, rooms - told
    for room in sorted((PACKAGE / "jobs").iterdir()):
        if (room / "__init__.py").exists():
            assert f"jobs/{room.name}/" in PAGE


def test_arrows_go_one_way():
    floor = {room: k for k, rooms in enumerate(FLOORS) for room in rooms}
    for path in PACKAGE.rglob("*.py"):
        own = room_of(path.relative_to(ROOT).as_posix().removesuffix(".py"))
        for taken in imports_of(path):
            other = room_of(taken)
            if own in floor and other in floor:
                assert floor[other] <= floor[own], f"{path.name} takes {taken}"


def test_mrjob_is_known_in_jobs_alone():
    for path in PACKAGE.rglob("*.py"):
        if "jobs" not in path.parts and "env_archive" not in path.parts:
            assert not re.search(r"^\s*(from|import) mrjob", path.read_text(), re.M), path


def test_no_two_modules_take_from_each_other():
    taken = {}
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(ROOT).as_posix().removesuffix(".py").removesuffix("/__init__")
        taken[name] = set(imports_of(path)) - {name}
    for name, others in taken.items():
        for other in others:
            assert name not in taken.get(other, ()), f"{name} and {other}"


def public_functions(body, within=""):
    """Yield the names and nodes of public functions and methods of a module or class."""
    for node in body:
        own = node.name if hasattr(node, "name") else ""
        is_public = not own.startswith("_") or own.startswith("__")
        if isinstance(node, ast.FunctionDef) and is_public:
            yield within + own, node
        elif isinstance(node, ast.ClassDef) and is_public:
            yield from public_functions(node.body, f"{own}.")
        elif isinstance(node, ast.If | ast.Try):
            yield from public_functions(node.body, within)


def is_annotated(node):
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return node.returns is not None and all(
        one is None or one.annotation or one.arg in ("self", "cls") for one in every)


def test_public_functions_have_types():
    for package in ("mr_extract", "preprocess", "myhadoop"):
        for path in sorted((ROOT / package).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            lacking = [name for name, node in public_functions(ast.parse(path.read_text()).body)
                       if not is_annotated(node)]
            assert not lacking, f"{place}: {', '.join(lacking)}"
