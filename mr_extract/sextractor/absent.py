"""SExtractor's catalogue parameters that have no column here, each with the reason."""

import re
from itertools import product

_AXES = "X2|Y2|XY|CXX|CYY|CXY"
_FOUR = "FLUX|FLUXERR|MAG|MAGERR"
_WHERE = "IMAGE|WORLD"
_SYSTEM = "SKY|J2000|B1950"
_ANGLE = "IMAGE|WORLD|SKY|J2000|B1950"

# Reason: names, of which (A|B) stands for A and for B, and (A|) for A and for nothing.
_ABSENT = (
    ("the parent of a deblended source is not known", "ID_PARENT"),
    ("the neural network is not here; size_excess tells stars from galaxies",
     "CLASS_STAR CLASS_STAR_MODEL"),
    ("low weights are flagged (FLAGS_WEIGHT), not counted", "NLOW(|D)WEIGHT_ISO"),
    ("the highest threshold that detects a source is not searched", "THRESHOLDMAX"),
    ("sources are measured together: none has a time of its own", "DURATION_ANALYSIS"),
    ("MAMA is a measuring machine", "(X|Y)_MAMA"),
    ("no focal-plane coordinates are computed", "(X|Y)(|PEAK|WIN)_FOCAL"),
    ("positions are not precessed to B1950; astropy does it with ra and dec",
     "(ALPHA|DELTA)(|PEAK|WIN)_B1950 (|ERR)THETA(|WIN)_B1950"),
    ("cut-outs are not resampled; VIGNET has the pixels as they are", "VIGNET_SHIFT"),
    ("differential geometry maps are not applied", "DGEO(X|Y)(|WIN)_IMAGE VIGNET_DGEO(X|Y)"),
    ("growth curves are not kept; FLUX_APER at several diameters gives one",
     "(FLUX|MAG)_GROWTH(|STEP)"),
    ("self-organising maps are not fitted", f"({_FOUR}|ERROR|VECTOR)_SOMFIT"),
    ("of the PSF fit there are flux, place in pixels, CHI2_PSF and SPREAD_MODEL",
     f"FWHMPSF_({_WHERE}) (X|Y)PSF_WORLD (ALPHA|DELTA)PSF_({_SYSTEM}) NITER_PSF "
     f"ERR({_AXES})PSF_({_WHERE}) ERR(A|B)PSF_({_WHERE}) "
     f"ERRTHETAPSF_({_ANGLE})"),
    ("principal components are not fitted, nor by SExtractor any more",
     f"PC (X2|Y2|XY|A|B|THETA)PC_IMAGE ({_FOUR}|ERROR)_GALFIT GAL(D|B)(ANG|SCALE|ASPEC)_IMAGE "
     "GALBRATIO_IMAGE GALDE(1|2)_IMAGE"),
    ("no model is fitted",
     f"(CHI2|FLAGS|NITER|{_FOUR})_(|DET)MODEL VECTOR_MODEL (VECTOR|MATRIX)_MODELERR "
     f"({_FOUR})_HYBRID (FLUX|MU)_(MAX|EFF|MEAN)_(MODEL|SPHEROID|DISK) (X|Y)MODEL_({_WHERE}) "
     f"(X|Y)FOCAL_WORLD (ALPHA|DELTA)MODEL_({_SYSTEM}) (|ERR)({_AXES}|A|B)MODEL_({_WHERE}) "
     f"(|ERR)THETAMODEL_({_ANGLE}) (ELLIP|POLAR)(1|2|1ERR|2ERR|CORR)MODEL_({_WHERE}) "
     f"NOISEAREA_MODEL FLUX(|ERR)_BACKOFFSET "
     f"({_FOUR}|FLUXRATIO|FLUXRATIOERR)_(POINTSOURCE|SPHEROID|DISK|BAR|ARMS) "
     f"(SPHEROID_REFF|DISK_SCALE|BAR_LENGTH)(|ERR)_({_WHERE}) "
     f"(SPHEROID|DISK|BAR)_ASPECT(|ERR)_({_WHERE}) (SPHEROID|DISK|BAR)_THETA_({_ANGLE}) "
     f"(SPHEROID|DISK|BAR)_THETAERR_({_WHERE}) SPHEROID_SERSICN(|ERR) DISK_INCLINATION(|ERR) "
     f"DISK_PATTERN(|ARG|MOD)_VECTOR DISK_PATTERN_SPIRAL BAR_POSANG(|ERR) "
     f"ARMS_(SCALE|START)(|ERR)_({_WHERE}) ARMS_(PITCH|POSANG|QUADFRAC)(|ERR) "
     f"ARMS_THETA_(WORLD|{_SYSTEM})"),
)


def _spelled_out(text):
    parts = [part.strip("()").split("|") for part in re.findall(r"\([^)]*\)|[^()]+", text)]
    return ["".join(choice) for choice in product(*parts)]


GROUPS = tuple(
    (reason, [name for word in names.split() for name in _spelled_out(word)])
    for reason, names in _ABSENT
)
REASONS = {name: reason for reason, names in GROUPS for name in names}
