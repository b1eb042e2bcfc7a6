"""What CI checks by script holds here, and each check notices what it is for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]


def test_files_names_and_root_stay_within_the_limits(script: Load) -> None:
    size = script("check_size")
    assert list(size.breaches(size.ROOT, size.kept_files(size.ROOT))) == []


def test_there_are_at_most_fifteen_settings(script: Load) -> None:
    from renwei.app.settings import SETTINGS

    assert 1 <= len(SETTINGS) <= script("check_size").MAX_SETTINGS == 15


@pytest.mark.parametrize(
    ("name", "text", "breach"),
    [
        ("src/long.py", "x = 1\n" * 501, "501 lines"),
        ("src/utils.py", "", "nothing is called 'utils'"),
        ("src/service/x.py", "", "nothing is called 'service'"),
        ("src/_helpers.py", "", "nothing is called 'helpers'"),
        (
            "src/deep.py",
            (
                "def f():\n for a in b:\n  if a:\n   with c:\n    try:\n     for d in e:\n"
                "      pass\n    finally:\n     pass\n"
            ),
            "nests 5 deep",
        ),
    ],
)
def test_a_breach_of_size_is_named(
    script: Load, tmp_path: Path, name: str, text: str, breach: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    found = list(script("check_size").breaches(tmp_path, [name]))
    assert len(found) == 1
    assert name in found[0]
    assert breach in found[0]


def test_the_limits_themselves_are_allowed(script: Load, tmp_path: Path) -> None:
    (tmp_path / "full.py").write_text("x = 1\n" * 500, encoding="utf-8")
    chain = "def f(a):\n" + " if a == 0:\n  pass\n" + " elif a == 1:\n  pass\n" * 9
    (tmp_path / "chain.py").write_text(chain, encoding="utf-8")
    names = ["full.py", "chain.py", *(f"folder{k}/x.md" for k in range(13)), ".hidden/x.md"]
    assert list(script("check_size").breaches(tmp_path, names[:2])) == []
    for name in names[2:]:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert list(script("check_size").breaches(tmp_path, names)) == []
    (tmp_path / "one_more.md").touch()
    (found,) = script("check_size").breaches(tmp_path, [*names, "one_more.md"])
    assert found.startswith("root: 16 entries")


def test_nothing_in_the_source_asks_the_clock_or_draws_by_itself(script: Load) -> None:
    rules = script("check_rules")
    found = [
        line
        for path in sorted(rules.SOURCE.rglob("*.py"))
        for line in rules.breaches(
            path.relative_to(rules.SOURCE).as_posix(), path.read_text("utf-8")
        )
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "from datetime import datetime\ndatetime.now()",
        "from datetime import datetime as d, UTC\nd.now(UTC)",
        "import datetime\ndatetime.datetime.utcnow()",
        "from datetime import date\ndate.today()",
        "import time\ntime.time()",
        "from time import perf_counter\nperf_counter()",
        "import time as t\nt.monotonic()",
        "import random\nrandom.random()",
        "from random import shuffle",
        "import secrets",
        "import os\nos.urandom(8)",
        "import uuid\nuuid.uuid4()",
        "import numpy as np\nnp.random.rand(3)",
        "import numpy as np\nnp.random.default_rng()",
        "from numpy.random import default_rng\ndefault_rng()",
        "from datetime import datetime\nfield(default_factory=datetime.now)",
    ],
)
def test_a_clock_or_a_draw_elsewhere_is_noticed(script: Load, text: str) -> None:
    assert list(script("check_rules").breaches("reach/plan.py", text))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("core/clock.py", "from datetime import datetime, UTC\ndatetime.now(UTC)"),
        ("core/chance.py", "import os\nos.urandom(8)"),
        ("stores/keys.py", "import os, secrets\nos.urandom(12)\nsecrets.token_bytes(3)"),
        ("learn/score.py", "import numpy as np\nnp.random.default_rng(7).normal()"),
        ("learn/score.py", "import numpy as np\ndef f(rng: np.random.Generator) -> None: ..."),
        ("app/jobs.py", "import time\ntime.sleep(1)"),
        ("app/jobs.py", "def f(clock):\n    return clock.now()"),
    ],
)
def test_what_is_allowed_passes(script: Load, name: str, text: str) -> None:
    assert list(script("check_rules").breaches(name, text)) == []


def test_the_core_may_import_numpy_inside_a_function_only(script: Load) -> None:
    breaches = script("check_rules").breaches
    assert list(breaches("core/batch.py", "def f():\n    import numpy as np")) == []
    assert list(breaches("core/batch.py", "import numpy as np"))
    assert list(breaches("core/batch.py", "from renwei.learn import rank"))


def test_no_file_speaks_of_one_machine(script: Load) -> None:
    size = script("check_size")
    texts = (".py", ".md", ".toml", ".sh", ".sql", ".yml", "")
    here = (str(size.ROOT), str(Path.home()) + "/", str(Path(sys.base_prefix)))
    named = [
        name
        for name in size.kept_files(size.ROOT)
        if Path(name).suffix in texts
        for text in [(size.ROOT / name).read_text("utf-8", errors="replace")]
        if any(place in text for place in here if len(place) > 5)
    ]
    assert named == []


def test_core_stays_small_and_docstrings_do_not_count(script: Load) -> None:
    size = script("check_size")
    text = '"""One."""\n\n# two\nx = 1\n\n\ndef f():\n    """Three.\n\n    Four.\n    """\n    return """a\n    b"""\n'
    assert size.code_lines(text) == 4
    files = (size.ROOT / size.CORE).glob("*.py")
    assert 0 < sum(size.code_lines(f.read_text("utf-8")) for f in files) <= size.MAX_CORE_CODE
