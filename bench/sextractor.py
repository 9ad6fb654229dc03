"""SExtractor set to measure the same: one process a frame, a text file as catalog."""

import shutil

from mr_extract.columns import choose
from mr_extract.config import Config

PROGRAM = shutil.which("source-extractor") or shutil.which("sex")
_MORE_NAMES = {name: f"{name.upper()}_IMAGE"
               for name in ("xmin", "xmax", "ymin", "ymax", "xpeak", "ypeak")}


def parameters(columns):
    """Return SExtractor's names of the columns that it has."""
    config = Config().updated(columns=columns)
    names = {}
    for column in choose(columns, config.measurement).values():
        name = column.sextractor or _MORE_NAMES.get(column.name)
        if column.name == "flag":
            name = "FLAGS"
        if name and column.vector:
            name += f"({len(getattr(config.measurement, column.vector))})"
        if name:
            names[name] = None
    return list(names)


class SExtractor:
    """The program with its files.

    Parameters
    ----------
    folder : Path
        Where its files go.
    columns : sequence of str
        Columns and groups of ours.
    mask_type : str
        ``NONE``, as sep measures, or ``CORRECT``, its own default: pixels of
        neighbours are replaced in apertures.
    """

    def __init__(self, folder, columns, mask_type="NONE"):
        self.folder = folder / f"sextractor-{'-'.join(columns)}-{mask_type}"
        self.folder.mkdir(exist_ok=True)
        self.catalog = self.folder / "catalog.txt"
        (self.folder / "our.param").write_text("\n".join(parameters(columns)) + "\n")
        detection, background, measurement = (
            Config().detection, Config().background, Config().measurement
        )
        rows = "\n".join(" ".join(f"{v:g}" for v in row) for row in detection.filter_kernel)
        (self.folder / "our.conv").write_text(f"CONV NORM\n{rows}\n")
        settings = {
            "CATALOG_NAME": self.catalog,
            "CATALOG_TYPE": "ASCII",
            "PARAMETERS_NAME": self.folder / "our.param",
            "DETECT_MINAREA": detection.minarea,
            "DETECT_THRESH": detection.thresh,
            "ANALYSIS_THRESH": detection.thresh,
            "FILTER": "Y",
            "FILTER_NAME": self.folder / "our.conv",
            "DEBLEND_NTHRESH": detection.deblend_nthresh,
            "DEBLEND_MINCONT": detection.deblend_cont,
            "CLEAN": "Y",
            "CLEAN_PARAM": detection.clean_param,
            "MASK_TYPE": mask_type,
            "PHOT_APERTURES": ",".join(f"{d:g}" for d in measurement.apertures),
            "PHOT_AUTOPARAMS": f"{measurement.kron_factor:g},{measurement.kron_min_radius:g}",
            "PHOT_AUTOAPERS": f"0,{measurement.kron_min_diameter:g}",
            "PHOT_FLUXFRAC": ",".join(f"{f:g}" for f in measurement.flux_fractions),
            "SATUR_KEY": measurement.satur_key,
            "GAIN_KEY": measurement.gain_key,
            "BACK_SIZE": f"{background.bw},{background.bh}",
            "BACK_FILTERSIZE": f"{background.fw},{background.fh}",
            "BACKPHOTO_TYPE": "GLOBAL",
            "VERBOSE_TYPE": "QUIET",
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        (self.folder / "our.sex").write_text(text)

    def command(self, path):
        """Return the command that measures a frame."""
        return [PROGRAM, str(path), "-c", str(self.folder / "our.sex")]

    def sources(self):
        """Return the number of rows of the last catalog."""
        return sum(1 for _ in open(self.catalog))
