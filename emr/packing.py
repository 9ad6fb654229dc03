"""``pack``: code and Python in the user's bucket, where jobs find them."""

import argparse
import os
import sys
import tempfile

from mr_extract.env_archive.archive import environment_archive
from mr_extract.jobs.runners.emr.kept import kept
from mr_extract.jobs.runners.hadoop.shipping import write_code_archive


def add_pack(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``pack``."""
    parser.add_argument("folder", metavar="s3://BUCKET/FOLDER/", help="cloud_tmp_dir of the jobs")
    parser.add_argument("--env-archive", metavar="FILE", help="an archive that is there [it is "
                        "made of the Python that runs this]")


def pack(options: argparse.Namespace) -> int:
    """Bring both to the bucket, unless they are there, and print their addresses."""
    if not options.folder.startswith("s3://"):
        raise ValueError(f"{options.folder} is no address of the kind s3://BUCKET/FOLDER/")
    folder = f"{options.folder.rstrip('/')}/kept/"
    archive = options.env_archive or str(environment_archive(_say))
    with tempfile.TemporaryDirectory() as scratch:
        code = os.path.join(scratch, "mr_extract_code.zip")
        write_code_archive(code)
        for path, stem in ((archive, "env"), (code, "code")):
            uri, words = kept(os.path.abspath(path), folder, stem)
            _say(words)
            print(uri)
    return 0


def _say(text):
    print(f"emr pack: {text}", file=sys.stderr)
