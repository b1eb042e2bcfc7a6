"""Real SDKs from the package registries, each by its own quick start, pointed at a real server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from tests.doors.http.conftest import NODE
from tests.doors.http.served import Served, served

from renwei.core.nouns import Event
from renwei.core.store import Named

LONG_AGO = datetime(2026, 6, 1, 4, tzinfo=UTC)

SEGMENT = """
import os
from datetime import datetime, timezone
import segment.analytics as analytics

analytics.write_key = os.environ["KEY"]
analytics.host = os.environ["URL"]
analytics.gzip = bool(os.environ.get("GZIP"))
analytics.on_error = lambda error, items: os._exit(3)

analytics.identify("seg-1", {"email": "seg@shop.cn", "city": "杭州", "age": 31})
analytics.track("seg-1", "Product Viewed", {"product_id": "S-1", "name": "面膜", "dwell_ms": 4200})
analytics.track("seg-1", "Products Searched", {"query": "防晒"},
                timestamp=datetime(2026, 6, 1, 4, tzinfo=timezone.utc))
analytics.track("seg-1", "Product Liked", {"product_id": "S-1"})
analytics.page("seg-1", "Docs", "Home", {"path": "/home"})
analytics.screen("seg-1", "App", "Cart")
analytics.group("seg-1", "vip", {"level": 2})
analytics.alias("seg-0", "seg-1")
analytics.shutdown()
"""

RUDDER = """
import os
from datetime import datetime, timezone
import rudderstack.analytics as rudder_analytics

rudder_analytics.write_key = os.environ["KEY"]
rudder_analytics.dataPlaneUrl = os.environ["URL"]
rudder_analytics.on_error = lambda error, items: os._exit(3)

rudder_analytics.identify("rud-1", {"email": "rud@shop.cn", "city": "杭州", "age": 31})
rudder_analytics.track("rud-1", "Product Viewed",
                       {"product_id": "R-1", "name": "面膜", "dwell_ms": 4200})
rudder_analytics.track("rud-1", "Products Searched", {"query": "防晒"},
                       timestamp=datetime(2026, 6, 1, 4, tzinfo=timezone.utc))
rudder_analytics.track("rud-1", "Product Liked", {"product_id": "R-1"})
rudder_analytics.page("rud-1", "Docs", "Home", {"path": "/home"})
rudder_analytics.screen("rud-1", "App", "Cart")
rudder_analytics.group("rud-1", "vip", {"level": 2})
rudder_analytics.alias("rud-0", "rud-1")
rudder_analytics.shutdown()
"""

POSTHOG = """
import os
from datetime import datetime, timezone
from posthog import Posthog

posthog = Posthog(os.environ["KEY"], host=os.environ["URL"], on_error=lambda *_: os._exit(3))

posthog.set(distinct_id="ph-1", properties={"email": "ph@shop.cn", "city": "杭州", "age": 31})
posthog.capture("Product Viewed", distinct_id="ph-1",
                properties={"product_id": "P-1", "name": "面膜", "dwell_ms": 4200})
posthog.capture("Products Searched", distinct_id="ph-1", properties={"query": "防晒"},
                timestamp=datetime(2026, 6, 1, 4, tzinfo=timezone.utc))
posthog.capture("Product Liked", distinct_id="ph-1", properties={"product_id": "P-1"})
posthog.alias(previous_id="ph-0", distinct_id="ph-1")
assert posthog.get_all_flags("ph-1") == {}
assert not posthog.feature_enabled("new-home", "ph-1")
posthog.shutdown()
"""

SENSORS = """
import os
import sensorsanalytics

url = os.environ["URL"] + "/sa?project=" + os.environ["KEY"]
if os.environ.get("BATCH"):
    consumer = sensorsanalytics.BatchConsumer(url)
else:
    consumer = sensorsanalytics.DefaultConsumer(url)
sa = sensorsanalytics.SensorsAnalytics(consumer)
me, before = os.environ["ME"], os.environ["ME"] + "-0"

sa.track(before, "ViewProduct", {"product_id": "A-1", "$time": 1780286400000}, is_login_id=False)
sa.track_signup(me, before)
sa.profile_set(me, {"city": "杭州", "age": 31}, is_login_id=True)
sa.track(me, "ViewProduct", {"product_id": "A-1", "product_name": "面膜", "event_duration": 4.2}, is_login_id=True)
sa.track(me, "SearchProduct", {"keyword": "防晒"}, is_login_id=True)
sa.track(me, "Like", {"product_id": "A-1"}, is_login_id=True)
sa.close()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("sdks")) as running:
        yield running


def start(server: Served, script: str, **more: str) -> None:
    env = os.environ | {"URL": server.url, "KEY": server.keys["ingest"]} | more
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr


def events_of(server: Served, kind: str, value: str, n: int) -> list[Event]:
    """What a person did, oldest first, once there are as many as were sent."""
    with server.store() as store:
        until = time.monotonic() + 10
        while True:
            person = store.people.find(Named(kind, value))
            actors = store.people.actors_of(person) if person else []
            found = store.log.of(actors) if actors else []
            if len(found) >= n or time.monotonic() > until:
                break
            time.sleep(0.05)
    return sorted(found, key=lambda event: event.seq)


def folded(server: Served, kind: str, value: str) -> tuple[dict[str, object], dict[str, list[str]]]:
    """Facts and vault of a person, once the folds have read everything."""
    with server.store() as store:
        until = time.monotonic() + 10
        while store.tallies.position("profiles") < store.log.position():
            assert time.monotonic() < until, "the folds did not follow"
            time.sleep(0.02)
        person = store.people.find(Named(kind, value))
        assert person is not None
        profile = store.people.profile(person)
        facts = {name: fact.value for name, fact in profile.facts.items()}
        return facts, store.people.open(person)


def one(events: list[Event], kind: str) -> Event:
    (found,) = [event for event in events if event.kind == kind]
    return found


def check_shopper(events: list[Event]) -> None:
    """The same visit comes out the same, whichever SDK told of it."""
    view, search, like = (one(events, kind) for kind in ("view", "search", "like"))
    assert view.body["dwell_ms"] == 4200
    assert view.item == like.item != 0
    assert search.body["keyword"] == "防晒"
    now = datetime.now(UTC)
    assert all(now - event.at < timedelta(minutes=2) for event in (view, like))


@pytest.mark.parametrize("packed", ["", "yes"])
def test_segment_python_by_its_quick_start(server: Served, packed: str) -> None:
    script = SEGMENT.replace("seg-", f"seg{packed}-").replace("seg@", f"seg{packed}@")
    start(server, script, GZIP=packed)
    events = events_of(server, "user", f"seg{packed}-1", 8)
    check_shopper(events)
    assert one(events, "search").at == LONG_AGO
    kinds = sorted(event.kind for event in events)
    assert kinds == sorted(
        ["identify", "view", "search", "like", "page", "screen", "group", "alias"]
    )
    facts, vault = folded(server, "user", f"seg{packed}-1")
    assert facts["city"] == "杭州"
    assert vault["email"] == [f"seg{packed}@shop.cn"]


def test_rudderstack_python_by_its_quick_start(server: Served) -> None:
    start(server, RUDDER)
    events = events_of(server, "user", "rud-1", 8)
    check_shopper(events)
    assert one(events, "search").at == LONG_AGO
    assert one(events, "page").body["path"] == "/home"
    facts, vault = folded(server, "user", "rud-1")
    assert facts["city"] == "杭州"
    assert vault["email"] == ["rud@shop.cn"]


def test_posthog_python_by_its_quick_start(server: Served) -> None:
    start(server, POSTHOG)
    events = events_of(server, "user", "ph-1", 5)
    check_shopper(events)
    assert one(events, "search").at == LONG_AGO
    facts, vault = folded(server, "user", "ph-1")
    assert facts["city"] == "杭州"
    assert vault["email"] == ["ph@shop.cn"]


@pytest.mark.parametrize("me", ["sa1", "sa2"])
def test_sensors_analytics_python_by_its_quick_start(server: Served, me: str) -> None:
    start(server, SENSORS, ME=me, BATCH="yes" if me == "sa2" else "")
    events = events_of(server, "user", me, 6)
    views = [event for event in events if event.kind == "view"]
    # What the visitor saw before signing up is now the person's, at its own time.
    assert views[0].at == datetime(2026, 6, 1, 4, tzinfo=UTC)
    assert views[-1].body["dwell_ms"] == 4200
    assert one(events, "search").body["keyword"] == "防晒"
    assert one(events, "like").item == views[-1].item != 0
    facts, _ = folded(server, "user", me)
    assert facts["city"] == "杭州"


def test_segment_node_by_its_quick_start(server: Served, node: str) -> None:
    env = os.environ | {"URL": server.url, "KEY": server.keys["ingest"]}
    done = subprocess.run(
        [node, "quick_start.mjs"],
        cwd=NODE, env=env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == f"{server.url}/v1/batch"
    events = events_of(server, "user", "node-1", 7)
    view, search = one(events, "view"), one(events, "search")
    assert (view.body["dwell_ms"], search.body["keyword"]) == (4200, "防晒")
    assert search.at == LONG_AGO
    facts, vault = folded(server, "user", "node-1")
    assert facts["city"] == "杭州"
    assert vault["email"] == ["node@shop.cn"]


def test_an_sdk_that_repeats_itself_doubles_nothing(server: Served) -> None:
    script = SEGMENT.replace(
        "analytics.identify(",
        'analytics.track("seg-3", "Opened", message_id="fixed-1")\nanalytics.identify(', 1,
    ).replace('"seg-1"', '"seg-3"').replace("seg-0", "seg-2").replace("seg@", "seg3@")  # fmt: skip
    for _ in range(2):
        start(server, script)
    assert len([e for e in events_of(server, "user", "seg-3", 16) if e.kind == "track"]) == 1
