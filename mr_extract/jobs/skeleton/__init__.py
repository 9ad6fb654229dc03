"""What every job has, and how one says what it is."""
