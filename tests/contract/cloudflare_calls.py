"""What Cloudflare's client for Python is asked to do: `test_cloudflare_python.py` plays it.

What a method needs besides (`account_id`, `script_name`, ...) is filled in by its own parameter names.
"""

import hashlib
from base64 import b64encode

from client_steps import Among, Step
from contract_service import HELLO, JAVASCRIPT

FILES = [("index.js", HELLO.encode(), JAVASCRIPT)]
METADATA = {"main_module": "index.js", "compatibility_date": "2026-01-01"}
VERSION = {
    "main_module": "index.js",
    "compatibility_date": "2026-01-01",
    "modules": [{"name": "index.js", "content_type": JAVASCRIPT, "content_base64": "ZXhwb3J0IGRlZmF1bHQge30="}],
}
PAGE = b"<h1>an app</h1>"
PAGE_HASH = hashlib.sha256(PAGE).hexdigest()[:32]
SECRET = {"name": "TOKEN", "text": "s3cret", "type": "secret_text"}

SCRIPTS = "workers_for_platforms.dispatch.namespaces.scripts"
NAMESPACES = "workers_for_platforms.dispatch.namespaces"

NAMESPACE = Step(
    f"{NAMESPACES}.create",
    {"name": "{new}"},
    {"namespace_name": "{new}", "script_count": 0, "trusted_workers": False},
    keeps={"dispatch_namespace": "namespace_name"},
    undo=f"{NAMESPACES}.delete",
)
UPLOADED = Step(
    "workers.scripts.update",
    {"script_name": "{new}", "metadata": METADATA, "files": FILES},
    {"id": "{new}", "handlers": ["fetch"]},
    keeps={"script_name": "id"},
    undo="workers.scripts.delete",
)

STEPS = {
    "dispatch namespaces": [
        NAMESPACE,
        Step(f"{NAMESPACES}.get", gives={"namespace_name": "{new}"}),
        Step(f"{NAMESPACES}.list", gives=Among({"namespace_name": "{new}"})),
        Step(f"{NAMESPACES}.create", {"name": "{new}"}, fails=409),
        Step(f"{NAMESPACES}.delete"),
        Step(f"{NAMESPACES}.get", fails=404),
    ],
    "namespace scripts": [
        NAMESPACE,
        Step(
            f"{SCRIPTS}.update",
            {"script_name": "app", "metadata": {**METADATA, "tags": ["one"]}, "files": FILES},
            {"id": "app"},
            keeps={"script_name": "id"},
        ),
        Step(f"{SCRIPTS}.get", gives={"dispatch_namespace": "{new}", "script": {"id": "app"}}),
        Step(f"{SCRIPTS}.content.update", {"metadata": {"main_module": "index.js"}, "files": FILES}, {"id": "app"}),
        Step(f"{SCRIPTS}.content.get", gives=lambda body: HELLO.encode() in body),
        Step(f"{SCRIPTS}.settings.edit", {"settings": {"logpush": True}}, {"logpush": True}),
        Step(f"{SCRIPTS}.settings.get", gives={"logpush": True, "tags": ["one"]}),
        Step(f"{SCRIPTS}.bindings.get", gives=[]),
        Step(f"{SCRIPTS}.tags.update", {"body": ["two", "three"]}),
        Step(f"{SCRIPTS}.tags.list", gives=lambda tags: sorted(tags) == ["three", "two"]),
        Step(f"{SCRIPTS}.tags.delete", {"tag": "two"}),
        Step(f"{SCRIPTS}.tags.list", gives=["three"]),
        Step(f"{SCRIPTS}.secrets.update", SECRET, {"name": "TOKEN", "type": "secret_text"}),
        Step(f"{SCRIPTS}.secrets.list", gives=[{"name": "TOKEN", "text": None}]),
        Step(f"{SCRIPTS}.secrets.get", {"secret_name": "TOKEN"}, {"name": "TOKEN"}),
        Step(f"{SCRIPTS}.secrets.delete", {"secret_name": "TOKEN"}),
        Step(f"{SCRIPTS}.secrets.get", {"secret_name": "TOKEN"}, fails=404),
        Step(f"{SCRIPTS}.delete"),
        Step(f"{SCRIPTS}.get", fails=404),
    ],
    "scripts": [
        UPLOADED,
        Step("workers.scripts.get", gives=lambda body: HELLO in body),
        Step("workers.scripts.list", gives=Among({"id": "{new}"})),
        Step("workers.scripts.content.get", gives=lambda body: HELLO.encode() in body),
        Step("workers.scripts.script_and_version_settings.get", gives={"compatibility_date": "2026-01-01"}),
        Step("workers.scripts.settings.edit", {"logpush": True, "tags": ["one"]}, {"logpush": True}),
        Step("workers.scripts.settings.get", gives={"logpush": True, "tags": ["one"]}),
        Step("workers.scripts.secrets.update", SECRET, {"name": "TOKEN", "type": "secret_text"}),
        Step("workers.scripts.secrets.list", gives=[{"name": "TOKEN"}]),
        Step("workers.scripts.secrets.delete", {"secret_name": "TOKEN"}),
        Step("workers.scripts.secrets.list", gives=[]),
        Step("workers.scripts.subdomain.create", {"enabled": True, "previews_enabled": True}, {"enabled": True}),
        Step("workers.scripts.subdomain.get", gives={"enabled": True, "previews_enabled": True}),
        Step("workers.scripts.subdomain.delete"),
        Step("workers.scripts.subdomain.get", gives={"enabled": False}),
        Step("workers.scripts.delete"),
        Step("workers.scripts.get", fails=404),
    ],
    "versions of scripts": [
        UPLOADED,
        Step(
            "workers.scripts.versions.with_raw_response.create",  # its model of the answer is broken
            {"metadata": METADATA, "files": FILES},
            {"result": {"number": 2}},
            keeps={"version_id": "result.id"},
        ),
        Step("workers.scripts.versions.list", gives=lambda found: len(found) == 2),
        Step("workers.scripts.versions.with_raw_response.get", gives={"result": {"id": "{version_id}", "number": 2}}),
        Step(
            "workers.scripts.deployments.create",
            {"strategy": "percentage", "versions": [{"version_id": "{version_id}", "percentage": 100}]},
            {"strategy": "percentage", "versions": [{"version_id": "{version_id}", "percentage": 100}]},
            keeps={"deployment_id": "id"},
        ),
        Step("workers.scripts.deployments.get", gives={"id": "{deployment_id}"}),
        Step(
            "workers.scripts.deployments.with_raw_response.list",  # its pages look for items, and find none
            gives={"result": {"deployments": Among({"id": "{deployment_id}"})}},
        ),
    ],
    "workers": [
        Step(
            "workers.beta.workers.create",
            {"name": "{new}", "tags": ["one"]},
            {"name": "{new}", "tags": ["one"]},
            keeps={"worker_id": "id"},
            undo="workers.beta.workers.delete",
        ),
        Step("workers.beta.workers.update", {"name": "{new}", "logpush": True}, {"logpush": True}),
        Step("workers.beta.workers.get", gives={"id": "{worker_id}", "name": "{new}"}),
        Step("workers.beta.workers.list", gives=Among({"id": "{worker_id}"})),
        Step("workers.beta.workers.versions.create", VERSION, {"number": 1}, keeps={"version_id": "id"}),
        Step("workers.beta.workers.versions.list", gives=[{"id": "{version_id}"}]),
        Step("workers.beta.workers.versions.get", gives={"id": "{version_id}", "main_module": "index.js"}),
        Step("workers.beta.workers.delete"),
        Step("workers.beta.workers.get", fails=404),
    ],
    "routes and domains": [
        UPLOADED,
        Step(
            "workers.routes.create",
            {"pattern": "{new}.{zone_name}/*", "script": "{new}"},
            {"pattern": "{new}.{zone_name}/*", "script": "{new}"},
            keeps={"route_id": "id"},
            undo="workers.routes.delete",
        ),
        Step("workers.routes.update", {"pattern": "{new}.{zone_name}/a/*", "script": "{new}"}, {"id": "{route_id}"}),
        Step("workers.routes.get", gives={"pattern": "{new}.{zone_name}/a/*"}),
        Step("workers.routes.list", gives=Among({"id": "{route_id}"})),
        Step("workers.routes.delete"),
        Step("workers.routes.get", fails=404),
        Step(
            "workers.domains.update",
            {"hostname": "{new}.{zone_name}", "service": "{new}"},
            {"hostname": "{new}.{zone_name}", "service": "{new}"},
            keeps={"domain_id": "id"},
            undo="workers.domains.delete",
        ),
        Step("workers.domains.get", gives={"zone_name": "{zone_name}"}),
        Step("workers.domains.list", {"hostname": "{new}.{zone_name}"}, [{"id": "{domain_id}"}]),
        Step("workers.domains.delete"),
        Step("workers.domains.get", fails=404),
    ],
    "assets of namespace scripts": [
        NAMESPACE,
        Step(
            f"{SCRIPTS}.asset_upload.create",
            {"script_name": "app", "manifest": {"/index.html": {"hash": PAGE_HASH, "size": len(PAGE)}}},
            {"buckets": [[PAGE_HASH]]},
            keeps={"session": "jwt"},
        ),
        Step(
            "workers.assets.upload.create",
            {
                "base64": True,
                "body": {PAGE_HASH: b64encode(PAGE).decode()},
                "extra_headers": {"Authorization": "Bearer {session}"},
            },
            keeps={"completion": "jwt"},
        ),
        Step(
            f"{SCRIPTS}.update",
            {"script_name": "app", "metadata": {**METADATA, "assets": {"jwt": "{completion}"}}, "files": FILES},
            {"id": "app"},
            keeps={"script_name": "id"},
        ),
        Step(f"{SCRIPTS}.get", gives={"script": {"has_assets": True}}),
    ],
    "D1": [
        Step(
            "d1.database.create",
            {"name": "{new}"},
            {"name": "{new}"},
            {"database_id": "uuid"},
            undo="d1.database.delete",
        ),
        Step("d1.database.list", {"name": "{new}"}, [{"uuid": "{database_id}"}]),
        Step("d1.database.query", {"sql": "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)"}, [{"success": True}]),
        Step(
            "d1.database.query", {"sql": "INSERT INTO t (name) VALUES (?)", "params": ["a"]}, [{"meta": {"changes": 1}}]
        ),
        Step("d1.database.query", {"sql": "SELECT * FROM t"}, [{"results": [{"id": 1, "name": "a"}]}]),
        Step(
            "d1.database.raw",
            {"sql": "SELECT * FROM t"},
            [{"results": {"columns": ["id", "name"], "rows": [[1, "a"]]}}],
        ),
        Step("d1.database.query", {"sql": "SELECT * FROM none"}, fails=400),
        Step("d1.database.import_", {"action": "init", "etag": "0" * 32}, {"filename": bool, "upload_url": bool}),
        Step("d1.database.get", gives={"name": "{new}", "num_tables": 1}),
        Step("d1.database.delete"),
        Step("d1.database.get", fails=404),
    ],
    "R2": [
        Step(
            "r2.buckets.create", {"name": "{new}"}, {"name": "{new}"}, {"bucket_name": "name"}, undo="r2.buckets.delete"
        ),
        Step("r2.buckets.list", {"name_contains": "{new}"}, {"buckets": [{"name": "{new}"}]}),
        Step("r2.buckets.objects.upload", {"object_key": "a/b", "body": b"x"}, {"key": "a/b", "size": "1"}),
        Step("r2.buckets.objects.list", {"prefix": "a/"}, [{"key": "a/b", "size": 1}]),
        Step("r2.buckets.delete", fails=409),
        Step("r2.buckets.objects.get", {"object_key": "a/b"}, b"x"),
        Step("r2.buckets.objects.delete", {"object_key": "a/b"}),
        Step("r2.buckets.objects.get", {"object_key": "a/b"}, fails=404),
        Step("r2.buckets.get", gives={"name": "{new}", "storage_class": "Standard"}),
        Step("r2.buckets.delete"),
        Step("r2.buckets.get", fails=404),
    ],
    "KV": [
        Step(
            "kv.namespaces.create",
            {"title": "{new}"},
            {"title": "{new}"},
            keeps={"namespace_id": "id"},
            undo="kv.namespaces.delete",
        ),
        Step("kv.namespaces.update", {"title": "{new}-2"}),
        Step("kv.namespaces.get", gives={"title": "{new}-2"}),
        Step("kv.namespaces.list", gives=Among({"id": "{namespace_id}"})),
        Step("kv.namespaces.values.update", {"key_name": "a/b", "value": b"x", "metadata": {"m": 1}}),
        Step("kv.namespaces.values.get", {"key_name": "a/b"}, b"x"),
        Step("kv.namespaces.metadata.get", {"key_name": "a/b"}, {"m": 1}),
        Step("kv.namespaces.bulk_update", {"body": [{"key": "c", "value": "y"}]}, {"successful_key_count": 1}),
        Step("kv.namespaces.bulk_get", {"keys": ["a/b", "c"]}, {"values": {"a/b": "x", "c": "y"}}),
        Step("kv.namespaces.keys.list", gives=[{"name": "a/b", "metadata": {"m": 1}}, {"name": "c"}]),
        Step("kv.namespaces.values.delete", {"key_name": "a/b"}),
        Step("kv.namespaces.values.get", {"key_name": "a/b"}, fails=404),
        Step("kv.namespaces.bulk_delete", {"body": ["c"]}, {"successful_key_count": 1}),
        Step("kv.namespaces.delete"),
        Step("kv.namespaces.get", fails=404),
    ],
    "DNS records": [
        Step(
            "dns.records.create",
            {"name": "{new}.{zone_name}", "type": "CNAME", "content": "example.com", "ttl": 1, "proxied": True},
            {"type": "CNAME", "content": "example.com", "proxied": True},
            keeps={"dns_record_id": "id"},
            undo="dns.records.delete",
        ),
        Step(
            "dns.records.update",
            {"name": "{new}.{zone_name}", "type": "CNAME", "content": "example.org", "ttl": 300, "proxied": False},
            {"content": "example.org", "ttl": 300},
        ),
        Step("dns.records.get", gives={"name": "{new}.{zone_name}", "proxied": False}),
        Step("dns.records.list", {"name": {"exact": "{new}.{zone_name}"}}, [{"id": "{dns_record_id}"}]),
        Step("dns.records.delete", gives={"id": "{dns_record_id}"}),
        Step("dns.records.get", fails=404),
    ],
    "who calls": [
        Step("user.get", gives={"id": bool}),
        Step("accounts.list", gives=Among({"id": "{account_id}"})),
        Step("memberships.list", gives=Among({"status": "accepted", "account": {"id": "{account_id}"}})),
        Step("user.tokens.verify", gives={"status": "active"}),
        Step("zones.list", {"name": "{zone_name}"}, [{"id": "{zone_id}"}]),
        Step("zones.get", gives={"name": "{zone_name}", "status": "active"}),
        Step("workers.subdomains.get", gives={"subdomain": bool}),
    ],
}

LOCAL_STEPS = {
    "zones": [
        Step(
            "zones.create",
            {"account": {"id": "{account_id}"}, "name": "{new}.localhost", "type": "full"},
            {"name": "{new}.localhost", "account": {"id": "{account_id}"}},
            keeps={"zone_id": "id"},
            undo="zones.delete",
        ),
        Step("zones.delete", gives={"id": "{zone_id}"}),
    ],
    "what an account has one of": [
        Step("workers.subdomains.update", {"subdomain": "overskill"}, {"subdomain": "overskill"}),
        Step("accounts.tokens.verify", gives={"status": "active"}),
    ],
    "certificate packs": [
        Step(
            "ssl.certificate_packs.create",
            {
                "type": "advanced",
                "hosts": ["{zone_name}", "*.{zone_name}"],
                "certificate_authority": "google",
                "validation_method": "txt",
                "validity_days": 90,
            },
            {"status": "initializing", "type": "advanced"},
            keeps={"certificate_pack_id": "id"},
            undo="ssl.certificate_packs.delete",
        ),
        Step("ssl.certificate_packs.get", gives={"id": "{certificate_pack_id}"}),
        Step("ssl.certificate_packs.list", {"status": "all"}, Among({"id": "{certificate_pack_id}"})),
        Step("ssl.certificate_packs.delete", gives={"id": "{certificate_pack_id}"}),
    ],
    "custom hostnames": [
        Step(
            "custom_hostnames.create",
            {"hostname": "{new}.customer.com", "ssl": {"method": "http", "type": "dv"}},
            {"hostname": "{new}.customer.com", "ssl": {"method": "http", "type": "dv"}},
            keeps={"custom_hostname_id": "id"},
            undo="custom_hostnames.delete",
        ),
        Step("custom_hostnames.edit", {"custom_metadata": {"app": "abc"}}, {"custom_metadata": {"app": "abc"}}),
        Step("custom_hostnames.get", gives={"hostname": "{new}.customer.com", "custom_metadata": {"app": "abc"}}),
        Step("custom_hostnames.list", {"hostname": {"exact": "{new}.customer.com"}}, [{"id": "{custom_hostname_id}"}]),
        Step("custom_hostnames.delete", gives={"id": "{custom_hostname_id}"}),
        Step("custom_hostnames.get", fails=404),
    ],
    "fallback origin": [
        Step(
            "dns.records.create",
            {"name": "{new}.{zone_name}", "type": "AAAA", "content": "100::", "ttl": 1, "proxied": True},
            keeps={"dns_record_id": "id"},
            undo="dns.records.delete",
        ),
        Step(
            "custom_hostnames.fallback_origin.update", {"origin": "{new}.{zone_name}"}, {"origin": "{new}.{zone_name}"}
        ),
        Step("custom_hostnames.fallback_origin.get", gives={"origin": "{new}.{zone_name}"}),
        Step("custom_hostnames.fallback_origin.delete"),
    ],
    "tokens": [
        Step(
            "user.tokens.permission_groups.list",
            keeps={"group": lambda found: next(one.id for one in found if one.name == "Workers Scripts Write")},
        ),
        Step(
            "user.tokens.create",
            {
                "name": "{new}",
                "policies": [
                    {
                        "effect": "allow",
                        "resources": {"com.cloudflare.api.account.{account_id}": "*"},
                        "permission_groups": [{"id": "{group}"}],
                    }
                ],
            },
            {"name": "{new}", "status": "active", "value": bool},
            keeps={"token_id": "id"},
            undo="user.tokens.delete",
        ),
        Step("user.tokens.get", gives={"id": "{token_id}", "name": "{new}"}),
        Step("user.tokens.list", gives=Among({"id": "{token_id}", "value": None})),
        Step("user.tokens.delete"),
        Step("user.tokens.get", fails=404),
    ],
}
"""What a live account has one of, or pays for."""
