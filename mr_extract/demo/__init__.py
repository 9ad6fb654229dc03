"""The demonstration: a night, its catalog, and how the two compare."""
