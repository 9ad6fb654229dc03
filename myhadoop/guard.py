"""Run a command until it ends or standard input does: ``python -m myhadoop.guard COMMAND``.

The command and all its descendants are killed at the end, those in sessions of their own too.
A line on standard input has the command asked to end (SIGTERM). The exit status is the
command's, 128 and its number for a signal.
"""

import os
import select
import signal
import subprocess
import sys

from myhadoop.keeper import adopt_orphans, end_all, reap


def main(command: list[str]) -> int:
    """Run it and return its exit status."""
    adopt_orphans()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    while child.poll() is None:
        if select.select([0], [], [], 0.1)[0]:
            if not os.read(0, 4096):
                break
            child.send_signal(signal.SIGTERM)
    status = child.poll()
    end_all()
    reap()
    if status is None:
        return 128 + signal.SIGKILL
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except OSError as error:
        print(f"myhadoop: {error}", file=sys.stderr)
        code = 127
    sys.exit(code)
