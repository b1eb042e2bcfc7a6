from __future__ import annotations

import re
import shutil
from collections import namedtuple

import pytest
from tests.doors.http.calls import Inside

import renwei
from renwei.app.follow import Follower
from renwei.app.house import House
from renwei.doors.http.metrics import Requests

LINE = re.compile(r'[a-z_]+({([a-z]+="(\\.|[^"\\])*",?)+})? (-?[0-9.e+-]+|NaN|[+-]Inf)')


def test_the_probes_need_no_key(calm: House) -> None:
    inside = Inside(calm)
    assert inside.get("/v1/livez").json == {"status": "ok"}
    assert inside.get("/v1/version").json["version"] == renwei.__version__
    ready = inside.get("/v1/readyz")
    assert ready.status == 200
    assert ready.json["ready"]
    assert {name: check["ok"] for name, check in ready.json["checks"].items()} == {
        "store": True, "writable": True, "disk": True, "folds": True,
    }  # fmt: skip


def test_a_full_disk_and_folds_far_behind_are_not_ready(
    calm: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 100, 0))
    monkeypatch.setattr(Follower, "lag", lambda self: (5_000, 400.0))
    ready = Inside(calm).get("/v1/readyz")
    assert ready.status == 503
    assert ready.json["checks"]["disk"]["code"] == "disk_full"
    assert ready.json["checks"]["folds"]["code"] == "behind"
    assert ready.json["checks"]["store"]["ok"]


def test_metrics_are_what_prometheus_reads_and_name_nobody(reader: Inside) -> None:
    reader.get("/v1/people/13800010001")
    reader.get("/v1/people/13800010001?nope=1")
    answer = reader.get("/v1/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    said = answer.body.decode()
    lines = [line for line in said.splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines), [x for x in lines if not LINE.fullmatch(x)]
    assert (
        'renwei_http_requests_total{route="/v1/people/{person}",method="GET",status="200"}' in said
    )
    assert 'status="400"' in said
    for name in ("renwei_log_position", "renwei_fold_lag_events", "renwei_jobs_running",
                 "renwei_outbox", "renwei_http_request_seconds_bucket"):  # fmt: skip
        assert any(line.startswith(name) for line in lines), name
    assert "13800010001" not in said
    assert len(lines) == len({line.rpartition(" ")[0] for line in lines})


def test_metrics_are_not_for_everybody(calm: House) -> None:
    assert Inside(calm).get("/v1/metrics").status == 401


def test_a_histogram_counts_each_request_once_and_adds_up() -> None:
    requests = Requests()
    for seconds in (0.0005, 0.001, 0.03, 0.2, 99.0):
        requests.note("/v1/x", "GET", 200, seconds)
    lines = dict(line.rsplit(" ", 1) for line in requests.lines() if not line.startswith("#"))
    name = "renwei_http_request_seconds"
    assert float(lines[f'{name}_count{{route="/v1/x"}}']) == 5
    assert float(lines[f'{name}_sum{{route="/v1/x"}}']) == pytest.approx(99.2315)
    buckets = [float(v) for k, v in lines.items() if "_bucket" in k]
    assert buckets == sorted(buckets)
    assert buckets[0] == 2  # a bound holds what equals it
    assert buckets[-1] == 5
