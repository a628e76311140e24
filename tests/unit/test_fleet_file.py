"""`apps.yaml`: what is taken from it, and that each offender is named with its line."""

import pytest

from infra.names import APP_ENVIRONMENTS
from overskill.fleet.apps_file import App, InvalidAppsFile, read

GOOD = """\
apps:
  - id: abc123
    displayName: Acme shop
  - {id: shop, appEnvironments: [production]}
absent:
  - gone
"""
BAD = """\
apps:
  - id: abc123
    displayNam: Acme
  - id: preview-x
    displayName: 7
  - id: abc123
    appEnvironments: [preview]
  - displayName: nobody
  - shop
  - id: far
    appId: near
    appEnvironments: [production, staging]
absent:
  - abc123
others: 1
"""


@pytest.fixture
def check(tmp_path):
    def check(text, environments=APP_ENVIRONMENTS):
        file = tmp_path / "apps.yaml"
        file.write_text(text)
        return read(file, environments)

    return check


def test_an_app_has_the_platforms_environments_unless_it_names_its_own(check):
    wanted = check(GOOD, ["staging", "production"])
    assert wanted.apps == (
        App(id="abc123", config={"displayName": "Acme shop", "appEnvironments": ["staging", "production"]}),
        App(id="shop", config={"appEnvironments": ["production"]}),
    )
    assert wanted.absent == ("gone",)


def test_every_offender_is_named_at_once_with_its_line(check):
    with pytest.raises(InvalidAppsFile) as refused:
        check(BAD, ["preview", "production"])
    told = str(refused.value).splitlines()[1:]
    assert told == [
        "  line 3: abc123: displayNam: is not a key of an app",
        "  line 4: app id 'preview-x' is refused: it may not start with preview- or staging-, which name an app "
        "environment",
        "  line 5: preview-x: displayName: input should be a valid string (it is 7)",
        "  line 6: abc123: is in line 2 already",
        "  line 7: abc123: appEnvironments: production is missing: the app would have no address without a prefix",
        "  line 8: has no app id that is a text (it is None)",
        "  line 9: has no app id that is a text (it is None)",
        "  line 11: far: appId: is not a key of an app",
        "  line 12: far: appEnvironments: the platform has no staging",
        "  line 14: abc123: is in line 2 already",
        "  line 15: others: is not a key of this file; those are apps and absent",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "line 1: is no mapping with `apps` or `absent`"),
        ("[a, b]", "line 1: is no mapping"),
        ("apps: {a: 1}", "line 1: apps: must be a list"),
        ("apps:\n- id: a\n  id: b", "line 3: key id is given twice"),
        ("apps: [", "is no YAML"),
        ("apps: []\nabsent: [7]", "line 2: has no app id that is a text (it is 7)"),
    ],
)
def test_what_is_no_list_of_apps_is_refused(check, text, told):
    with pytest.raises(InvalidAppsFile) as refused:
        check(text)
    assert told in str(refused.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InvalidAppsFile, match="can't be read: No such file"):
        read(tmp_path / "apps.yaml", APP_ENVIRONMENTS)
