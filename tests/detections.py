"""Catalogs of detections that are written down without an image."""

import numpy as np

from mr_extract.settings.config import Config
from mr_extract.text.accounting import header, image_line
from mr_extract.text.rows import format_rows

COLUMNS = ("number", "x", "y", "ra", "dec", "flux_auto", "fluxerr_auto", "mag_auto", "magerr_auto",
           "flag")


def write_detections(path, images):
    """Write a catalog.

    Parameters
    ----------
    path : path
    images : dict of str to (dict of str to ndarray, dict of str to object)
        By id the columns, of which ``ra`` and ``dec`` must be there, and what the line says.
    """
    text, total = [], 0
    for image_id in sorted(images):
        columns, said = images[image_id]
        n = len(columns["ra"])
        total += n
        full = {"number": np.arange(1, n + 1, dtype=np.int32), "x": np.full(n, 50.0),
                "y": np.full(n, 50.0), "flux_auto": np.full(n, 100.0, np.float32),
                "fluxerr_auto": np.full(n, 5.0, np.float32),
                "mag_auto": np.full(n, 20.0, np.float32),
                "magerr_auto": np.full(n, 0.05, np.float32), "flag": np.zeros(n, np.int32),
                **columns}
        text.append(image_line(image_id, {"sources": n, "width": 100, "height": 100, **said})
                    .encode() + format_rows(image_id, {name: full[name] for name in COLUMNS}))
    head = header(Config(), ("image", *COLUMNS), {"sep": "1"},
                  {"images": len(images), "failed": 0, "sources": total})
    path.write_bytes(head.encode() + b"".join(text))
