"""Background and noise on a mesh."""

import numpy as np

from mr_extract.failures import ImageFailure
from mr_extract.planes.mesh import AnyMesh, mesh_of
from mr_extract.remarks import say
from mr_extract.settings.detecting import Background


def subtract_background(
    data: np.ndarray, settings: Background, mask: np.ndarray | None = None
) -> AnyMesh:
    """Estimate the background and take it off the image, in place.

    Parameters
    ----------
    data : ndarray of float32, shape (height, width)
        The image; on return without its background. In place, because the
        full background image would cost as much memory as the image.
    settings : mr_extract.settings.detecting.Background
        Mesh and filter.
    mask : ndarray of bool, shape (height, width), optional
        True where a pixel does not count.

    Returns
    -------
    sep.Background or mr_extract.planes.mesh.Mesh
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
    for name, side in (("bw", width), ("bh", height)):
        value = getattr(settings, name)
        if value > side and value != getattr(type(settings), name):  # somebody chose it
            say("not-used", f"{name} = {value} beyond the {side} pixels of the image")
    if mask is not None:
        _check_cells(mask, bw, bh)
    mesh = mesh_of(data, mask, bw, bh, settings.fw, settings.fh, settings.fthresh)
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


def global_rms(mesh: AnyMesh) -> float:
    """Return the global rms of the background, 0 where there is no noise at all.

    Parameters
    ----------
    mesh : sep.Background or mr_extract.planes.mesh.Mesh
        From `subtract_background`.

    Returns
    -------
    float
        In image units. sep says 1 where every cell of the mesh has none.
    """
    if mesh.globalrms == 1.0 and not mesh.rms().any():
        return 0.0
    return float(mesh.globalrms)


def background_at(mesh: AnyMesh, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the background at positions.

    Parameters
    ----------
    mesh : sep.Background or mr_extract.planes.mesh.Mesh
        From `subtract_background`.
    x, y : ndarray of float64, shape (n,)
        0-based pixel positions; the nearest pixel is taken.

    Returns
    -------
    ndarray of float32, shape (n,)
        Background in image units; nan for a position that is not finite.
    """
    back = mesh.back()
    somewhere = np.isfinite(x) & np.isfinite(y)
    rows, columns = (
        np.clip(np.rint(np.where(somewhere, place, 0.0)), 0, size - 1).astype(int)
        for place, size in zip((y, x), back.shape)
    )
    return np.where(somewhere, back[rows, columns], np.float32(np.nan))


def cell_values(plane: np.ndarray, bw: int, bh: int) -> np.ndarray:
    """Return the values of the cells of a mesh, of which sep gives only the splines.

    Parameters
    ----------
    plane : ndarray of float32, shape (height, width)
        `back()` or `rms()` of a `sep.Background`.
    bw, bh : int
        Width and height of its cells in pixels.

    Returns
    -------
    ndarray of float64, shape (cells down, cells across)
    """
    rows, down = _towards_nodes(plane.shape[0], bh, 0.0)
    columns, across = _towards_nodes(plane.shape[1], bw, 0.5)
    samples = plane[rows[:, :, None, None], columns].astype(float)
    return np.einsum("jaib,ja,ib->ji", samples, down, across)


def _towards_nodes(size, step, shift):
    """Return pixels about the nodes along an axis, and the weights that give the values there.

    sep's nodes are half a cell from its first pixel, along rows half a pixel less;
    the last may lie beyond the image. Between two of them the spline is a cubic,
    so four pixels are enough.
    """
    count = -(-size // step)
    if count == 1:
        return np.zeros((1, 1), np.int64), np.ones((1, 1))
    nodes = (np.arange(count) + 0.5) * step - shift
    left = np.minimum(np.arange(count), count - 2)
    first = np.ceil(nodes[left])
    last = np.minimum(np.floor(nodes[left + 1]), size - 1)
    steps = int(min(3, max(1, (last - first).min())))
    places = np.floor(first[:, None] + (last - first)[:, None] * np.arange(steps + 1) / steps)
    weights = np.ones_like(places)
    for k in range(steps + 1):
        for other in set(range(steps + 1)) - {k}:
            weights[:, k] *= (nodes - places[:, other]) / (places[:, k] - places[:, other])
    return places.astype(np.int64), weights
