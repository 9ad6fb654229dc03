"""What is measured of the pixels around a place, whatever they are pixels of."""
