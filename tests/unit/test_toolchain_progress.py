import io
import re
import sys
import time

import pytest

from overskill import progress
from overskill.progress import CommandFailed, duration, step


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (42.4, "42 s"),
        (59.7, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.9, "1 h 0 min"),
        (47.9 * 3600, "47 h 54 min"),
        (1000 * 3600, "41 d 16 h"),
    ],
)
def test_durations_are_for_people(seconds, text):
    assert duration(seconds) == text


def test_without_a_terminal_a_step_is_plain_lines_with_signs_of_life(monkeypatch):
    monkeypatch.setattr(progress, "HEARTBEAT", 0.01)
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())
    with step("Building it", why="it is missing") as building:
        building.detail = "half of it"
        while "half of it\n" not in shown.getvalue():
            time.sleep(0.005)
    lines = shown.getvalue().splitlines()
    assert lines[0] == "▶ Building it (it is missing)"
    assert re.fullmatch(r"… Building it: still running after [\d.]+ s, half of it", lines[1])
    assert re.fullmatch(r"✓ Building it: half of it, [\d.]+ s", lines[-1])


def test_on_a_terminal_a_step_ends_in_one_line(capfd, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with step("Building [it]") as building:
        building.detail = "12 MB"
    assert re.search(r"^✓ Building \[it\]: 12 MB, [\d.]+ s\n$", capfd.readouterr().err.split("\x1b[2K")[-1].lstrip())


def test_a_failed_step_says_so_and_the_error_goes_on(capfd):
    with pytest.raises(RuntimeError), step("Building it"):
        raise RuntimeError
    assert "✗ Building it: failed after" in capfd.readouterr().err


def test_a_commands_output_is_in_the_log_alone(tmp_path, capfd):
    log = tmp_path / "logs" / "it.log"
    with step("Building it") as building:
        for word in ("one", "two"):
            building.run([sys.executable, "-c", f"print('{word}')"], log=log)
    assert re.findall(r"^(one|two)$", log.read_text(), re.MULTILINE) == ["one", "two"]
    assert "one" not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("script", "timeout", "cause"),
    [
        ("print('last words'); raise SystemExit(3)", None, "ended with status 3"),
        ("print('last words', flush=True); import time; time.sleep(9)", 2, r"did not end within 2\.0 s"),
    ],
)
def test_a_failed_command_shows_cause_log_and_the_last_lines(tmp_path, script, timeout, cause):
    log = tmp_path / "it.log"
    with pytest.raises(CommandFailed, match=rf"{cause} \(log: {log}\)\n[\s\S]*    last words$"), step("Building") as it:
        it.run([sys.executable, "-c", script], log=log, timeout=timeout)


def test_a_program_that_is_not_there_is_a_failed_command(tmp_path):
    with pytest.raises(CommandFailed, match="could not be started"), step("Building it") as building:
        building.run([str(tmp_path / "absent")], log=tmp_path / "it.log")
