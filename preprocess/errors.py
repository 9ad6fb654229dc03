"""The one exception that a sub-command raises for the person who typed it."""


class CommandError(Exception):
    """A request that cannot be met: its message is one line for people, exit status 2."""
