"""What an image and a manifest cost: CPU, wall time and memory, beside other ways to do it."""
