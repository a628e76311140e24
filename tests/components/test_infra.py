"""The platform program under mocks: what each stack declares, to the last binding."""

import base64

import pulumi
import pytest
from conftest import ROOT, ZONE_ID, stack_config

SOURCE = ROOT / "dispatch_worker" / "src"
STACKS = {
    "local": ("development", "overskill-development-dispatch", "overskill.localhost"),
    "dev": ("development", "overskill-development-dispatch", "dev.overskill.com"),
    "prod": ("production", "overskill-dispatch", "overskill.com"),
}


@pytest.mark.parametrize("stack", STACKS)
def test_declares(run_program, stack):
    environment, worker, domain = STACKS[stack]
    account_id = stack_config(stack)["overskill:accountId"]
    declared = run_program("infra", stack, stack_config(stack))

    assert declared.of("WorkersForPlatformsDispatchNamespace") == {
        f"namespaces-{app}": {"accountId": account_id, "name": f"overskill-{environment}-{app}"}
        for app in ("preview", "staging", "production")
    }
    assert declared.of("Worker") == {
        "dispatcher": {
            "accountId": account_id,
            "name": worker,
            "subdomain": {"enabled": True, "previewsEnabled": False},
        }
    }
    version = declared.of("WorkerVersion")["dispatcher-version"]
    assert version["workerId"] == "dispatcher-id"
    assert version["mainModule"] == "index.js"
    assert {m["name"]: base64.b64decode(m["contentBase64"]) for m in version["modules"]} == {
        path.name: path.read_bytes() for path in SOURCE.iterdir()
    }
    assert version["bindings"] == [
        {"name": "DOMAIN", "type": "plain_text", "text": domain},
        *(
            {
                "name": f"NAMESPACE_{app.upper()}",
                "type": "dispatch_namespace",
                "namespace": f"overskill-{environment}-{app}",
            }
            for app in ("preview", "production", "staging")
        ),
    ]
    assert declared.of("WorkersDeployment")["dispatcher-deployment"] == {
        "accountId": account_id,
        "scriptName": worker,
        "strategy": "percentage",
        "versions": [{"percentage": 100, "versionId": "dispatcher-version-id"}],
    }
    assert declared.of("DnsRecord") == {
        "domain-wildcard": {
            "zoneId": ZONE_ID,
            "name": f"*.{domain}",
            "type": "CNAME",
            "content": f"{worker}.overskill.workers.dev",
            "proxied": True,
            "ttl": 1,
        }
    }
    assert declared.of("WorkersRoute") == {
        "domain-route": {"zoneId": ZONE_ID, "pattern": f"*.{domain}/*", "script": worker}
    }
    template = declared.of("Repository")["template"]
    assert (template["name"], template["isTemplate"], template["visibility"]) == ("vite-wfp-template", True, "private")
    assert {t for t in declared.types if t.startswith("overskill:")} == {
        "overskill:platform:Namespaces",
        "overskill:platform:Dispatcher",
        "overskill:platform:Domain",
        "overskill:platform:Template",
    }


def test_a_bad_configuration_declares_nothing(run_program):
    config = stack_config("local") | {"overskill:prefix": "Bad Prefix", "overskill:extra": "1"}
    with pytest.raises(pulumi.RunError) as error:
        run_program("infra", "local", config)
    assert "overskill:prefix" in str(error.value)
    assert "overskill:extra" in str(error.value)
