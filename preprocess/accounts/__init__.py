"""What catalogs account for: sub-commands ``remaining`` and ``merge``."""
