"""Jobs over catalogs whose reducers see all detections of a part of the sky."""
