"""The GraphQL Analytics API: invocations of Workers."""

from datetime import UTC, datetime

import pytest

from local_cloud.invocations import Invocation, append

AT = int(datetime(2026, 11, 1, 12, 0, 30, tzinfo=UTC).timestamp())
AS_DOCUMENTED = """
query GetWorkersAnalytics($accountTag: string, $datetimeStart: string, $datetimeEnd: string, $scriptName: string) {
  viewer {
    accounts(filter: {accountTag: $accountTag}) {
      workersInvocationsAdaptive(limit: 100, filter: {
        scriptName: $scriptName, datetime_geq: $datetimeStart, datetime_leq: $datetimeEnd
      }) {
        sum { subrequests requests errors }
        quantiles { cpuTimeP50 cpuTimeP99 }
        dimensions { datetime scriptName status }
      }
    }
  }
}
"""


@pytest.fixture
def script(local, name):
    """The name of a script that was called three times, in namespace `apps`."""
    store = local.cloud.store
    rows = [
        Invocation(
            at=AT + second, namespace="apps", script=name, status=status, subrequests=2, cpu_us=cpu, wall_us=9000
        )
        for second, status, cpu in ((0, "success", 1000), (0, "success", 2000), (60, "exceededResources", 4000))
    ]
    with store.transaction():
        append(store, rows)
    return name


def ask(cf, query, status=200, **variables):
    variables = {"accountTag": cf.names["account"], **variables}
    return cf.post("/graphql", status=status, json={"query": query, "variables": variables})


def groups(cf, arguments, selection, status=200):
    query = f"""query ($accountTag: String!) {{ viewer {{ accounts(filter: {{accountTag: $accountTag}}) {{
        workersInvocationsAdaptive({arguments}) {{ {selection} }} }} }} }}"""
    answer = ask(cf, query, status)
    if status != 200:
        return answer["errors"][0]["message"]
    assert answer["errors"] is None
    return answer["data"]["viewer"]["accounts"][0]["workersInvocationsAdaptive"]


def test_the_query_of_cloudflares_documentation(cf, script):
    times = {"datetimeStart": "2026-11-01T12:00:00.000Z", "datetimeEnd": "2026-11-01T12:01:00Z"}
    answer = ask(cf, AS_DOCUMENTED, scriptName=script, **times)
    assert answer["data"]["viewer"]["accounts"][0]["workersInvocationsAdaptive"] == [
        {
            "sum": {"subrequests": 4, "requests": 2, "errors": 0},
            "quantiles": {"cpuTimeP50": 1500, "cpuTimeP99": 1990},
            "dimensions": {"datetime": "2026-11-01T12:00:30Z", "scriptName": script, "status": "success"},
        }
    ]


def test_groups_are_of_the_dimensions_that_are_selected(cf, script):
    where = f'limit: 10, filter: {{scriptName: "{script}"}}'
    assert groups(cf, where, "sum { requests errors }") == [{"sum": {"requests": 3, "errors": 1}}]
    (hour,) = groups(cf, where, "dimensions { datetimeHour dispatchNamespaceName date }")
    assert hour["dimensions"] == {
        "datetimeHour": "2026-11-01T12:00:00Z",
        "dispatchNamespaceName": "apps",
        "date": "2026-11-01",
    }
    minutes = groups(
        cf,
        f"{where}, orderBy: [datetimeMinute_DESC]",
        "dimensions { ... on AccountWorkersInvocationsAdaptiveDimensions { datetimeMinute } }",
    )
    assert [one["dimensions"]["datetimeMinute"][14:16] for one in minutes] == ["01", "00"]
    assert len(groups(cf, where.replace("limit: 10", "limit: 1"), "dimensions { status }")) == 1


def test_filters(cf, script):
    def requests(more):
        found = groups(cf, f'limit: 10, filter: {{scriptName_in: ["{script}"], {more}}}', "sum { requests }")
        return found[0]["sum"]["requests"] if found else 0

    assert requests('dispatchNamespaceName: "apps"') == 3
    assert requests('dispatchNamespaceName_neq: "apps"') == 0
    assert requests('status_notin: ["success"]') == 1
    assert requests('datetime_gt: "2026-11-01T12:00:30Z"') == 1
    assert requests('datetime_lt: "2026-11-01T13:00:31+01:00"') == 2
    assert requests('date_leq: "2026-10-31"') == 0


@pytest.mark.parametrize(
    ("arguments", "selection", "message"),
    [
        ("limit: 1", "sum { colour }", "unknown field colour"),
        ("limit: 1", "sum", "object field must have selections: sum"),
        ("limit: 1", "sum { requests { x } }", "scalar fields must have no selections: requests"),
        ('limit: 1, filter: {colour: "red"}', "sum { requests }", "not to include unknown field 'colour'"),
        ('limit: 1, filter: {datetime: "soon"}', "sum { requests }", "Expected a time"),
        ("limit: 1, orderBy: [colour_ASC]", "sum { requests }", "error parsing args: Value 'colour_ASC'"),
        ("orderBy: []", "sum { requests }", "of type 'Int!' is required"),
        ("limit: 10001", "sum { requests }", "limit must be positive number and not greater than 10000"),
        ("limit: 1", "sum {", "Syntax Error"),
    ],
)
def test_a_wrong_query_is_refused(cf, local, arguments, selection, message):
    assert message in groups(cf, arguments, selection, status=400)


def test_another_account_is_refused_with_its_place_in_the_query(cf, local):
    answer = ask(cf, AS_DOCUMENTED, status=403, accountTag="f" * 32)
    (error,) = answer["errors"]
    assert answer["data"] is None
    assert (error["message"], error["path"]) == ("not authorized for that account", ["viewer", "accounts"])
    assert error["extensions"]["timestamp"].endswith("Z")
