"""Settings: how one is declared, the trees of them, and their command-line options."""
