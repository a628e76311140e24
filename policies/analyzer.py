"""The analyzer plugin `pulumi-analyzer-policy-overskill`: runs a policy pack in this Python environment."""

import os
import sys


def main() -> None:
    """Become `pulumi.policy`, with what the engine gives: its address, and the pack's folder."""
    os.execv(sys.executable, [sys.executable, "-u", "-m", "pulumi.policy", *sys.argv[1:3]])
