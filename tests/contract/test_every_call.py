"""Nothing is emulated that this suite does not call; runs last."""

import pytest

from local_cloud import cloudflare, github


def test_every_route_was_answered(local, observer, request):
    collected = {item.path for item in request.session.items}
    missing = {path.name for path in request.path.parent.glob("test_*.py")} - {path.name for path in collected}
    if missing or request.config.option.keyword:
        pytest.skip("only part of the suite runs")
    routes = {
        f"{route.method} {root}{route.template}"
        for root, table in ((cloudflare.ROOT, cloudflare.TABLE), (github.ROOT, github.TABLE))
        for route in table
    }
    assert routes - observer.answered == set()
    assert len(routes) > 80
