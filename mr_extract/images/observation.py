"""When and through which filter an image was taken, as its header says."""

from collections.abc import Mapping

from mr_extract.images.card_numbers import number

#: Keywords in the order in which they are asked. Days: the middle of the exposure before its
#: start, and last the Julian date.
_MJD = ("MJD-AVG", "MJD-MID", "MJD_MID", "MJD-OBS", "MJD_OBS", "MJD", "OBSMJD", "TAI-MJD")
_JD = ("JD", "JD-OBS", "OBSJD", "MIDJD")
_DATE = ("DATE-AVG", "DATE-OBS", "DATE_OBS")
_FILTER = ("FILTER", "FILTNAM", "FILTNAME", "FILTERID", "FILTER1", "FILTER2", "BAND", "INSFILTE")
_JD_OF_MJD = 2400000.5
_BLANK = {"", "none", "clear", "open", "n/a"}


def epoch_of(header: Mapping) -> float | None:
    """Return the epoch as a modified Julian date, None where the header has none."""
    for keyword in _MJD:
        value = number(header.get(keyword))
        if value is not None and value > 0:
            return float(value)
    for keyword in _JD:
        value = number(header.get(keyword))
        if value is not None and value > _JD_OF_MJD:
            return value - _JD_OF_MJD
    for keyword in _DATE:
        date = header.get(keyword)
        if isinstance(date, str) and "T" not in date:
            time = header.get(keyword.replace("DATE", "TIME"))
            date = f"{date.strip()}T{time.strip()}" if isinstance(time, str) else ""
        if isinstance(date, str) and date.strip():
            found = _mjd_of(date.strip())
            if found is not None:
                return found
    return None


def _mjd_of(date):
    from astropy.time import Time

    try:
        return float(Time(date, format="isot").mjd)
    except ValueError:
        return None


def filter_of(header: Mapping) -> str | None:
    """Return the name of the filter, None where the header has none."""
    for keyword in _FILTER:
        value = header.get(keyword)
        if isinstance(value, str) and value.strip().lower() not in _BLANK:
            return "_".join(value.split())
    return None
