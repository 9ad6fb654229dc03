"""Sky maps cut into patches."""
