"""The closed list of reasons why an image has no sources in the catalog.

A kernel or a storage scheme raises :class:`ImageFailure` with one of the
kinds below; a job turns it into an ``#error`` line and a counter. Anything
else that is raised is a defect of ours and is reported as ``internal``.
"""

KINDS = {
    "malformed-line": "the line of the manifest cannot be understood",
    "duplicate-id": "different lines of the manifest have the same id",
    "fetch-not-found": "there is nothing at the given place",
    "fetch-forbidden": "the file may not be read",
    "fetch-not-a-file": "the place is a directory or a device",
    "fetch-throttled": "the server asked for patience for longer than was given",
    "fetch-timeout": "the server did not answer in time",
    "fetch-truncated": "fewer bytes came than the server had announced",
    "fetch-changed": "the file changed while it was read",
    "fetch-failed": "reading the file failed on the way",
    "unsupported-scheme": "no storage module reads this kind of URI",
    "empty-file": "the file has no bytes",
    "not-fits": "the bytes are not a FITS file",
    "truncated": "the file ends before its data do",
    "corrupt": "the file is damaged",
    "no-image": "the file has no image, only headers or tables",
    "bad-map": "a HEALPix map or patch does not say what it must, or is not what it says",
    "narrow-margin": "what is measured around a source reaches beyond the margin of its patch",
    "no-extension": "the extension that was asked for is not there",
    "no-plane": "the plane that was asked for is not there, or is not one of several",
    "bad-region": "the region that was asked for is not within the image",
    "not-two-dimensional": "the image is not a plane of pixels",
    "unsupported-pixels": "the pixels are not real numbers",
    "companion-mismatch": "a mask, map, flag image, calibration or PSF is not that of the image",
    "no-trace": "no spectrum was found, or it could not be followed",
    "no-wavelengths": "too few known lines tell the wavelengths of a spectrum",
    "no-valid-pixels": "every pixel is blank, NaN or masked",
    "no-background": "no background cell has enough valid pixels",
    "constant-image": "the pixels have no noise, so neither thresholds nor errors can be had",
    "broken-wcs": "the header's celestial WCS cannot be used",
    "no-wcs": "sky positions were required and the header has no celestial WCS",
    "function-failed": "a function of the user's cannot be had, raised an error or ended itself",
    "bad-result": "a function of the user's returned what is no row of the columns",
    "bad-list": "the list of positions cannot be understood",
    "not-written": "a check image, or a file to be kept beside the catalog, could not be written",
    "pixel-buffer": "more pixels over the threshold than the largest buffer holds",
    "deblending-overflow": "an object has more branches than the largest buffer holds",
    "memory": "the image does not fit into memory",
    "timeout": "measuring took longer than allowed",
    "killed": "the process that measured it died, twice, or its task did",
    "lost": "no task reported on it",
    "internal": "an unexpected error, a defect of mr_extract",
}


class ImageFailure(Exception):
    """One image cannot be measured, for a reason with a name.

    Parameters
    ----------
    kind : str
        A key of `KINDS`.
    message : str
        What was found and, where it helps, what to do; one line.
    """

    def __init__(self, kind: str, message: str) -> None:
        if kind not in KINDS:
            raise ValueError(f"unknown failure kind {kind!r}")
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.kind, self.message)
