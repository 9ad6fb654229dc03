"""Pages of documentation: the commands that stand there, and a folder in which they run."""

import os
import re
import sys

from conftest import ROOT, command

CHECKOUT = (
    "Makefile", "setup.py", "mr_extract.py", "mr_extract", "preprocess", "myhadoop", "bench",
)


def read_page(name, *titles):
    """Return the text of a page, or of its sections with these titles."""
    text = (ROOT / name).read_text()
    sections = {part.partition("\n")[0]: part for part in text.split("\n## ")}
    return "\n".join(sections[title] for title in titles) if titles else text


def examples_of(text):
    """Return each block of commands and what is printed below it, '' where nothing is."""
    return re.findall(r"^```sh\n(.*?)^```(?:\n\n```text\n(.*?)^```)?", text,
                      re.MULTILINE | re.DOTALL)


def commands_of(text):
    """Return each block of commands."""
    return [commands for commands, _ in examples_of(text)]


def shell_in(folder, env=None, timeout=240):
    """Return a function that runs commands in a folder, which it makes look like a checkout.

    Its ``.venv`` is the Python that runs the tests, with all that make would install.
    """
    for name in CHECKOUT:
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "python3"):
        (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        (programs / name).chmod(0o755)
    for stamp in (".demo", ".test", ".archive"):
        (programs.parent / stamp).touch()
    env = {"PATH": os.environ["PATH"], **(env or {})}
    env["PATH"] = f"{programs}{os.pathsep}{env['PATH']}"
    # A make within a make tells of its folders.
    bash = ["env", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "bash", "-euc"]
    return lambda text: command([*bash, text], cwd=folder, env=env, timeout=timeout)
