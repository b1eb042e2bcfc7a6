from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renwei.stores.shelf import ShelfFiles

DAY_S = 86_400


def test_what_was_put_comes_back_with_its_types(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)
    columns: dict[str, Any] = {
        "person": np.array([1, 2**62], dtype=np.int64),
        "p30": np.array([0.25, np.nan], dtype=np.float32),
        "stage": np.array([1, 4], dtype=np.int8),
    }
    shelf.put("people", columns, {"model": "value@1", "quality": {"coverage": 0.8}})
    found = ShelfFiles(tmp_path).get("people")
    assert found is not None
    assert found.meta == {"model": "value@1", "quality": {"coverage": 0.8}}
    for name, column in columns.items():
        assert found.columns[name].dtype == column.dtype
        np.testing.assert_array_equal(found.columns[name], column)


def test_nothing_put_is_nothing_found(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)
    assert shelf.get("people") is None
    assert shelf.get("people", "00000001") is None
    shelf.drop()
    shelf.drop("people")


def test_columns_are_mapped_and_cannot_be_written(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)
    found = shelf.put("people", {"person": np.arange(100)}, {})
    assert isinstance(found.columns["person"].base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        found.columns["person"][0] = 7


def test_an_empty_version_can_be_read(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)
    found = shelf.put("needs", {"person": np.zeros(0, dtype=np.int64)}, {})
    assert len(found.columns["person"]) == 0


def test_an_older_version_stays_readable_while_a_newer_is_current(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)
    first = shelf.put("people", {"person": np.array([1])}, {"as_of": "a"})
    second = shelf.put("people", {"person": np.array([2])}, {"as_of": "b"})
    now, before = shelf.get("people"), shelf.get("people", first.version)
    assert now is not None
    assert before is not None
    assert (now.version, now.columns["person"][0]) == (second.version, 2)
    assert before.columns["person"][0] == 1


def test_a_reader_of_another_process_sees_the_new_version(tmp_path: Path) -> None:
    writer, reader = ShelfFiles(tmp_path), ShelfFiles(tmp_path)
    writer.put("people", {"person": np.array([1])}, {})
    assert reader.get("people") is not None
    writer.put("people", {"person": np.array([2])}, {})
    found = reader.get("people")
    assert found is not None
    assert found.columns["person"][0] == 2


def test_a_crash_before_the_pointer_swap_leaves_the_version_before(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)
    kept = shelf.put("people", {"person": np.array([1])}, {})
    pointer = tmp_path / "people" / "current"
    text = pointer.read_text()
    shelf.put("people", {"person": np.array([2])}, {})
    pointer.write_text(text)  # as if the rename had never happened
    found = ShelfFiles(tmp_path).get("people")
    assert found is not None
    assert (found.version, found.columns["person"][0]) == (kept.version, 1)
    again = ShelfFiles(tmp_path).put("people", {"person": np.array([3])}, {})
    assert again.version not in {kept.version, "00000002"}


def test_a_half_written_draft_is_never_read_and_is_swept_away(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)
    shelf.put("people", {"person": np.array([1])}, {})
    draft = tmp_path / "people" / ".draft-00000002-99"
    draft.mkdir()
    (draft / "person.npy").write_bytes(b"half")
    young = tmp_path / "people" / ".draft-98"
    young.mkdir()
    os.utime(draft, (1, 1))
    found = ShelfFiles(tmp_path).get("people")
    assert found is not None
    assert found.columns["person"][0] == 1
    shelf.put("people", {"person": np.array([2])}, {})
    # A young one may be another process's, under way.
    assert (draft.exists(), young.exists()) == (False, True)


def test_what_another_process_dropped_and_learnt_anew_is_seen_at_once(tmp_path: Path) -> None:
    ours, theirs = ShelfFiles(tmp_path), ShelfFiles(tmp_path)
    ours.put("people", {"person": np.array([7])}, {})
    assert ours.get("people") is not None
    theirs.drop()
    assert ours.get("people") is None
    theirs.put("people", {"person": np.array([8])}, {})
    found = ours.get("people")
    assert found is not None
    # The number begins anew: it is not what tells the two apart.
    assert (found.version, found.columns["person"].tolist()) == ("00000001", [8])


def test_versions_older_than_ninety_days_are_dropped(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)
    old = shelf.put("people", {"person": np.array([1])}, {})
    kept = shelf.put("people", {"person": np.array([2])}, {})
    folder = tmp_path / "people"
    now = time.time()
    os.utime(folder / old.version, (now, now - 91 * DAY_S))
    os.utime(folder / kept.version, (now, now - 89 * DAY_S))
    shelf.put("people", {"person": np.array([3])}, {})
    assert not (folder / old.version).exists()
    assert shelf.get("people", kept.version) is not None


def test_dropping_leaves_no_byte_of_any_version(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)
    shelf.put("people", {"person": np.array([1])}, {})
    shelf.put("people", {"person": np.array([2])}, {})
    shelf.put("items", {"item": np.array([2])}, {})
    shelf.drop("people")
    assert shelf.get("people") is None
    assert shelf.get("items") is not None
    shelf.drop()
    assert shelf.get("items") is None
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_files_come_and_go_with_their_version(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path / "shelf")

    def written(text: str) -> Callable[[Path], None]:
        def files(folder: Path) -> None:
            (folder / "deep").mkdir()
            (folder / "deep" / "model.txt").write_text(text, encoding="utf-8")

        return files

    shelf.put("taste", {"item": np.array([1])}, {}, files=written("first"))
    held = shelf.get("taste")
    assert held is not None
    assert held.files is not None
    shelf.put("taste", {"item": np.array([1])}, {}, files=written("second"))
    assert (held.files / "deep" / "model.txt").read_text("utf-8") == "first"
    newer = ShelfFiles(tmp_path / "shelf").get("taste")
    assert newer is not None
    assert newer.files is not None
    assert (newer.files / "deep" / "model.txt").read_text("utf-8") == "second"
    shelf.drop("taste")
    assert not list((tmp_path / "shelf").rglob("model.txt"))


def test_files_that_cannot_be_written_leave_the_version_before(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path / "shelf")
    shelf.put("taste", {"item": np.array([1])}, {})

    def files(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        shelf.put("taste", {"item": np.array([2])}, {}, files=files)
    held = shelf.get("taste")
    assert held is not None
    assert held.columns["item"].tolist() == [1]
    assert held.files is None


@pytest.mark.parametrize("name", ["../people", "People", "", "a b", "1x"])
def test_a_name_that_could_leave_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no name for estimates"):
        ShelfFiles(tmp_path).put(name, {"person": np.array([1])}, {})


def test_columns_that_do_not_align_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="differ in length"):
        ShelfFiles(tmp_path).put("people", {"a": np.array([1]), "b": np.array([1, 2])}, {})


@pytest.mark.parametrize("column", [np.array(["x"]), np.array([None]), np.array([[1], [2]])])
def test_a_column_that_is_no_row_of_numbers_is_refused(
    tmp_path: Path, column: np.ndarray[tuple[int, ...], np.dtype[np.generic]]
) -> None:
    with pytest.raises(ValueError, match="no row of numbers"):
        ShelfFiles(tmp_path).put("people", {"a": column}, {})


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-(2**62), 2**62), max_size=50))
def test_any_numbers_survive_the_disk(numbers: list[int]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = ShelfFiles(Path(folder)).put("people", {"a": np.array(numbers, np.int64)}, {})
        assert found.columns["a"].tolist() == numbers


def test_many_threads_may_put_at_once(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)

    def put(number: int) -> str:
        return shelf.put("people", {"person": np.array([number])}, {"number": number}).version

    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(put, range(40)))
    assert len(set(versions)) == 40
    found = ShelfFiles(tmp_path).get("people")
    assert found is not None
    assert found.columns["person"].tolist() == [found.meta["number"]]


def test_of_what_needs_no_history_older_versions_go_after_an_hour(tmp_path: Path) -> None:
    shelf = ShelfFiles(tmp_path)
    column = {"person": np.array([1])}
    old, young = (shelf.put("names", column, {"history": False}) for _ in range(2))
    now = time.time()
    os.utime(tmp_path / "names" / old.version, (now, now - 3_700))
    os.utime(tmp_path / "names" / young.version, (now, now - 3_500))
    shelf.put("names", column, {"history": False})
    assert shelf.get("names", old.version) is None
    assert shelf.get("names", young.version) is not None
