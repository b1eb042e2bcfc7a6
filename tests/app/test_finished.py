"""A job can be asked for after a restart: its answer, its error, or that it was interrupted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.doors.http.conftest import keys_at

from renwei.app import finished
from renwei.app.house import House, open_house
from renwei.app.work import Job
from renwei.core.clock import Frozen
from renwei.core.errors import BadInput, UnknownName
from renwei.core.store import Named

AT = datetime(2026, 11, 20, 4, tzinfo=UTC)


@pytest.fixture
def clock() -> Frozen:
    return Frozen(AT)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with keys_at(tmp_path / "keys"):
        yield tmp_path / "data"


def ended(house: House, work: Any, operation: str = "levels", by: str = "k-1") -> Job:
    job = house.jobs.start(operation, work, by=by)
    assert job.ended.wait(20)
    return job


def test_an_answer_is_there_after_a_restart_as_the_operation_gave_it(
    folder: Path, clock: Frozen
) -> None:
    with open_house(folder, clock=clock, work=False) as house:
        job = ended(house, lambda _: house.call("levels"))
        said = job.answer
    with open_house(folder, clock=clock, work=False) as house:
        again = house.jobs.get(job.id)
        assert again is not None
        assert (again.answer, again.state, again.by, again.begun) == (said, "done", "k-1", AT)
        assert again.ended.is_set()
        assert house.jobs.get("another") is None


def test_an_error_is_there_with_its_values(folder: Path, clock: Frozen) -> None:
    def refuse(_: Any) -> None:
        raise BadInput("not_empty", path=Path("/x"))

    with open_house(folder, clock=clock, work=False) as house:
        job = ended(house, refuse)
    with open_house(folder, clock=clock, work=False) as house:
        again = house.jobs.get(job.id)
        assert again is not None
        assert again.state == "failed"
        assert isinstance(again.error, BadInput)
        assert (again.error.code, again.error.values) == ("not_empty", {"path": "/x"})


def test_a_job_cut_by_a_restart_says_so_and_what_to_do(folder: Path, clock: Frozen) -> None:
    go_on = threading.Event()
    with open_house(folder, clock=clock, work=False) as house:
        job = house.jobs.start("import", lambda _: go_on.wait(20), by="k-1")
        assert job.kept.wait(20)
        # What a crash leaves is what was on disk while it ran.
        kept = house.shop().store.blobs.get(f"job/{job.id}")
        go_on.set()
        assert job.ended.wait(20)
        assert kept is not None
        house.shop().store.blobs.put(f"job/{job.id}", kept)
    with open_house(folder, clock=clock, work=False) as house:
        again = house.jobs.get(job.id)
        assert again is not None
        assert (again.state, again.answer) == ("interrupted", None)
        assert again.error is not None
        assert again.error.code == "job_interrupted"
        said = house.shop("en").say("errors.job_interrupted", **again.error.values)
        assert "import" in said
        assert "Ask again" in said
        assert house.jobs.running() == {}


def not_known(_: Any) -> None:
    raise UnknownName("unknown_person", name="+8613912345670")


def test_what_was_answered_before_somebody_was_forgotten_is_gone(
    folder: Path, clock: Frozen
) -> None:
    with open_house(folder, clock=clock, work=False) as house:
        store = house.shop().store
        (actor,) = store.people.actors([Named("phone", "+8613912345678")], AT)
        job = ended(house, lambda _: house.call("levels"))
        failed = ended(house, not_known)
        assert isinstance(failed.error, UnknownName)
        store.forget(actor, AT)
        finished.scrub(house.shop(), [])
        for one in (job, failed):
            raw = store.blobs.get(f"job/{one.id}") or b""
            assert b"levels" in raw
            assert b"1391234567" not in raw
    with open_house(folder, clock=clock, work=False) as house:
        for one, state in ((job, "done"), (failed, "failed")):
            again = house.jobs.get(one.id)
            assert again is not None
            assert (again.state, again.answer) == (state, None)
            assert again.error is not None
            assert again.error.code == "job_answer_gone"


def test_jobs_are_kept_for_seven_days_and_those_of_nobody_not_at_all(
    folder: Path, clock: Frozen
) -> None:
    with open_house(folder, clock=clock, work=False) as house:
        job = ended(house, lambda _: house.call("levels"))
        nobody = ended(house, lambda _: house.call("levels"), by="")
        names = house.shop().store.blobs.names(finished.PREFIX)
        assert names == [f"job/{job.id}"]
        keeper = finished.Finished(house.shop())
        assert keeper.find(job.id) is not None
        assert keeper.find(nobody.id) is None
        assert finished.sweep(house.shop(), AT + finished.KEPT - timedelta(seconds=1)) == 0
        assert finished.sweep(house.shop(), AT + finished.KEPT) == 1
        assert keeper.find(job.id) is None


def test_an_answer_that_is_too_long_is_said_to_be_gone_not_lost_in_silence(
    folder: Path, clock: Frozen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finished, "MOST_BYTES", 10)
    with open_house(folder, clock=clock, work=False) as house:
        job = ended(house, lambda _: house.call("levels"))
        assert job.answer is not None
        found = finished.Finished(house.shop()).find(job.id)
        assert found is not None
        assert found.error is not None
        assert found.error.code == "job_answer_gone"
