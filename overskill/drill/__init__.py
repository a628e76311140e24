"""`overskill drill`: what goes wrong on purpose, against a local cloud of its own, and how each of it ends."""
