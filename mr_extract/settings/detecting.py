"""Settings of what is found: background and detection.

Defaults are those of SExtractor's ``default.sex`` (2.25) where both programs mean the same;
a default that differs says why in its help.
"""

from dataclasses import dataclass

from mr_extract.settings.declaring import (
    Section,
    fraction,
    kernel,
    levels,
    not_negative,
    positive,
    setting,
)

SEEING = ("seeing",)  # a filter that goes by the frame
DEFAULT_KERNEL = ((1.0, 2.0, 1.0), (2.0, 4.0, 2.0), (1.0, 2.0, 1.0))


@dataclass(frozen=True)
class Background(Section):
    """The mesh on which background and noise are estimated."""

    bw: int = setting(64, "width of a background mesh cell in pixels (BACK_SIZE)", positive)
    bh: int = setting(64, "height of a background mesh cell in pixels (BACK_SIZE)", positive)
    fw: int = setting(3, "median filter width in cells (BACK_FILTERSIZE)", positive)
    fh: int = setting(3, "median filter height in cells (BACK_FILTERSIZE)", positive)
    fthresh: float = setting(
        0.0, "filter only cells that differ by more than this (BACK_FILTTHRESH)", not_negative
    )
    back_type: str = setting(
        "auto", "measure the background on the mesh, or take it for back_value (BACK_TYPE)",
        choices=("auto", "manual"),
    )
    back_value: float = setting(
        0.0, "the background in image units, where it is manual (BACK_VALUE)"
    )


@dataclass(frozen=True)
class Detection(Section):
    """What counts as a source."""

    thresh: float = setting(1.5, "detection threshold (DETECT_THRESH)", positive)
    thresh_type: str = setting(
        "relative", "threshold in units of the background rms, absolute in image units, or, as "
        "significance, in units of the noise of the filtered image",
        choices=("relative", "absolute", "significance"),
    )
    analysis_thresh: float = setting(
        0.0, "threshold of areas over levels, of fwhm_iso and of mu_threshold; 0 takes that of "
        "detection (ANALYSIS_THRESH)", not_negative,
    )
    analysis_thresh_type: str = setting(
        "relative", "in units of the background rms, or absolute in image units",
        choices=("relative", "absolute"),
    )
    minarea: int = setting(5, "pixels above the threshold that make a source (DETECT_MINAREA)",
                           positive)
    maxarea: int = setting(
        0, "pixels above the threshold beyond which it is none; 0 is no limit (DETECT_MAXAREA)",
        not_negative,
    )
    filter_kernel: tuple = setting(
        DEFAULT_KERNEL,
        "detection filter: a .conv file, rows as 1,2,1/2,4,2/1,2,1, 'none', or 'seeing', a "
        "Gaussian as wide as the image's stars (FILTER_NAME)",
        kernel,
    )
    filter_type: str = setting(
        "conv", "convolution, as SExtractor does, or matched filter, which weighs by the noise",
        choices=("conv", "matched"),
    )
    deblend_nthresh: int = setting(
        32, "deblending levels up to 1024; 1 switches it off (DEBLEND_NTHRESH)", levels
    )
    deblend_cont: float = setting(
        0.005, "least contrast of a deblended part (DEBLEND_MINCONT)", fraction
    )
    clean: bool = setting(True, "remove spurious detections near bright objects (CLEAN)")
    clean_param: float = setting(1.0, "efficiency of cleaning (CLEAN_PARAM)", positive)
    pixstack: int = setting(
        50_000,
        "first size of the pixel buffer (MEMORY_PIXSTACK); grown up to the size of the image "
        "when an image fills it, so it changes the speed and never the result",
        positive, told=None,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.thresh_type == "significance" and self.filter_type == "matched":
            raise ValueError("thresh_type significance is for filter_type conv: a matched filter "
                             "has its own significance")

    @property
    def adapts(self) -> bool:
        """Whether filter or threshold go by the frame."""
        return self.thresh_type == "significance" or self.filter_kernel == SEEING
