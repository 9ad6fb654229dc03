"""What is asked of a simulated night, and how each of its frames was taken.

A night scans one strip of sky several times, and cuts each scan into frames that overlap by
`OVERLAP` rows. Frames are numbered field by field, the passes over a field one after the other,
so that what frame k shows does not depend on how many frames there are.
"""

from dataclasses import dataclass

import numpy as np

from preprocess.simulation.projection import Strip, TangentPlane, frame_projection

#: Rows and columns of a frame, as in SDSS.
SHAPE = (1489, 2048)

#: Arcseconds per pixel.
PIXEL_SCALE = 0.396

#: Rows that neighbouring frames of a scan share (half of the frame if that is less).
OVERLAP = 128

#: Detector: electrons per ADU, read noise in electrons, level in ADU at which pixels are clipped.
GAIN, READ_NOISE, SATURATION = 4.7, 4.6, 65000

#: Mean conditions: zero point in mag for 1 ADU, sky in ADU per pixel, FWHM in arcsec.
ZERO_POINT, SKY_LEVEL, SEEING = 28.2, 140.0, 1.2

FILTER = "r"
CAMERA_COLUMN = 3
FIRST_FIELD = 11
FIRST_MJD = 54000.2

#: Seconds from one row of the scan to the next, and of exposure of each row.
ROW_SECONDS, EXPOSURE_SECONDS = 0.026322, 53.907456

#: Marks of generators other than those of the sky (1) and of the noise ([seed, frame]).
_PASS, _FRAME, _DETECTOR = 2, 3, 4


@dataclass(frozen=True)
class Exposure:
    """How one frame was taken.

    Attributes
    ----------
    frame : int
        Number of the frame in the night, from 0.
    run, field : int
        Number of the pass over the strip, from 1, and of the field along it.
    along, across : float
        Strip coordinates of the middle of the frame, in degrees.
    rotation : float
        Angle of the detector against the strip in degrees, from +x towards +y.
    projection : TangentPlane
        From sky to pixels.
    mjd : float
        Modified Julian date at the start.
    seeing : float
        FWHM of the PSF in arcsec.
    zero_point : float
        Magnitude of 1 ADU.
    sky : float
        Mean sky in ADU per pixel.
    gradient : tuple of float
        Change of the sky in ADU across the frame, along x and along y.
    """

    frame: int
    run: int
    field: int
    along: float
    across: float
    rotation: float
    projection: TangentPlane
    mjd: float
    seeing: float
    zero_point: float
    sky: float
    gradient: tuple[float, float]

    @property
    def name(self) -> str:
        """Name of the file."""
        return f"frame-{FILTER}-{self.run:06d}-{CAMERA_COLUMN}-{self.field:04d}.fits"

    @property
    def fwhm(self) -> float:
        """FWHM of the PSF in pixels."""
        return self.seeing / PIXEL_SCALE


@dataclass(frozen=True)
class Night:
    """What is asked of a night.

    Parameters
    ----------
    seed : int
        Seed of everything random, 0 or more.
    shape : tuple of int, optional
        Rows and columns of a frame, 32 to 16,384 each.
    passes : int, optional
        How many times the strip is scanned, 1 to 99.
    density : float, optional
        Factor on the number of sources per area, 0 to 50; 1 is a field far from the Milky Way.
    ra, dec : float, optional
        ICRS position in degrees of the middle of the first field.

    Raises
    ------
    ValueError
        When a value is out of range: one line that names it.
    """

    seed: int
    shape: tuple[int, int] = SHAPE
    passes: int = 2
    density: float = 1.0
    ra: float = 150.0
    dec: float = 2.0

    def __post_init__(self) -> None:
        """Refuse what is out of range."""
        if not 0 <= self.seed < 2**63:
            raise ValueError(f"seed must be 0 or more and below 2^63, not {self.seed}")
        if len(self.shape) != 2 or not all(32 <= side <= 16384 for side in self.shape):
            sides = "x".join(map(str, self.shape))
            raise ValueError(f"shape must be HEIGHTxWIDTH of 32 to 16384 pixels, not {sides}")
        if not 1 <= self.passes <= 99:
            raise ValueError(f"passes must be 1 to 99, not {self.passes}")
        if not 0 <= self.density <= 50:
            raise ValueError(f"density must be 0 to 50, not {self.density}")
        if not (0 <= self.ra <= 360 and -90 <= self.dec <= 90):
            raise ValueError(f"no such place on the sky: ra {self.ra}, dec {self.dec}")

    @property
    def strip(self) -> Strip:
        """The strip that is scanned."""
        return Strip(self.ra, self.dec)

    def exposure(self, frame: int) -> Exposure:
        """Say how a frame was taken.

        Parameters
        ----------
        frame : int
            Number of the frame, from 0.

        Returns
        -------
        exposure : Exposure
            Numbers are rounded to what the header cards hold.

        Raises
        ------
        ValueError
            When the strip has come round the whole sky before this frame.
        """
        field, scan = divmod(frame, self.passes)
        height = self.shape[0]
        rows = field * (height - min(OVERLAP, height // 2))
        if rows * PIXEL_SCALE / 3600 > 359:
            raise ValueError(f"frame {frame} is past the end of the strip: ask for fewer frames")
        of_pass = np.random.default_rng([self.seed, scan, _PASS])
        offset = np.zeros(2) if scan == 0 else of_pass.uniform(-20, 20, 2) * PIXEL_SCALE / 3600
        rotation = of_pass.uniform(-0.1, 0.1)
        pass_seeing, pass_sky = of_pass.normal(0, [0.05, 0.05])
        of_frame = np.random.default_rng([self.seed, frame, _FRAME])
        seeing = np.clip(SEEING * (1 + pass_seeing) + of_frame.normal(0, 0.03), 1.0, 1.5)
        sky = SKY_LEVEL * (1 + np.clip(pass_sky + of_frame.normal(0, 0.01), -0.2, 0.2))
        gradient = sky * of_frame.uniform(-0.02, 0.02, 2)
        along = rows * PIXEL_SCALE / 3600 + float(offset[0])
        across = float(offset[1])
        return Exposure(
            frame=frame,
            run=scan + 1,
            field=FIRST_FIELD + field,
            along=along,
            across=across,
            rotation=rotation,
            projection=frame_projection(
                self.strip, along, across, rotation, self.shape, PIXEL_SCALE
            ),
            mjd=round(FIRST_MJD + 2 * scan + rows * ROW_SECONDS / 86400, 8),
            seeing=round(float(seeing), 4),
            zero_point=round(ZERO_POINT + of_frame.normal(0, 0.02), 4),
            sky=round(float(sky), 3),
            gradient=(round(float(gradient[0]), 3), round(float(gradient[1]), 3)),
        )

    def bad_column(self) -> tuple[int, int]:
        """Give the column of the detector that is bad, and the row from which on it is."""
        rng = np.random.default_rng([self.seed, CAMERA_COLUMN, _DETECTOR])
        height, width = self.shape
        return int(rng.integers(width)), int(rng.integers(height // 2))
