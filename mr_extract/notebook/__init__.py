"""One image to an astropy table, for a notebook."""
