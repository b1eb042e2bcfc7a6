from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., "subprocess.CompletedProcess[str]"]

ORDERS = """订单编号,买家会员名,联系手机,收货人姓名,宝贝标题,宝贝总数量,买家实际支付金额,订单状态,订单创建时间
1001,小美,13800010001,张小美,保湿面膜,2,118.00,交易成功,2026-08-01 20:15:00
1002,阿强,13800010002,李强,洁面乳,1,59.90,交易成功,2026-08-03 21:05:00
1003,小美,13800010001,张小美,保湿面膜,1,59.00,交易成功,2026-09-12 20:40:00
1004,小鹿,13800010003,陈鹿,防晒霜,1,89.00,交易关闭,2026-09-15 09:30:00
"""


def renwei(keys: Path, *argv: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`renwei ...` as a person would run it, in a process of its own, away from real keys."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("RENWEI_", "LC_"))}
    env |= {"RENWEI_KEYS": str(keys), "LANG": "C.UTF-8"} | more
    return subprocess.run(
        [sys.executable, "-m", "renwei", *argv],
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the master keys of these tests' workspaces lie."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def run(tmp_path: Path, keys: Path) -> Run:
    """Run a command on the workspace `shop`, or elsewhere with data=None."""

    def on(
        *argv: str, data: Path | None = tmp_path / "shop", **more: str
    ) -> subprocess.CompletedProcess[str]:
        where = [] if data is None else ["--data", str(data)]
        return renwei(keys, *argv, *where, **more)

    return on


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """A small Taobao order list, as the platform encodes it."""
    path = tmp_path / "订单 2026.csv"
    path.write_text(ORDERS, encoding="gb18030")
    return path


@pytest.fixture(scope="session")
def _filled(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    path = folder / "orders.csv"
    path.write_text(ORDERS, encoding="gb18030")
    done = renwei(keys, "import", str(path), "--data", str(folder / "shop"))
    assert done.returncode == 0, done.stderr
    return folder / "shop"


@pytest.fixture
def filled(tmp_path: Path, _filled: Path) -> Path:
    """The workspace `shop` with the small order list already in it."""
    shutil.copytree(_filled, tmp_path / "shop")
    return tmp_path / "shop"
