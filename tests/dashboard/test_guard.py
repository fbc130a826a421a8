"""Every route, found in the route table, keeps the rules: hosts, origins, methods, sizes, tokens, headers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from page_parts import RUN, client, filled
from starlette.routing import Mount
from starlette.testclient import TestClient

from netwright.core.errors import UserError
from netwright.dashboard.application import routes_of
from netwright.dashboard.project import Project
from netwright.dashboard.rules import Rules, host_of, rules_for
from netwright.dashboard.site import Site

FOREIGN = (
    "evil.example",
    "localhost.evil.com",
    "localhost@evil.com",
    "127.0.0.1.evil.com",
    "",
    "127.0.0.1:8400@evil.com",
    "[::2]",
)


def addresses() -> list[tuple[str, str]]:
    """Method and address of every route, with what is in braces filled in."""
    found: list[tuple[str, str]] = [("GET", "/api/openapi.json"), ("GET", "/no/such/route")]
    waiting = list(routes_of(Site(Project(Path("nowhere")), Rules())).routes)
    while waiting:
        each = waiting.pop()
        if isinstance(each, APIRoute):
            filled_in = (
                each.path.replace("{name}", RUN)
                .replace("{number}", "1")
                .replace("{chart}", "front")
                .replace("{form}", "csv")
            )
            found += [(method, filled_in) for method in each.methods or ()]
        elif isinstance(each, Mount):
            found.append(("GET", f"{each.path}/pages.css"))
        else:
            waiting += getattr(each, "routes", []) or getattr(getattr(each, "original_router", None), "routes", [])
    return found


ROUTES = addresses()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with client(filled(tmp_path_factory.mktemp("guard") / "runs")) as made:
        yield made


def test_the_table_of_routes_was_found() -> None:
    paths = {path for _, path in ROUTES}
    assert {"/", f"/runs/{RUN}", f"/runs/{RUN}/trials", f"/api/runs/{RUN}/trials", "/static/pages.css"} <= paths


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_refuses_foreign_hosts_and_origins_and_sends_its_headers(
    browser: TestClient, method: str, path: str
) -> None:
    for host in FOREIGN:
        assert browser.request(method, path, headers={"host": host}).status_code == 400, host
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9999", "https://127.0.0.1"):
        assert browser.request(method, path, headers={"origin": origin}).status_code == 403, origin
    assert browser.request(method, path, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    answer = browser.request(method, path)
    assert answer.status_code < 500
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy or (path.endswith(".svg") and "script" not in policy and "sandbox" in policy)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nothing_is_changed_unless_that_was_allowed(browser: TestClient, method: str, path: str) -> None:
    for unsafe in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        answer = browser.request(unsafe, path, headers={"origin": "http://127.0.0.1:8400"})
        assert answer.status_code in (403, 405), unsafe


def test_a_link_on_another_page_may_be_followed(browser: TestClient) -> None:
    assert browser.get("/", headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/static/../project.py", "/static/..%2fproject.py", "/static/%2e%2e/project.py", "/static/%252e%252e/x"),
        *("/runs/..%2f..%2fetc%2fpasswd", "/runs/%00", "/runs/..\\x", "//etc/passwd", "/runs/%5c..", "/runs/../../x"),
    ],
)
def test_no_path_leads_to_a_file(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code in (400, 404)
    assert "import" not in answer.text and "root:" not in answer.text


def test_what_may_change_something_must_say_that_it_comes_from_here(tmp_path: Path) -> None:
    with client(filled(tmp_path / "runs", 2), Rules(control=True)) as browser:
        own = {"origin": "http://127.0.0.1:8400"}
        assert browser.post("/", json={}).status_code == 403  # neither page nor token
        assert browser.post("/", content="{}", headers=own).status_code == 415
        assert browser.post("/", json={}, headers=own).status_code == 405  # there is no such route
        large = browser.post("/", content=b" " * 1_000_001, headers={**own, "content-type": "application/json"})
        assert large.status_code == 413


def test_a_token_is_exchanged_for_a_cookie_and_leaves_the_address(tmp_path: Path) -> None:
    rules = Rules(frozenset({"127.0.0.1"}), "t" * 32, False, 8400)
    with client(filled(tmp_path / "runs", 2), rules) as browser:
        assert browser.get("/").status_code == 401
        assert browser.get("/?token=wrong").status_code == 401
        first = browser.get(f"/runs/{RUN}/trials?token={'t' * 32}&sort=number", follow_redirects=False)
        assert (first.status_code, first.headers["location"]) == (303, f"/runs/{RUN}/trials?sort=number")
        cookie = first.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "t" * 32 not in cookie
        assert browser.get("/").status_code == 200  # by the cookie
        browser.cookies.clear()
        assert browser.get("/", headers={"authorization": f"Bearer {'t' * 32}"}).status_code == 200


def test_who_listens_elsewhere_names_himself_and_gets_a_token() -> None:
    with pytest.raises(UserError, match="--allowed-host"):
        rules_for("0.0.0.0", 80, "", (), control=False)
    first, second = (rules_for("0.0.0.0", 80, "", ("pages.example.org",), control=False) for _ in range(2))
    assert len(first.token) >= 43 and first.token != second.token  # 256 bits
    assert first.knows_host("pages.example.org:8400") and not first.knows_host("example.org")
    assert rules_for("127.0.0.1", 80, "", (), control=False).token == ""


def test_hosts_are_read_as_browsers_write_them() -> None:
    assert [host_of(each) for each in ("localhost:8400", "[::1]:8400", "LOCALHOST", "a@localhost", "localhost:x")] == [
        *("localhost", "[::1]", "localhost", "", ""),
    ]
