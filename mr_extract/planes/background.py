"""Background and noise on a mesh."""

import numpy as np
import sep

from mr_extract.failures import ImageFailure


def subtract_background(data, settings, mask=None):
    """Estimate the background and take it off the image, in place.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        The image; on return without its background. In place, because the
        full background image would cost as much memory as the image.
    settings : mr_extract.config.Background
        Mesh and filter.
    mask : ndarray of bool, shape (height, width), optional
        True where a pixel does not count.

    Returns
    -------
    sep.Background
        The mesh; `globalback` and `globalrms` are in image units.

    Raises
    ------
    ImageFailure
        ``no-valid-pixels`` when no pixel counts, ``no-background`` when no
        cell of the mesh is at least half valid.
    """
    if mask is not None and mask.all():
        raise ImageFailure("no-valid-pixels", "every pixel is blank, NaN or masked")
    height, width = data.shape
    bw, bh = min(settings.bw, width), min(settings.bh, height)
    if mask is not None:
        _check_cells(mask, bw, bh)
    mesh = sep.Background(
        data,
        mask=mask,
        bw=bw,
        bh=bh,
        fw=settings.fw,
        fh=settings.fh,
        fthresh=settings.fthresh,
    )
    if settings.back_type == "manual":
        data -= np.float32(settings.back_value)
    else:
        mesh.subfrom(data)
    return mesh


def _check_cells(mask, bw, bh):
    # sep passes over cells that are less than half valid; with none left it
    # makes up a background of 0 and an rms of 1.
    height, width = mask.shape
    rows, columns = np.arange(0, height, bh), np.arange(0, width, bw)
    masked = np.add.reduceat(np.add.reduceat(mask, rows, 0, np.int64), columns, 1)
    sizes = np.outer(np.minimum(bh, height - rows), np.minimum(bw, width - columns))
    if not (2 * masked < sizes).any():
        raise ImageFailure(
            "no-background",
            f"no background cell of {bw} x {bh} pixels is more than half valid; "
            "choose other --bw and --bh",
        )


def global_rms(mesh):
    """Return the global rms of the background, 0 where there is no noise at all.

    Parameters
    ----------
    mesh : sep.Background
        From `subtract_background`.

    Returns
    -------
    float
        In image units. sep says 1 where every cell of the mesh has none.
    """
    if mesh.globalrms == 1.0 and not mesh.rms().any():
        return 0.0
    return float(mesh.globalrms)


def background_at(mesh, x, y):
    """Return the background at positions.

    Parameters
    ----------
    mesh : sep.Background
        From `subtract_background`.
    x, y : ndarray of float64, shape (n,)
        0-based pixel positions; the nearest pixel is taken.

    Returns
    -------
    ndarray of float32, shape (n,)
        Background in image units.
    """
    back = mesh.back()
    rows = np.clip(np.rint(y), 0, back.shape[0] - 1).astype(int)
    columns = np.clip(np.rint(x), 0, back.shape[1] - 1).astype(int)
    return back[rows, columns]
