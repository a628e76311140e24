"""What all suites share: Hypothesis' profile; how many bad inputs were tried, counted where they are, told at last."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

TRIED = "bad inputs"

settings.register_profile("overskill", deadline=None)  # an example is not wrong because the machine is busy
settings.load_profile("overskill")


@pytest.fixture
def tried(record_property) -> Iterator[Counter]:
    """Counts what a test has sent, by its door."""
    counted = Counter()
    yield counted
    for door, number in counted.items():
        record_property(TRIED, (door, number))


def pytest_terminal_summary(terminalreporter) -> None:
    total = Counter()
    for report in (one for reports in terminalreporter.stats.values() for one in reports):
        if getattr(report, "when", None) == "teardown":
            for name, value in report.user_properties:
                if name == TRIED:
                    total.update({value[0]: value[1]})
    if total:
        doors = ", ".join(f"{door} {number:,}" for door, number in sorted(total.items()))
        terminalreporter.write_line(f"{TRIED}: {total.total():,} ({doors})")
