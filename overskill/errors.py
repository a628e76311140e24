"""What goes wrong for a reason that the user can act on."""


class CommandError(Exception):
    """A command cannot go on. The message says what is wrong, where, and the command that mends it."""
