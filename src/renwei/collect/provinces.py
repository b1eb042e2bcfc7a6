"""The province of an address: coarse enough to be a fact beside the vault."""

from __future__ import annotations

import re
from functools import lru_cache

NAMES = (
    "北京", "天津", "上海", "重庆", "河北", "山西", "辽宁", "吉林", "黑龙江", "江苏", "浙江", "安徽",
    "福建", "江西", "山东", "河南", "湖北", "湖南", "广东", "海南", "四川", "贵州", "云南", "陕西",
    "甘肃", "青海", "内蒙古", "广西", "西藏", "宁夏", "新疆", "香港", "澳门", "台湾", "臺灣",
)  # fmt: skip
_MOST = 40
_BEGINS = re.compile(f"({'|'.join(NAMES)})(?!.{{0,2}}[路街道巷弄])")
"""Many cities have a Beijing Road."""


@lru_cache(maxsize=4_096)
def province_of(told: str, address: str = "") -> str:
    """The province that a column names, else the Chinese one that an address begins with.

    Args:
        told: What a column of provinces or states says.
        address: At least its first letters.

    Example:
        >>> province_of("浙江省"), province_of("", "广西壮族自治区南宁市"), province_of("CA")
        ('浙江', '广西', 'CA')
        >>> province_of("", "杭州市西湖区"), province_of("", "北京西路8号"), province_of("31***")
        ('', '', '')
    """
    own = " ".join(told.split())
    for text in (own, address.lstrip().removeprefix("中国").lstrip()):
        if begins := _BEGINS.match(text):
            return begins[1]
    if len(own) > _MOST or any(letter.isdigit() or letter == "*" for letter in own):
        return ""
    return own
