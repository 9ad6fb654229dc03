"""mr_extract on a cluster of Amazon's EMR: started or joined, told of, and ended."""
