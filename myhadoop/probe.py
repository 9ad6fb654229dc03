"""What a host lacks: ``python probe.py SCRATCH JAVA JAR``, printed as JSON with its clock.

Standard library alone.
"""

import json
import os
import sys
import time


def lacks(scratch: str, java: str, jar: str) -> str:
    """Say in a few words what is missing, an empty text when nothing."""
    if not os.access(java, os.X_OK):
        return f"has no java at {java}"
    if not os.path.exists(jar):
        return f"does not see Hadoop's jars, {jar}"
    if not os.path.isdir(scratch):
        return f"has no folder {scratch} for scratch"
    if not os.access(scratch, os.W_OK):
        return f"may not write to {scratch}, the scratch"
    room = os.statvfs(scratch)
    if room.f_bavail * room.f_frsize < 1 << 30:
        return f"has less than 1 GB left in {scratch}"
    return ""


if __name__ == "__main__":
    print(json.dumps({"time": time.time(), "lacks": lacks(*sys.argv[1:])}))
