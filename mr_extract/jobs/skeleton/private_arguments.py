"""Options whose values nobody else may read, in a file in place of a command line.

Everybody on a machine sees the commands that run there, and whoever sees a job of Hadoop its
command. So options that hold a secret go to tasks in a file that is the user's alone, and a
user may give them in such a file too.
"""

import os
from collections.abc import Sequence

from mr_extract.addresses import shown_rule
from mr_extract.jobs.runners.hadoop.plain_arguments import given, plain
from mr_extract.storage.output import for_me_alone

OPTION = "--private"


def hidden(arguments: Sequence[str], folder: str) -> tuple[list[str], str]:
    """Return the arguments that all may see, and the path of a file with the others.

    Parameters
    ----------
    arguments : sequence of str
        Each an option with its value, as ``--mask-image=RULE``.
    folder : str
        Where the file is written, if one is needed.

    Returns
    -------
    seen : list of str
    path : str
        Empty where all may be seen.
    """
    secret = [one for one in arguments if shown_rule(one) != one]
    if not secret:
        return list(arguments), ""
    path = os.path.join(folder, "private-options")
    with open(path, "w", encoding="ascii", opener=for_me_alone) as file:
        file.writelines(f"{one}\n" for one in plain(secret))
    return [one for one in arguments if one not in secret], path


def revealed(arguments: Sequence[str]) -> list[str]:
    """Return arguments, those of files that ``--private`` names in its place.

    Parameters
    ----------
    arguments : sequence of str

    Raises
    ------
    ValueError
        For a file that cannot be read.
    """
    found, rest = [], iter(arguments)
    for one in rest:
        path = next(rest, "") if one == OPTION else one.removeprefix(f"{OPTION}=")
        if path == one:
            found.append(one)
            continue
        try:
            with open(path, encoding="utf-8") as file:
                lines = [line.strip() for line in file]
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{OPTION} {path}: it cannot be read: "
                             f"{getattr(error, 'strerror', None) or error}") from error
        found += given([line for line in lines if line and not line.startswith("#")])
    return found
