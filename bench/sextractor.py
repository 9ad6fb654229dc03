"""SExtractor set to measure the same: one process a frame, a text file as catalog."""

import shutil

from mr_extract.columns.choice import choose

PROGRAM = shutil.which("source-extractor") or shutil.which("sex")


def parameters(config, options=()):
    """Return SExtractor's names of the columns that it has, and can have with these options."""
    names = {}
    for column in choose(config.output.columns, config.measurement).values():
        name = column.sextractor
        if column.group == "flags" and "FLAG_IMAGE" not in options:
            continue
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
    config : mr_extract.settings.config.Config
        What it shall measure, and how.
    catalog_type : str
        ``ASCII`` or ``FITS_1.0``, which keeps all digits.
    **options
        Further settings of SExtractor by their names.
    """

    def __init__(self, folder, config, catalog_type="ASCII", **options):
        detection, background, measurement = (
            config.detection, config.background, config.measurement
        )
        mask_type = measurement.neighbours.upper()
        self.folder = folder / f"sextractor-{'-'.join(config.output.columns)}-{mask_type}"
        self.folder.mkdir(exist_ok=True)
        self.catalog = self.folder / "catalog"
        (self.folder / "our.param").write_text("\n".join(parameters(config, options)) + "\n")
        rows = "\n".join(" ".join(f"{v:g}" for v in row) for row in detection.filter_kernel)
        (self.folder / "our.conv").write_text(f"CONV NORM\n{rows}\n")
        settings = {
            "CATALOG_NAME": self.catalog,
            "CATALOG_TYPE": catalog_type,
            "PARAMETERS_NAME": self.folder / "our.param",
            "DETECT_MINAREA": detection.minarea,
            "DETECT_THRESH": detection.thresh,
            "ANALYSIS_THRESH": detection.analysis_thresh or detection.thresh,
            "FILTER": "Y",
            "FILTER_NAME": self.folder / "our.conv",
            "DEBLEND_NTHRESH": detection.deblend_nthresh,
            "DEBLEND_MINCONT": detection.deblend_cont,
            "CLEAN": "Y",
            "CLEAN_PARAM": detection.clean_param,
            "MASK_TYPE": mask_type,
            "PHOT_APERTURES": ",".join(f"{d:g}" for d in measurement.apertures),
            "PHOT_AUTOPARAMS": f"{measurement.kron_factor:g},{measurement.kron_min_radius:g}",
            "PHOT_AUTOAPERS":
                f"{measurement.kron_search_diameter:g},{measurement.kron_min_diameter:g}",
            "PHOT_PETROPARAMS": f"{measurement.petro_factor:g},{measurement.petro_min_radius:g}",
            "PHOT_FLUXFRAC": ",".join(f"{f:g}" for f in measurement.flux_fractions),
            "SATUR_KEY": measurement.satur_key,
            "GAIN_KEY": measurement.gain_key,
            "BACK_SIZE": f"{background.bw},{background.bh}",
            "BACK_FILTERSIZE": f"{background.fw},{background.fh}",
            "BACKPHOTO_TYPE": "GLOBAL",
            "PIXEL_SCALE": f"{measurement.pixel_scale:g}",
            "VERBOSE_TYPE": "QUIET",
            **options,
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        (self.folder / "our.sex").write_text(text)

    def command(self, path, detect=None):
        """Return the command that measures a frame, with sources found on it or another one."""
        images = f"{detect},{path}" if detect else str(path)
        return [PROGRAM, images, "-c", str(self.folder / "our.sex")]

    def sources(self):
        """Return the number of rows of the last catalog."""
        return sum(1 for _ in open(self.catalog))
