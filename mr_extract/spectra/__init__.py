"""Spectra in dispersed images: traces, skies, extraction, wavelengths, response.

Arrays in, arrays out. The dispersion runs along the second axis of arrays (x, a column a
wavelength), the slit along the first (y): who has it otherwise turns the image before. Pixels
are 0-based, the centre of the first is 0; wavelengths are in Angstrom.
"""
