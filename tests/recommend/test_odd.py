from __future__ import annotations

import shutil
from pathlib import Path

from tests.recommend.odd import asking, tried


def test_whatever_is_asked_gets_a_list_or_a_named_reason(
    grown: tuple[Path, dict[str, int]], tmp_path: Path
) -> None:
    shutil.copytree(grown[0], tmp_path / "shop")
    with asking(tmp_path / "shop") as inside:
        told = tried(inside, 2_000, seed=4)
    assert told.broken == []
    assert told.statuses[200] > 900
    assert len(told.codes) >= 3, "nothing odd was refused: the drawing is too tame"
    assert told.share >= 0.95
