"""The places that scripts are promised, each with what it answers."""

from __future__ import annotations

from tests.doors.http.calls import Inside


def test_people_are_found_by_what_they_are_called(reader: Inside) -> None:
    found = reader.get("/v1/people?query=13800010001")
    assert found.status == 200, found.body
    assert [one["name"] for one in found.json["people"]] == ["张小美"]
    nobody = reader.get("/v1/people?query=13999999999")
    assert (nobody.status, nobody.json["people"]) == (200, [])


def test_a_person_and_her_timeline_are_shown(reader: Inside) -> None:
    person = reader.get("/v1/people/13800010001").json
    assert person["name"] == "张小美"
    by_id = reader.get(f"/v1/people/{person['person']}")
    assert by_id.json["person"] == person["person"]
    timeline = reader.get(f"/v1/people/{person['person']}/timeline")
    assert timeline.status == 200, timeline.body
    assert b"viewed" not in timeline.body  # who looked is for the audit log


def test_each_line_of_today_is_a_decision_that_can_be_asked_for(reader: Inside) -> None:
    today = reader.get("/v1/today")
    assert today.status == 200
    assert today.json["people"]
    for line in today.json["people"]:
        why = reader.get(f"/v1/decisions/{line['decision_id']}")
        assert why.status == 200, why.body
        assert why.json["person"] == line["person"]
    assert reader.get("/v1/decisions/none").status == 404


def test_rejected_events_and_imports_are_listed(reader: Inside) -> None:
    assert reader.get("/v1/rejected").status == 200
    imports = reader.get("/v1/imports").json["imports"]
    assert [one["state"] for one in imports] == ["done"]
    assert reader.get(f"/v1/imports/{imports[0]['import_id']}").status == 200
    assert reader.get("/v1/imports/none").status == 404


def test_times_are_utc_with_a_z_and_one_without_zone_is_utc(reader: Inside) -> None:
    assert reader.get("/v1/today?at=2026-09-18T10:00:00").json["at"] == "2026-09-18T10:00:00Z"
    zoned = reader.get("/v1/today?at=2026-09-18T18:00:00+08:00")  # + not written as %2B
    assert zoned.json["at"] == "2026-09-18T10:00:00Z"
    assert reader.get("/v1/today?at=2026-09-18").json["at"] == "2026-09-18T00:00:00Z"
