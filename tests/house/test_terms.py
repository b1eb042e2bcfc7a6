"""One word for one thing: what Chinese readers meet everywhere under the same name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

Load = Callable[[str], ModuleType]
ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "renwei"

# The word we use, and those that would say the same thing otherwise.
TERMS = {
    "决定": "决策",
    "客户": "顾客|客人|会员(?!名)",
    "人群": "受众|分群",
    "快流失": "流失风险|流失概率|流失率",
    "回购": "复购周期|再购",
    "价值层": "价值层级|价值分层|价值等级",
    "免打扰": "安静时段|静默时段|勿扰",
    "同意": "许可(?!证)|授权",
    "对照组": "保留组|空白组",
    "今天的名单": "今日名单|今日清单|今天名单",
    "遗忘": "忘记|抹去",
    "撤回": "撤销|还原操作",
    "未通过": r"被拒(?:绝|收)?的?(?:行|事件|实时)|拒收",
    "作废": "吊销",
    "密钥": "钥匙|秘钥",
    "密码": "口令",
    "登录": "登入|登陆",
    "报告": "(?<!订单)(?<!明细)(?<!）)报表",
    "估计": "推算|预估",
    "商品": "产品",
    "事件": "埋点|条动态",
    "设置": "设定",
    "点赞": "取消赞|点过?喜欢",
    "查看记录": "审计",
    "只读成员": "访客能看|查看者|观察者",
    "数据目录": "工作空间",
    "渠道": "通道|触点",
    "数据够不够": "就绪报告|准备度",
    "你": "您",
}

# Said to a shopper, in the shop's own voice: there these words are polite.
SPOKEN = ("public.", "drafts.", "question", "texts.")
POLITE = {"客户", "你"}

# Text that another page of the docs is about to say anew is read there.
PAGES = [ROOT / "README.zh.md", *sorted((ROOT / "docs" / "zh").glob("*.md"))]
UNREAD = {"commands.md", "errors.md"}
"""These repeat the sentences that are read here."""


def sayings(script: Load) -> Iterator[tuple[str, str]]:
    """Where something is said in Chinese, and what."""
    yield from script("docs_missing").sentences("zh").items()
    for path in sorted(SOURCE.rglob("*.html")):
        yield path.relative_to(SOURCE).as_posix(), path.read_text("utf-8")
    for page in PAGES:
        if page.name not in UNREAD:
            for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
                yield f"{page.name}:{number}", line


@pytest.mark.parametrize("word", TERMS)
def test_a_thing_has_one_name_wherever_it_is_met(script: Load, word: str) -> None:
    other = re.compile(TERMS[word])
    found = {
        where: match[0]
        for where, text in sayings(script)
        if not (word in POLITE and where.startswith(SPOKEN))
        # The pages speak to strangers, the program to whoever runs it.
        and not (word == "你" and ".md:" in where)
        and (match := other.search(text))
    }
    assert found == {}


def test_every_name_of_the_list_is_in_use_and_its_others_can_be_found(script: Load) -> None:
    said = "\n".join(text for _, text in sayings(script))
    assert [word for word in TERMS if word not in said] == []
    caught = ["决策", "今日名单", "有 3 条被拒事件", "人味的钥匙", "流转报表"]
    assert [any(re.search(other, text) for other in TERMS.values()) for text in caught] == [
        True
    ] * len(caught)
