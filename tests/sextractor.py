"""The program source-extractor, for comparison."""

import subprocess

from astropy.io import ascii, fits

DEFAULTS = {
    "DETECT_THRESH": 1.5, "ANALYSIS_THRESH": 1.5, "DETECT_MINAREA": 5, "BACK_SIZE": 64,
    "BACK_FILTERSIZE": 3, "DEBLEND_NTHRESH": 32, "DEBLEND_MINCONT": 0.005, "CLEAN": "Y",
    "CLEAN_PARAM": 1.0, "MASK_TYPE": "CORRECT", "PHOT_AUTOPARAMS": "2.5,3.5",
    "WEIGHT_TYPE": "NONE", "GAIN_KEY": "NONE", "SATUR_KEY": "NONE", "STARNNW_NAME": "/dev/null",
    "CATALOG_TYPE": "ASCII_HEAD", "VERBOSE_TYPE": "QUIET",
}


def program(folder, data, weight=None, flags=None, columns=("X_IMAGE", "Y_IMAGE"), **options):
    """Run it on an array and return its table; options are its parameters."""
    files = {"image": data, "weight": weight, "flags": flags}
    for name, values in files.items():
        if values is not None:
            values = values if name == "flags" else values.astype("f4")
            fits.writeto(folder / f"{name}.fits", values, overwrite=True)
    (folder / "columns.param").write_text("\n".join(columns) + "\n")
    (folder / "default.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    settings = {**DEFAULTS, "PARAMETERS_NAME": folder / "columns.param",
                "FILTER_NAME": folder / "default.conv", "CATALOG_NAME": folder / "out.cat",
                "WEIGHT_IMAGE": folder / "weight.fits", **options}
    if flags is not None:
        settings["FLAG_IMAGE"] = folder / "flags.fits"
    command = ["source-extractor", folder / "image.fits", "-c", "/dev/null"]
    for name, value in settings.items():
        command += [f"-{name}", str(value)]
    subprocess.run([str(part) for part in command], check=True, capture_output=True, cwd=folder)
    return ascii.read(folder / "out.cat", format="sextractor")
