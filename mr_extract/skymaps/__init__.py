"""HEALPix maps: what their tables say, the patches they are cut into, pixels near a place."""
