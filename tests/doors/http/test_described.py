"""What the description says is what the server does: schemathesis asks a real one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from tests.doors.conftest import ORDERS
from tests.doors.http.served import Served, served

EXAMPLES = 6
LASTING = ("/v1/estimates", "/v1/readiness", "/v1/imports")
"""Requests to these may start a process each; other tests try them."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("described")) as server:
        status, _, body = server.ask(
            "POST", "/v1/imports?name=orders.csv", ORDERS.encode("gb18030"),
            **server.with_key("admin"), Prefer="wait",
        )  # fmt: skip
        assert status == 200, body
        yield server


@pytest.fixture(scope="module")
def described(server: Served) -> Any:
    return schemathesis.openapi.from_url(f"{server.url}/v1/openapi.json")


@pytest.mark.slow
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_place_does_what_its_description_says(
    server: Served, described: Any, mode: GenerationMode
) -> None:
    found, tried = [], 0
    for result in described.get_all_operations():
        operation = result.ok()
        if operation.method != "get" and operation.path.startswith(LASTING):
            continue
        try:
            tried += _tried(operation, server, mode)
        except Unsatisfiable:
            # Where nothing is asked, nothing can be asked wrongly.
            assert not operation.body
            assert mode == GenerationMode.NEGATIVE
        except Exception as wrong:  # noqa: BLE001 - all of them, not the first
            found.append(f"{operation.label}: {wrong}")
    assert found == []
    assert tried > 150


def _tried(operation: Any, server: Served, mode: GenerationMode) -> int:
    asked = 0

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def holds(case: Any) -> None:
        nonlocal asked
        asked += 1
        # A zone that does not exist is of the right type, and refused all the same.
        case.call_and_validate(
            headers=server.with_key("admin"), excluded_checks=[positive_data_acceptance]
        )

    holds()
    return asked
