"""A picture of a frame with the ellipses of its sources."""

from collections.abc import Mapping

import numpy as np


def draw(
    image: np.ndarray, columns: Mapping[str, np.ndarray], path: str, title: str, size: int = 600
) -> None:
    """Draw the part of a frame that holds most sources, with their Kron ellipses.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width)
    columns : dict of str to ndarray, shape (n,)
        `x`, `y`, `a`, `b`, `theta` (degrees), `kron_radius`, `flag`.
    path : str
        Where the PNG goes.
    title : str
    size : int
        Side of the part in pixels.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import Ellipse

    x0, y0 = _busiest(image.shape, columns["x"], columns["y"], size)
    part = image[y0 : y0 + size, x0 : x0 + size]
    middle = np.nanmedian(part)
    noise = 1.4826 * np.nanmedian(np.abs(part - middle)) or 1.0
    figure, axes = pyplot.subplots(figsize=(9, 9), dpi=110, layout="constrained")
    axes.imshow(np.arcsinh((part - middle) / (3 * noise)), origin="lower", cmap="gray_r",
                vmin=-0.7, vmax=4, extent=(x0 - 0.5, x0 + part.shape[1] - 0.5,
                                           y0 - 0.5, y0 + part.shape[0] - 0.5))
    for k in range(len(columns["x"])):
        radius = columns["kron_radius"][k]
        if not np.isfinite(radius) or radius <= 0:
            continue
        axes.add_patch(Ellipse(
            (columns["x"][k], columns["y"][k]), 2 * radius * columns["a"][k],
            2 * radius * columns["b"][k], angle=columns["theta"][k], fill=False, linewidth=0.8,
            edgecolor="tab:orange" if columns["flag"][k] else "tab:blue",
        ))
    axes.set(xlim=(x0 - 0.5, x0 + part.shape[1] - 0.5), ylim=(y0 - 0.5, y0 + part.shape[0] - 0.5),
             title=title, xlabel="x (pixels)", ylabel="y (pixels)")
    axes.plot([], [], color="tab:blue", label="Kron ellipse")
    axes.plot([], [], color="tab:orange", label="flagged (blend, border, saturation ...)")
    axes.legend(loc="upper right", fontsize=8, framealpha=0.5)
    figure.savefig(path)
    pyplot.close(figure)


def _busiest(shape, x, y, size):
    corners = [
        (i, j)
        for j in range(0, max(shape[0] - size, 0) + 1, max(size // 2, 1))
        for i in range(0, max(shape[1] - size, 0) + 1, max(size // 2, 1))
    ]
    def sources(corner):
        i, j = corner
        return np.count_nonzero((x >= i) & (x < i + size) & (y >= j) & (y < j + size))
    return max(corners, key=sources)
