"""Whatever a request asks within the OpenAPI description, or against it, no answer is an error of the server's."""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import Any

import pytest
from page_parts import RUN, client, filled

from netwright.dashboard.rules import Rules

EXAMPLES = 4  # of each operation, valid ones and others; a few, for time
HEADERS = {"origin": "http://127.0.0.1:8400"}
STRANGE = (
    "%F0%9F%92%A9",
    "a'b",
    'a"b',
    "a;DROP TABLE runs",
    "<b>",
    "1e999",
    "9" * 19,
    "9" * 30,
    "-1",
    "nan",
    "x" * 3000,
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with client(filled(tmp_path_factory.mktemp("schema") / "runs"), Rules(control=True), **HEADERS) as made:
        yield made


@pytest.mark.skipif(importlib.util.find_spec("schemathesis") is None, reason="schemathesis is not installed")
def test_no_request_that_the_description_allows_or_forbids_is_an_error_of_the_servers(browser: Any) -> None:
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.errors import Unsatisfiable

    described = browser.get("/api/openapi.json").json()
    schema: Any = schemathesis.openapi.from_dict(described)
    quick = settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        phases=[Phase.generate],
        database=None,
    )
    for operation in schema.get_all_operations():
        for mode in schemathesis.GenerationMode:
            strategy = operation.ok().as_strategy(generation_mode=mode)

            @quick
            @given(case=strategy)
            def check(case: Any) -> None:
                sent = case.as_transport_kwargs(base_url="http://127.0.0.1:8400")
                headers = {**dict(sent.pop("headers", None) or {}), **HEADERS}
                sent.pop("cookies", None)
                try:
                    answer = browser.request(sent.pop("method"), sent.pop("url"), headers=headers, **sent)
                except (UnicodeError, ValueError, TypeError):  # what the client itself cannot send
                    return
                assert answer.status_code < 500, (case.method, case.path, answer.status_code, answer.text)
                _is_described(described, case, answer)

            with contextlib.suppress(Unsatisfiable):  # nothing of it can be wrong
                check()


def _is_described(described: Any, case: Any, answer: Any) -> None:
    """The status is among those that the description names, and what comes is of the kind that it says."""
    told = described["paths"][case.path][case.method.lower()]["responses"]
    assert str(answer.status_code) in told, (case.method, case.path, answer.status_code)
    kind = told[str(answer.status_code)]["content"]["application/json"]["schema"]
    found = answer.json()
    assert isinstance(found, {"object": dict, "array": list}[kind["type"]])
    assert all(name in found for name in kind.get("required", ()))


def test_refusals_of_the_guard_are_json_where_that_is_spoken(browser: Any) -> None:
    foreign = browser.get("/api/runs", headers={"host": "evil.example"})
    assert foreign.status_code == 400 and "host" in foreign.json()["error"]
    assert browser.get("/", headers={"host": "evil.example"}).headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize(
    "place",
    [
        *("/runs/{}", f"/runs/{RUN}/trials/{{}}", f"/runs/{RUN}/charts/{{}}.svg", f"/runs/{RUN}/charts/front.{{}}"),
        *(f"/runs/{RUN}/trials?sort={{}}", f"/runs/{RUN}/trials?where={{}}", f"/runs/{RUN}/trials?page={{}}"),
        *(f"/runs/{RUN}/side?trial={{}}", "/compare?run={}", f"/api/runs/{RUN}/charts/front?x={{}}", "/?find={}"),
        f"/api/runs/{RUN}/live?after={{}}",
    ],
)
def test_strange_texts_are_refused_or_found_nowhere(browser: Any, place: str, strange: str) -> None:
    answer = browser.get(place.format(strange))
    assert answer.status_code in (200, 400, 404, 422)
    assert "Traceback" not in answer.text


def test_bodies_that_are_no_json_are_refused(browser: Any, tmp_path: Path) -> None:
    kind = {"content-type": "application/json"}
    for body in (b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"ask": NaN}', b'{"ask": "pause", "ask": "stop", "x": 1}'):
        answer = browser.post(f"/api/runs/{RUN}/control", content=body, headers=kind)
        assert answer.status_code in (400, 422), body[:20]
