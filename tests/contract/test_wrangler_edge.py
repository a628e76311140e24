"""Unmodified wrangler against a local cloud as a process, with the real edge: what it deploys answers there."""

import json
import time

import httpx
import pytest
from contract_process import ACCOUNT, running
from wrangler_command import Wrangler

GREETER = """
export default { async fetch(request, env) {
  return Response.json([env.GREETING, env.LIMITS?.most, await env.KV?.get("key"), env.TOKEN ?? null]);
} };
"""
KEEPER = """
export default { async fetch(request, env) {
  const { results } = await env.DB.prepare("SELECT name FROM items ORDER BY id").all();
  const file = await env.FILES.get("a/b.txt");
  await env.DB.prepare("INSERT INTO items (name) VALUES (?)").bind("from the Worker").run();
  await env.FILES.put("made.txt", "by the Worker");
  return Response.json([results.map(({ name }) => name), await file.text(), file.httpMetadata.contentType]);
} };
"""
DISPATCHER = """
export default { fetch(request, env) {
  const [app] = new URL(request.url).hostname.split(".");
  return env.APPS.get(app, {}, { outbound: { app_id: app } }).fetch(request);
} };
"""
OUTBOUND = """
export default { fetch(request, env) {
  return new Response(`${env.app_id} may not reach ${new URL(request.url).host}`);
} };
"""
APP = """
import { number } from "./number.js";
export default { async fetch(request, env) {
  const answer = await fetch("http://elsewhere.example/");
  return new Response(`${env.NAME} ${number}: ${await answer.text()}`);
} };
"""

FRONT = """
export default { fetch(request, env) { return env.SHOPS.get(request.headers.get("shop")).fetch(request); } };
"""
SHOP = """
export default { async fetch(request, env) {
  const { pathname } = new URL(request.url);
  console.log("asked for", pathname);
  const { results } = await env.DB.prepare("SELECT name FROM items ORDER BY id").all();
  const file = await env.FILES.get("in.txt");
  const read = [await env.KV.get("in"), results.map(({ name }) => name), await file.text(), env.TOKEN];
  await env.KV.put("out", "KV by the app", { metadata: { by: "app" } });
  await env.DB.prepare("INSERT INTO items (name) VALUES (?)").bind("D1 by the app").run();
  await env.FILES.put("out.txt", "R2 by the app");
  const page = await env.ASSETS.fetch(new URL("/about", request.url));
  return Response.json([...read, await page.text()]);
} };
"""
PAGES = {
    "index.html": "the shop",
    "about.html": "about the shop",
    "404.html": "not in the shop",
    "style.css": "body {}",
    "_headers": "/style.css\n  x-made-by: the shop\n",
    "_redirects": "/old /about 301\n",
}


@pytest.fixture(scope="module")
def cloud(workerd, tmp_path_factory):
    with running(tmp_path_factory.mktemp("cloud") / "state", workerd) as process:
        yield process


@pytest.fixture(scope="module")
def command(wrangler, cloud, tmp_path_factory):
    token = json.loads((cloud.state / "credentials.json").read_text())["cloudflare_token"]
    home = tmp_path_factory.mktemp("home")
    return Wrangler(program=wrangler, api=cloud.url, token=token, account=ACCOUNT, home=home)


def ask(cloud, host, path="/", **headers):
    return httpx.get(cloud.edge_url + path, headers={"Host": host, **headers}, trust_env=False)


def test_the_life_of_a_worker(cloud, command):
    def answer():
        return ask(cloud, "greeter.overskill.workers.localhost").json()

    command.run("kv namespace create data")
    (namespace,) = command.json("kv namespace list")
    config = {
        "vars": {"GREETING": "hello", "LIMITS": {"most": 3}},
        "kv_namespaces": [{"binding": "KV", "id": namespace["id"]}],
        "workers_dev": True,
    }
    folder = command.project("greeter", GREETER, **config)
    assert "https://greeter.overskill.workers.dev" in command.run("deploy", folder)
    command.run("kv key put key value --binding KV --remote", folder)
    assert answer() == ["hello", 3, "value", None]
    command.run("secret put TOKEN", folder, answer="s3cret")
    assert answer() == ["hello", 3, "value", "s3cret"]
    config["vars"]["GREETING"] = "hello again"
    command.project("greeter", GREETER, **config)
    command.run("deploy --message again", folder)
    assert answer() == ["hello again", 3, "value", "s3cret"]
    config["vars"]["GREETING"] = "not yet"
    command.project("greeter", GREETER, **config)
    command.run("versions upload --tag next", folder)
    assert answer() == ["hello again", 3, "value", "s3cret"]
    command.run("versions deploy --version-tag next@100% --yes", folder)
    assert answer() == ["not yet", 3, "value", "s3cret"]
    command.run("rollback --yes", folder)
    assert answer() == ["hello again", 3, "value", "s3cret"]
    command.run("delete", folder)
    assert ask(cloud, "greeter.overskill.workers.localhost").status_code == 404


def test_a_database_and_a_bucket(cloud, command):
    command.run("d1 create shop-data --location weur")
    (database,) = command.json("d1 list --json")
    command.run("r2 bucket create shop-files --location weur")
    config = {
        "d1_databases": [{"binding": "DB", "database_name": "shop-data", "database_id": database["uuid"]}],
        "r2_buckets": [{"binding": "FILES", "bucket_name": "shop-files"}],
        "workers_dev": True,
    }
    folder = command.project("keeper", KEEPER, **config)
    migrations = folder / "migrations"
    migrations.mkdir()
    (migrations / "0001_items.sql").write_text("CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);\n-- done;\n")
    (migrations / "0002_first.sql").write_text("INSERT INTO items (name) VALUES ('one; two');")
    assert "0002_first.sql" in command.run("d1 migrations list DB --remote", folder)
    command.run("d1 migrations apply DB --remote", folder)
    assert "No migrations to apply" in command.run("d1 migrations apply DB --remote", folder)
    (folder / "more.sql").write_text(
        "INSERT INTO items (name) VALUES ('three');\nINSERT INTO items (name) VALUES ('four');"
    )
    assert "Executed 2 queries" in command.run("d1 execute shop-data --remote --yes --file more.sql", folder)
    command.run("r2 object put shop-files/a/b.txt --remote --file more.sql --content-type text/plain", folder)
    command.run("deploy", folder)
    answer = ask(cloud, "keeper.overskill.workers.localhost").json()
    assert answer == [["one; two", "three", "four"], (folder / "more.sql").read_text(), "text/plain"]
    selected = command.json("d1 execute shop-data --remote --json --command SELECT(name)FROM(items)WHERE(id=4)", folder)
    assert selected[0]["results"] == [{"name": "from the Worker"}]
    assert command.run("r2 object get shop-files/made.txt --remote --pipe", folder) == "by the Worker"


def test_a_platform(cloud, command):
    (zone,) = cloud.api("GET", "/client/v4/zones").json()["result"]
    record = {"type": "AAAA", "name": "*", "content": "100::", "proxied": True}
    cloud.api("POST", f"/client/v4/zones/{zone['id']}/dns_records", json=record)
    command.run("dispatch-namespace create apps")
    command.run("deploy", command.project("outbound", OUTBOUND, workers_dev=False))
    outbound = {"service": "outbound", "parameters": ["app_id"]}
    dispatcher = command.project(
        "dispatcher",
        DISPATCHER,
        dispatch_namespaces=[{"binding": "APPS", "namespace": "apps", "outbound": outbound}],
        routes=[{"pattern": "*.overskill.localhost/*", "zone_name": "overskill.localhost"}],
    )
    assert "*.overskill.localhost/*" in command.run("deploy", dispatcher)
    app = command.project("shop", APP, vars={"NAME": "Shop"})
    for number in ("1", "2"):
        (app / "number.js").write_text(f"export const number = {number};")
        assert "Dispatch Namespace: apps" in command.run("deploy --dispatch-namespace apps", app)
        assert ask(cloud, "shop.overskill.localhost").text == f"Shop {number}: shop may not reach elsewhere.example"
    assert "binding 'APPS' has outbound Worker 'outbound'" in command.refused("delete --name outbound")


def logged(cloud, namespace, script, count):
    """What a script has said, once there is so much of it: the edge tells of a request after its answer."""
    asked, deadline = {"namespace": namespace, "script": script}, time.monotonic() + 5
    while True:
        entries = cloud.api("GET", "/_local/logs", params=asked).json()["entries"]
        if len(entries) >= count or time.monotonic() > deadline:
            return [entry["message"] for entry in entries]
        time.sleep(0.02)


@pytest.fixture
def shop(cloud, command):
    """A folder with an app of files and a program, and its data; the dispatch Worker before it is deployed."""
    command.run("dispatch-namespace create shops")
    namespaces = [{"binding": "SHOPS", "namespace": "shops"}]
    command.run("deploy", command.project("front", FRONT, dispatch_namespaces=namespaces, workers_dev=True))
    command.run("kv namespace create shop-values")
    command.run("d1 create shop-items")
    command.run("r2 bucket create shop-objects")
    (values,) = [one["id"] for one in command.json("kv namespace list") if one["title"] == "shop-values"]
    (items,) = [one["uuid"] for one in command.json("d1 list --json") if one["name"] == "shop-items"]
    folder = command.project(
        "toys",
        SHOP,
        assets={
            "directory": "pages",
            "binding": "ASSETS",
            "run_worker_first": ["/api/*"],
            "not_found_handling": "404-page",
        },
        kv_namespaces=[{"binding": "KV", "id": values}],
        d1_databases=[{"binding": "DB", "database_name": "shop-items", "database_id": items}],
        r2_buckets=[{"binding": "FILES", "bucket_name": "shop-objects"}],
    )
    for inner in ("pages", "migrations"):
        (folder / inner).mkdir()
    for name, text in PAGES.items():
        (folder / "pages" / name).write_text(text)
    (folder / "migrations" / "0001_items.sql").write_text(
        "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT);\nINSERT INTO items (name) VALUES ('D1 by wrangler');"
    )
    (folder / "secrets.json").write_text(json.dumps({"TOKEN": "s3cret"}))
    (folder / "in.txt").write_text("R2 by wrangler")
    return folder


def test_an_app_with_files_and_data(cloud, command, shop):
    def page(path):
        answer = ask(cloud, "front.overskill.workers.localhost", path, shop="toys")
        return answer.status_code, answer.text or answer.headers["location"]

    command.run("d1 migrations apply DB --remote", shop)
    command.run("kv key put in by-wrangler --binding KV --remote", shop)
    command.run("r2 object put shop-objects/in.txt --remote --file in.txt", shop)
    deployed = command.run("deploy --dispatch-namespace shops --secrets-file secrets.json", shop)
    assert "Dispatch Namespace: shops" in deployed
    assert page("/") == (200, "the shop")
    assert page("/about") == (200, "about the shop")
    assert page("/about.html") == (307, "/about")
    assert page("/old") == (301, "/about")
    assert page("/none") == (404, "not in the shop")
    style = ask(cloud, "front.overskill.workers.localhost", "/style.css", shop="toys")
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert style.headers["x-made-by"] == "the shop"
    read = ["by-wrangler", ["D1 by wrangler"], "R2 by wrangler", "s3cret", "about the shop"]
    assert json.loads(page("/api/all")[1]) == read

    assert command.run("kv key get out --binding KV --remote", shop) == "KV by the app"
    (selected,) = command.json("d1 execute shop-items --remote --json --command SELECT(name)FROM(items)", shop)
    assert [row["name"] for row in selected["results"]] == ["D1 by wrangler", "D1 by the app"]
    assert command.run("r2 object get shop-objects/out.txt --remote --pipe", shop) == "R2 by the app"

    (shop / "pages" / "about.html").write_text("more about the shop")
    assert "1 new or modified" in command.run("deploy --dispatch-namespace shops", shop)
    assert page("/about") == (200, "more about the shop")
    assert json.loads(page("/api/all")[1])[3:] == ["s3cret", "more about the shop"]
    assert logged(cloud, "shops", "toys", 2) == ["asked for /api/all"] * 2

    assert "script_count: 1" in command.run("dispatch-namespace get shops")
    command.run("dispatch-namespace delete shops")
    assert "shops" not in command.run("dispatch-namespace list")
    assert page("/")[0] == 500
