"""What the command line changes of an app's stack file: read, checked whole, and nothing written that is wrong."""

from unittest.mock import MagicMock

import pytest
import yaml

from overskill import app_settings, apps
from overskill.errors import CommandError
from overskill.project import Project
from overskill.show_command import lines

STACK = {"cloudflare:baseUrl": "http://127.0.0.1:8787/client/v4", "overskill:prefix": "overskill"}


@pytest.fixture
def session(tmp_path):
    """A platform with two app environments and the plans free and pro; what it brings up is not looked at."""
    (tmp_path / "app_stacks" / "stacks").mkdir(parents=True)
    (tmp_path / "Pulumi.local.yaml").write_text(yaml.safe_dump({"config": STACK}))
    made = MagicMock(project=Project(tmp_path), stack="local", app_stack=lambda app_id: f"local.{app_id}")
    made.config.overskill = MagicMock(
        app_environments=["preview", "production"], github_organization="acme", plans={"free": {}, "pro": {}}
    )
    return made


@pytest.fixture(autouse=True)
def nothing_else(monkeypatch):
    monkeypatch.setattr(apps, "AppStore", MagicMock())
    monkeypatch.setattr(apps, "Removals", MagicMock())
    monkeypatch.setattr(apps, "control_plane_records", MagicMock())
    monkeypatch.setattr(apps, "urls", lambda *_: {})


def config(session):
    return yaml.safe_load(session.project.app_stack_file("local.shop").read_text())["config"]


def test_options_become_keys():
    settings = ["data=[d1, kv]", "variables={A: x=y}", "team=null"]
    assert app_settings.changes("Acme", None, "public", settings) == {
        "displayName": "Acme",
        "visibility": "public",
        "data": ["d1", "kv"],
        "variables": {"A": "x=y"},
        "team": None,
    }


@pytest.mark.parametrize("setting", ["data", "data=["])
def test_a_setting_that_is_none(setting):
    with pytest.raises(CommandError, match=r"--set data"):
        app_settings.changes(None, None, None, [setting])


def test_what_is_not_changed_stays(session):
    apps.create(session, "shop", {"plan": "pro", "team": "builders"})
    file = session.project.app_stack_file("local.shop")
    encrypted = {"overskill-apps:secrets": {"KEY": {"secure": "v1:x"}}, "other:key": "x"}
    file.write_text(yaml.safe_dump({"encryptionsalt": "s", "config": {**config(session), **encrypted}}))
    apps.update(session, "shop", {"team": None, "appEnvironments": ["production"]})
    apps.update(session, "shop", {"displayName": "Shop"})
    assert config(session) == {
        "cloudflare:baseUrl": STACK["cloudflare:baseUrl"],
        "github:owner": "acme",
        "overskill-apps:appEnvironments": ["production"],
        "overskill-apps:displayName": "Shop",
        "overskill-apps:plan": "pro",
        **encrypted,
    }


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"colour": "red", "visibility": "x", "secrets": {"A": "b"}, "appId": "y"},
            ["appId: is not a key", "colour: is not a key", "secrets: is there in plain text", "visibility: input"],
        ),
        ({"plan": "gold"}, ["plan: the platform has no gold; its plans are free, pro"]),
    ],
)
def test_all_that_is_wrong_is_told_and_nothing_written(session, changes, told):
    with pytest.raises(CommandError) as refused:
        apps.create(session, "shop", changes)
    first, *rest = str(refused.value).splitlines()
    assert first == "app shop can't be so, and nothing was changed:"
    assert [line.strip()[: len(start)] for line, start in zip(sorted(rest), told, strict=True)] == told
    assert not session.project.app_stack_file("local.shop").exists()
    session.up_app.assert_not_called()


def test_an_update_is_of_an_app_that_is_there(session):
    with pytest.raises(CommandError, match=r"there is no app 'shop' here"):
        apps.update(session, "shop", {})


def test_an_app_is_shown_with_what_it_lacks():
    shown = {
        "app": "shop",
        "displayName": "Acme shop",
        "plan": "pro",
        "fleet": False,
        "state": {"state": "legal", "reason": "court"},
        "repository": "acme/shop",
        "urls": {"production": "http://shop.test/", "path": "http://x.test/app/shop/"},
        "scripts": {"production": False},
        "hostnames": {"shop.com": {"status": "pending", "cname": "customers.test"}},
        "lastRun": {"kind": "update", "result": "failed", "ended": "2026-11-24T12:00:00+00:00", "changes": {"same": 9}},
    }
    assert list(lines(shown)) == [
        "Acme shop (shop), made by hand",
        "state       legal (court)",
        "plan        pro",
        "repository  acme/shop",
        "production  http://shop.test/ (its script is gone)",
        "path        http://x.test/app/shop/",
        "hostname    shop.com: pending, CNAME to customers.test",
        "last run    update failed, 2026-11-24T12:00:00+00:00: 9 same",
    ]
