"""Which apps a migration of addresses moves, and where it stops."""

from collections.abc import Sequence

import pytest

from control_plane.apps import Declaration, Place
from infra.names import Origins
from overskill.migrate.urls import Migration, Outcome, waves

ORIGINS = Origins(domain="x.com", worker="w", workers_dev="a.workers.dev")


def app(number: int) -> Declaration:
    id_ = f"app{number:03}"
    place = Place(script=id_, namespace="ns", url="", tags=[], bindings=[])
    return Declaration(
        app_id=id_, display_name=id_, plan="free", repository=f"o/{id_}", repository_id=number, path_url="",
        places={"production": place},
    )  # fmt: skip


class World:
    """Every address answers 200 but those in `answers`; every app can be moved but those in `failing`."""

    def __init__(self, to: str = "subdomain") -> None:
        self.answers: dict[str, int] = {}
        self.failing: dict[str, str] = {}
        self.waves: list[list[str]] = []
        self.moved: list[str] = []
        self.migration = Migration(
            origins=ORIGINS, to=to, largest=20, status=self.status, move=self.move, moved=self.moved.append
        )

    def status(self, url: str) -> int:
        return self.answers.get(url, 200)

    def move(self, apps: Sequence[Declaration]) -> dict[str, str]:
        self.waves.append([one.app_id for one in apps])
        return {one.app_id: self.failing[one.app_id] for one in apps if one.app_id in self.failing}

    def run(self, count: int) -> list[Outcome]:
        return list(self.migration.run([app(number) for number in range(count)]))


def test_waves_grow_up_to_the_largest():
    assert [len(wave) for wave in waves([app(n) for n in range(60)], 20)] == [1, 10, 20, 20, 9]
    assert [len(wave) for wave in waves([app(n) for n in range(5)], 2)] == [1, 2, 2]


def test_all_are_moved_in_order():
    world = World()
    assert {outcome.state for outcome in world.run(40)} == {"moved"}
    assert world.moved == [app(number).app_id for number in range(40)]
    assert [len(wave) for wave in world.waves] == [1, 10, 20, 9]


@pytest.mark.parametrize("status", [0, 404, 502])
def test_what_does_not_answer_keeps_its_address_and_ends_the_migration_with_its_wave(status):
    world = World()
    world.answers["https://app005.x.com/"] = status
    outcomes = world.run(40)
    assert [outcome.app_id for outcome in outcomes if outcome.state == "unanswered"] == ["app005"]
    assert len(world.moved) == 10
    assert "app005" not in world.moved
    assert len(world.waves) == 2


def test_an_app_that_fails_by_either_address_is_no_matter_of_its_address_unless_it_is_an_error():
    world = World()
    both = ("https://app000.x.com/", "https://w.a.workers.dev/app/app000/")
    world.answers |= dict.fromkeys(both, 404)
    assert [outcome.state for outcome in world.run(1)] == ["moved"]
    world.answers |= dict.fromkeys(both, 500)
    assert [outcome.state for outcome in world.run(1)] == ["unanswered"]


def test_a_failed_run_is_told_and_not_noted():
    world = World()
    world.failing["app000"] = "pulumi up failed"
    assert world.run(40) == [Outcome("app000", "failed", "pulumi up failed")]
    assert world.moved == []


def test_the_way_back_asks_at_paths():
    world = World("path")
    world.answers["https://w.a.workers.dev/app/app000/"] = 502
    (outcome,) = world.run(1)
    assert outcome.state == "unanswered"
    assert outcome.told.startswith("https://w.a.workers.dev/app/app000/ answers 502, by subdomain it is 200")
