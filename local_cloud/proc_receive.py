"""git's `proc-receive` hook: refuses the changes of a push that the repository's rules forbid, in GitHub's words.

git starts it, in the repository, once the objects of the push are there (`git help githooks`); `environment` gives it
the rules. What it doesn't refuse is left to git. Standard library alone, since a push waits for it to start.
"""

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

from local_cloud.git_history import RefChange
from local_cloud.ref_rules import RefRules

RULES, PYTHON = "LOCAL_CLOUD_RULES", "LOCAL_CLOUD_PYTHON"
DECLINED = "push declined due to repository rule violations"

CONFIGURATION = {"receive.procReceiveRefs": "refs"}
"""Has git run its hook `proc-receive` for every ref of a push."""


def environment(rules: RefRules, rules_url: str) -> Mapping[str, str]:
    """`rules_url` is where one can read the rules of a ref, which is put behind it."""
    return {
        RULES: json.dumps([asdict(rules), rules_url]),
        PYTHON: sys.executable,
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }


def main() -> None:
    (given, rules_url), stdin, stdout = json.loads(os.environ[RULES]), sys.stdin.buffer, sys.stdout.buffer
    rules = RefRules(**given)
    list(_packets(stdin))  # the protocol's version, and what git can do
    _write(stdout, "version=1\0", None)
    for packet in list(_packets(stdin)):
        before, after, ref = packet.split(" ", 2)
        if broken := rules.violations(Path(), RefChange(ref=ref, before=before, after=after)):
            print(_explained(rules_url, ref, broken), file=sys.stderr)
            _write(stdout, f"ng {ref} {DECLINED}")
        else:
            _write(stdout, f"ok {ref}", "option fall-through")
    _write(stdout, None)


def _explained(rules_url: str, ref: str, broken: Sequence[str]) -> str:
    lines = [f"error: GH013: Repository rule violations found for {ref}."]
    lines += [f"Review all repository rules at {rules_url}{ref.replace('/', '%2F')}", ""]
    return "\n".join(lines + [line for message in broken for line in (f"- {message}", "")])


def _packets(stream: BinaryIO) -> Iterator[str]:
    """git's packets up to the flush packet."""
    while size := int(stream.read(4), 16):
        yield stream.read(size - 4).decode(errors="surrogateescape").rstrip("\n")


def _write(stream: BinaryIO, *packets: str | None) -> None:
    """None: a flush packet."""
    for packet in packets:
        body = (packet or "").encode(errors="surrogateescape")
        stream.write(b"0000" if packet is None else f"{len(body) + 4:04x}".encode() + body)
    stream.flush()


if __name__ == "__main__":
    main()
