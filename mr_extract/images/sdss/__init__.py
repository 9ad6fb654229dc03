"""Files of SDSS: its frame masks, calibrations of fields, and calibrated frames."""
