"""Lines of known wavelength: those of lamps and of the night and the stars, or a user's.

Wavelengths are in air, in Angstrom, of the NIST Atomic Spectra Database; the strengths are
rough, and only say which of two close lines is seen.
"""

from __future__ import annotations

import numpy as np

from mr_extract.spectra.tables import words_of

_HE = """3888.65 500 4026.19 50 4471.48 200 4713.15 30 4921.93 20 5015.68 100 5047.74 10
5875.62 500 6678.15 100 7065.19 200 7281.35 50 10830.30 1000"""
_NE = """5341.09 100 5400.56 200 5852.49 200 5881.90 100 5944.83 100 5975.53 60 6030.00 100
6074.34 100 6096.16 80 6143.06 100 6163.59 120 6217.28 150 6266.50 150 6304.79 60 6334.43 200
6382.99 200 6402.25 400 6506.53 300 6532.88 100 6598.95 150 6678.28 300 6717.04 200 6929.47 1000
7024.05 300 7032.41 1000 7173.94 150 7245.17 800 7438.90 100 7488.87 70 7535.77 70 8136.41 70
8300.33 120 8377.61 200 8418.43 50 8495.36 100 8591.26 80 8634.65 100 8654.38 100 8780.62 100
8853.87 80"""
_AR = """4158.59 40 4200.67 120 4259.36 20 4300.10 25 4510.73 100 6965.43 1000 7067.22 1000
7147.04 100 7272.94 200 7383.98 1000 7503.87 2000 7514.65 1500 7635.11 2500 7723.76 1500
7724.21 1000 7948.18 2000 8006.16 2000 8014.79 2500 8103.69 2000 8115.31 3500 8264.52 1000
8408.21 1500 8424.65 2000 8521.44 1500 8667.94 450 9122.97 3500 9224.50 1500 9657.79 2500"""
_HG = """3650.15 900 4046.56 1800 4077.84 150 4358.33 4000 4916.07 80 5460.75 1100 5769.61 240
5790.67 280 6907.52 25"""
_KR = """4273.97 100 4318.55 40 4362.64 50 4376.12 80 4463.69 80 4502.35 60 5562.23 200
5570.29 2000 5870.92 3000 6421.03 100 6456.29 200 7224.10 100 7587.41 1000 7601.54 2000 7685.25
1000 7694.54 1200 7854.82 800 7913.43 200 8059.50 1500 8104.36 4000 8112.90 6000 8190.06 3000
8263.24 3000 8281.05 1500 8298.11 5000 8508.87 3000 8776.75 6000 8928.69 2000"""
_XE = """4193.15 150 4500.98 500 4524.68 400 4582.75 300 4624.28 1000 4671.23 2000 4697.02 300
4734.15 600 4792.62 150 4807.02 500 4829.71 400 4843.29 300 4916.51 500 4923.15 500 5028.28 200
5392.80 100 5566.62 100 5618.88 80 5695.75 100 5823.89 300 5875.02 100 5893.29 100 5934.17 100
6182.42 300 6318.06 500 6469.70 300 6472.84 150 6487.77 120 6498.72 100 6504.18 200 6533.16 100
6595.56 100 6668.92 150 6728.01 200 6827.32 200 6846.61 100 6866.84 100 6872.11 100 6882.16 300
6925.53 100 6976.18 100 7119.60 500
7283.96 80 7285.30 60 7316.27 70 7321.45 80 7386.00 100 7393.79 150 7400.41 30 7559.79 40
7584.68 200 7642.02 500 7643.91 100 7802.65 100 7881.32 100 7887.39 300 7967.34 500 8029.67 100
8057.26 200 8061.34 150 8101.98 100 8171.02 100 8206.34 700 8231.63 10000 8266.52 500
8280.12 7000 8346.82 2000 8409.19 2000 8576.01 50 8648.54 250 8692.20 100 8739.37 300 8819.41
5000 8862.32 300 8908.73 200 8930.83 200 8952.25 1000 8987.57 200 9045.45 400 9162.65 500"""
_CD = """3610.51 1000 4413.06 50 4678.15 200 4799.91 300 5085.82 1000 6438.47 2000"""
_NIGHT = """5577.34 1000 5891.94 100 6300.30 300 6363.78 100 6863.96 60 7276.41 90 7340.88 120
7750.64 130 7794.11 130 7821.50 110 7913.71 170 7964.65 130 7993.33 130 8344.60 130 8399.17 150
8430.17 130 8827.10 180 8885.85 170"""

#: Lamps by the name of what glows in them.
LAMPS = {"He": _HE, "Ne": _NE, "Ar": _AR, "Hg": _HG, "Kr": _KR, "Xe": _XE, "Cd": _CD,
         "night": _NIGHT}

#: What absorbs in a star or the air above us, with half the width in Angstrom of where it does.
#: The bands of O2 begin at 6867 and 7594; these are their middles at resolutions of hundreds.
FEATURES = {"H-alpha": (6562.80, 60.0), "H-beta": (4861.33, 60.0), "H-gamma": (4340.47, 60.0),
            "H-delta": (4101.74, 50.0), "O2-B": (6874.7, 60.0), "O2-A": (7621.0, 80.0)}


def lamp_lines(names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return wavelengths and strengths of lamps, in the order of wavelengths.

    Parameters
    ----------
    names : tuple of str
        Of `LAMPS`.

    Raises
    ------
    ValueError
        For another name.
    """
    rows: list[tuple[float, float]] = []
    for name in names:
        if name not in LAMPS:
            raise ValueError(f"there is no lamp {name!r}; there are {', '.join(LAMPS)}")
        numbers = list(map(float, LAMPS[name].split()))
        rows += zip(numbers[::2], numbers[1::2])
    rows.sort()
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def read_lines(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the lines of a text: a wavelength in Angstrom and, perhaps, a strength in each.

    What follows a ``#``, and further columns, are for people.

    Raises
    ------
    ValueError
        For a line that does not begin with a number greater than 0.
    """
    rows = []
    for number, line, words in words_of(text):
        try:
            wavelength = float(words[0])
        except ValueError:
            wavelength = np.nan
        if not 0 < wavelength < 1e6:
            raise ValueError(f"line {number} does not begin with a wavelength: {line.strip()[:60]}")
        try:
            strength = float(words[1])
        except (IndexError, ValueError):
            strength = 1.0
        rows.append((wavelength, strength if strength > 0 else 1.0))
    rows.sort()
    if not rows:
        raise ValueError("there is no line in it")
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])


def told_apart(
    wavelengths: np.ndarray, strengths: np.ndarray, width: float, share: float = 0.2
) -> np.ndarray:
    """Return the wavelengths of lines that no other blends with.

    Parameters
    ----------
    wavelengths, strengths : ndarray of float64, shape (n,)
        In the order of wavelengths.
    width : float
        Lines nearer than that are blended.
    share : float
        Of the strength of a line, that another near to it may have.
    """
    near = np.abs(wavelengths[:, None] - wavelengths[None, :]) < width
    np.fill_diagonal(near, False)
    others = np.where(near, strengths[None, :], 0.0).max(axis=1)
    return wavelengths[others <= share * strengths]
