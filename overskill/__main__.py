"""`python -m overskill`."""

from overskill.cli import main

main()
