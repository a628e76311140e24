"""The configuration that workerd gets, as text."""

import logging
import re
from dataclasses import replace
from importlib.resources import files

import pytest

from local_cloud.edge.bundles import UnrunnableError
from local_cloud.edge.capnp import Enumerant, literal
from local_cloud.edge.config import Settings, refused_workers, render_account, render_apps
from local_cloud.edge.model import Account, Bundle, Module, Split, Version

SETTINGS = Settings(
    api_port=4000,
    apps_port=4001,
    account_port=4002,
    token="the-token",
    newest_date="2026-11-17",
    asset_workers={"asset-worker.mjs": "export class AssetWorkerInner {}"},
)
WORKER = Bundle(
    name="dispatch",
    main_module="index.js",
    modules=(
        Module(name="other.js", content_type="application/javascript+module", body=b"export const other = 1;"),
        Module(name="index.js", content_type="application/javascript+module", body=b"export default {};"),
    ),
    compatibility_date="2026-01-01",
    compatibility_flags=("nodejs_compat",),
    bindings=({"type": "dispatch_namespace", "name": "NAMESPACE_PREVIEW", "namespace": "dev-preview"},),
    version="1",
)
ACCOUNT = Account(
    workers=(WORKER,),
    workers_dev=frozenset({"b", "a"}),
    workers_subdomain="overskill",
    zones=("overskill.localhost",),
    routes=(),
    records=(),
    domains=(),
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain", '"plain"'),
        ("a\"b\\c'd", '"a\\x22b\\x5cc\\x27d"'),
        ("\n\t\0\x7f1", '"\\x0a\\x09\\x00\\x7f1"'),
        ("é€😀", '"é€😀"'),
        (b"\0\xff", '0x"00ff"'),
        (None, "void"),
        (Enumerant("proxy"), "proxy"),
        ([], "[]"),
        ({}, "()"),
        ({"name": "a", "http": {}, "list": ["b", True]}, '(name = "a", http = (), list = ["b", true])'),
    ],
)
def test_literals(value: object, text: str) -> None:
    assert literal(value) == text


def test_a_value_without_a_literal_is_refused() -> None:
    with pytest.raises(TypeError, match="no Cap'n Proto literal for object"):
        literal({"a": object()})


def test_the_main_module_comes_first() -> None:
    text = render_account(ACCOUNT, SETTINGS)
    assert text.index("export default {};") < text.index("export const other")


def test_the_source_gets_the_token_and_a_namespace_binding_wraps_it() -> None:
    text = render_account(ACCOUNT, SETTINGS)
    assert 'address = "127.0.0.1:4001"' in text
    assert '(name = "local-cloud-token", value = "the-token")' in text
    assert '(name = "NAMESPACE_PREVIEW", wrapped = (moduleName = "local:namespace", innerBindings = [' in text
    assert '(name = "NAMESPACE", text = "dev-preview")' in text


def test_the_process_of_the_apps_reaches_the_source_and_the_account() -> None:
    text = render_apps(replace(SETTINGS, residents=7))
    for port, header in (("4000", "authorization"), ("4002", "local-cloud-token")):
        assert re.search(rf'address = "127.0.0.1:{port}", [^\]]*name = "{header}"', text)
    assert '(name = "RESIDENTS", json = "7")' in text
    assert "storage" not in render_account(ACCOUNT, SETTINGS).lower()


def test_equal_accounts_have_equal_configurations() -> None:
    reordered = replace(ACCOUNT, workers_dev=frozenset({"a", "b"}))
    assert render_account(ACCOUNT, SETTINGS) == render_account(reordered, SETTINGS)
    assert render_account(ACCOUNT, SETTINGS) != render_account(replace(ACCOUNT, workers_dev=frozenset()), SETTINGS)


def test_all_that_the_edge_cannot_run_is_named_at_once() -> None:
    modules = (Module(name="a.py", content_type="text/x-python", body=b""),)
    bindings = (
        {"type": "queue", "name": "BUCKET"},
        {"type": "service", "name": "OTHER", "service": "nobody"},
        {"type": "dispatch_namespace", "name": "APPS", "namespace": "n", "outbound": {"worker": {"service": "out"}}},
        {"type": "kv_namespace", "name": "KV", "namespace_id": "1"},
    )
    broken = replace(WORKER, modules=modules, bindings=bindings)
    other = replace(WORKER, name="other", main_module="gone.js")
    with pytest.raises(UnrunnableError) as refusal:
        render_account(replace(ACCOUNT, workers=(broken, other)), SETTINGS)
    beginnings = [
        "Worker dispatch: module 'a.py' has content type 'text/x-python', not one of application/javascript+module, ",
        "Worker dispatch: main module 'index.js' is not among the modules",
        "Worker dispatch: binding 'BUCKET' is of type 'queue', not one of analytics_engine, d1, dispatch_namespace, ",
        "Worker other: main module 'gone.js' is not among the modules",
        "Worker dispatch: binding 'OTHER' has service 'nobody', which does not exist or has no deployed version",
        "Worker dispatch: binding 'APPS' has outbound Worker 'out', which does not exist or has no deployed version",
    ]
    assert len(refusal.value.problems) == len(beginnings)
    for problem, beginning in zip(refusal.value.problems, beginnings, strict=True):
        assert problem.startswith(beginning)


def test_a_split_is_a_service_for_each_version_and_one_that_chooses() -> None:
    versions = tuple(Version(id=name, percentage=50, bundle=WORKER) for name in ("v1", "v2"))
    text = render_account(replace(ACCOUNT, workers=(Split(name="dispatch", versions=versions),)), SETTINGS)
    for service in ("worker:dispatch", "worker:dispatch@v1", "worker:dispatch@v2"):
        assert text.count(f'(name = "{service}", worker = (modules') == 1
    assert '(name = "v1", service = "worker:dispatch@v1")' in text
    assert '(name = "worker:dispatch", service = "worker:dispatch")' in text
    assert "outbound:v1" not in text


def test_what_bindings_keep_has_a_service_for_each_resource_that_says_so() -> None:
    bindings = (
        {"type": "kv_namespace", "name": "KV", "namespace_id": "abc"},
        {"type": "kv_namespace", "name": "SAME", "namespace_id": "abc"},
        {"type": "analytics_engine", "name": "AE", "dataset": "usage"},
        {"type": "d1", "name": "DB", "id": "def"},
        {"type": "r2_bucket", "name": "FILES", "bucket_name": "files"},
    )
    text = render_account(replace(ACCOUNT, workers=(replace(WORKER, bindings=bindings),)), SETTINGS)
    assert '(name = "KV", kvNamespace = "kv:abc"), (name = "SAME", kvNamespace = "kv:abc")' in text
    dataset = '(name = "DATASET", text = "usage"), (name = "CLOUD", service = "cloud")'
    assert f'(name = "AE", wrapped = (moduleName = "local:dataset", innerBindings = [{dataset}]))' in text
    assert text.count('(name = "kv:abc", external = (address = "127.0.0.1:4000"') == 1
    assert '(name = "local-cloud-kv-namespace", value = "abc")' in text
    client = 'moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "d1:def")]'
    assert f'(name = "DB", wrapped = ({client}))' in text
    assert '(name = "FILES", r2Bucket = "r2:files")' in text
    for header, name in (("local-cloud-d1-database", "def"), ("local-cloud-r2-bucket", "files")):
        assert text.count(f'(name = "{header}", value = "{name}")') == 1


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [(SETTINGS, '["public"]'), (replace(SETTINGS, internet=("public", "local")), '["public", "local"]')],
)
def test_the_network_is_what_the_settings_allow(settings: Settings, allowed: str) -> None:
    assert f'(name = "internet", network = (allow = {allowed}' in render_account(ACCOUNT, settings)


@pytest.mark.parametrize(("date", "runs_as"), [("2026-11-17", "2026-11-17"), ("2026-11-18", "2026-11-17")])
def test_a_date_that_workerd_does_not_know_is_lowered_with_a_warning(
    caplog: pytest.LogCaptureFixture, date: str, runs_as: str
) -> None:
    account = replace(ACCOUNT, workers=(replace(WORKER, compatibility_date=date),))
    assert f'compatibilityDate = "{runs_as}"' in render_account(account, SETTINGS)
    warned = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == (date != runs_as)


def test_what_workerd_says_of_workers_is_read() -> None:
    stderr = [
        "service worker:dispatch: Uncaught SyntaxError: Unexpected end of input",
        "  at index.js:1:16",
        "service worker:other: No such compatibility flag: nonsense",
        "service ingress: not a Worker of the account",
    ]
    assert refused_workers(stderr) == [
        "Worker dispatch: Uncaught SyntaxError: Unexpected end of input\n  at index.js:1:16",
        "Worker other: No such compatibility flag: nonsense",
    ]


def test_the_extension_is_ascii_as_workerd_reads_it() -> None:
    assert files("local_cloud.edge").joinpath("namespace.js").read_bytes().isascii()
