"""A function of the user's for each image: what it is given, how it is called, what it returned."""
