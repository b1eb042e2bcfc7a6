"""The demo shop's shelf: 190 products in sixteen families, each with its repurchase rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from renwei.core.chance import GOLDEN, MASK, mix

T = TypeVar("T")


class Dice:
    """A stream of draws fixed by its seed, the same on every machine and in every version.

    Example:
        >>> Dice(7).below(100) == Dice(7).below(100)
        True
    """

    def __init__(self, seed: int) -> None:
        self._state = mix((seed + GOLDEN) & MASK)

    def u(self) -> float:
        """A uniform in [0, 1)."""
        self._state = (self._state + GOLDEN) & MASK
        return (mix(self._state) >> 11) * 2.0**-53

    def below(self, n: int) -> int:
        """A whole number in [0, n)."""
        return int(self.u() * n)

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return self.u() < p

    def pick(self, among: Sequence[T]) -> T:
        """One of several, all alike."""
        return among[self.below(len(among))]

    def spread(self) -> float:
        """About standard normal (the sum of twelve uniforms, less six)."""
        return sum([self.u() for _ in range(12)]) - 6.0


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of product. `rhythm_days` is 0 for what is not used up; months are 1 to 12."""

    code: str
    category: str
    rhythm_days: int
    stems: tuple[str, ...]
    sizes: tuple[str, str]
    price_yuan: tuple[int, int]
    months: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """One thing on the shelf; `rhythm_days` is how long it lasts the average customer."""

    code: str
    title: str
    category: str
    family: Family
    price_minor: int
    rhythm_days: int


SUMMER, WINTER = (4, 5, 6, 7, 8, 9), (10, 11, 12, 1, 2, 3)
LARGE_LASTS = 1.5

FAMILIES = (
    Family("CL", "洁面", 45, ("氨基酸洁面乳", "温和洁面慕斯", "控油洁面啫喱", "海盐洁面膏", "米糠洁面乳", "舒缓洁面乳"), ("120ml", "200ml"), (39, 89)),
    Family("MK", "面膜", 40, ("玻尿酸保湿面膜", "积雪草舒缓面膜", "烟酰胺提亮面膜", "清洁泥膜", "修护睡眠面膜", "胶原紧致面膜"), ("5片装", "10片装"), (45, 99)),
    Family("SE", "精华", 60, ("烟酰胺精华", "二裂酵母精华", "维C提亮精华", "玻色因精华", "水杨酸精华", "B5修护精华"), ("30ml", "50ml"), (99, 219)),
    Family("TO", "化妆水", 55, ("积雪草爽肤水", "玫瑰保湿水", "酵母精华水", "薏仁水", "金缕梅收敛水", "神经酰胺柔肤水"), ("150ml", "300ml"), (49, 119)),
    Family("CR", "面霜", 75, ("神经酰胺面霜", "角鲨烷面霜", "胶原抗皱霜", "清爽保湿乳", "积雪草修护霜", "晚安修护霜"), ("50g", "80g"), (79, 189)),
    Family("SU", "防晒", 50, ("清爽防晒乳 SPF50+", "水感防晒露 SPF50", "养肤防晒霜 SPF30", "物理防晒霜 SPF50", "防晒喷雾 SPF50", "身体防晒乳 SPF50"), ("40ml", "60ml"), (59, 129), SUMMER),
    Family("RM", "卸妆", 65, ("卸妆油", "卸妆膏", "净澈卸妆水", "眼唇卸妆液", "卸妆乳", "卸妆啫喱"), ("100ml", "200ml"), (49, 109)),
    Family("EY", "眼部护理", 90, ("咖啡因眼霜", "抗皱眼霜", "淡纹眼部精华", "保湿眼胶", "紧致眼霜", "眼膜贴"), ("15g", "25g"), (89, 189)),
    Family("BO", "身体护理", 70, ("身体乳", "磨砂膏", "沐浴油", "烟酰胺身体乳", "香氛沐浴露", "去鸡皮身体乳"), ("250ml", "400ml"), (45, 99)),
    Family("HA", "洗护发", 60, ("控油洗发水", "柔顺洗发水", "防脱洗发水", "修护发膜", "护发素", "护发精油"), ("300ml", "500ml"), (49, 109)),
    Family("HD", "手部护理", 60, ("护手霜", "玫瑰护手霜", "尿素护手霜", "乳木果护手霜", "手膜", "樱花护手霜"), ("50g", "3支装"), (25, 69), WINTER),
    Family("CO", "化妆棉", 50, ("厚款化妆棉", "省水化妆棉", "一次性洗脸巾", "湿敷棉", "棉签", "压缩面膜纸"), ("80片", "200片"), (15, 39)),
    Family("MU", "彩妆", 0, ("口红", "腮红", "眉笔", "散粉", "气垫粉底", "眼影盘"), ("自然色", "亮色"), (39, 149)),
    Family("PF", "香氛", 0, ("桂花香水", "白茶香水", "香薰蜡烛", "车载香薰", "雪松香水", "头发香氛"), ("10ml", "50ml"), (59, 199)),
    Family("TL", "美妆工具", 0, ("化妆刷套装", "美妆蛋", "睫毛夹", "洁面仪", "刮痧板", "化妆镜"), ("粉色", "白色"), (29, 169)),
    Family("GF", "礼盒", 0, ("保湿护肤礼盒", "节日香氛礼盒", "手部护理礼盒", "彩妆礼盒", "旅行套装", "新年限定礼盒"), ("小", "大"), (129, 299)),
)  # fmt: skip


def catalogue(dice: Dice, *, without_category: int = 22) -> list[Product]:
    """The 190 products; some of the newer ones were never given a category by the shop."""
    products = [_product(family, k, dice) for family in FAMILIES for k in range(12)]
    # One travel set and one tool were taken off the shelf: 192 less 2.
    products = [p for p in products if p.code not in ("RW-TL-12", "RW-GF-12")]
    bare: set[int] = set()
    while len(bare) < without_category:
        bare.add(dice.below(len(products)))
    return [replace(p, category="") if k in bare else p for k, p in enumerate(products)]


def _product(family: Family, k: int, dice: Dice) -> Product:
    stem, large = family.stems[k // 2], k % 2
    low, high = family.price_yuan
    yuan = low + (high - low) * (0.45 * dice.u() + (0.45 if large else 0.0))
    lasts = family.rhythm_days * (LARGE_LASTS if large else 1.0)
    return Product(
        code=f"RW-{family.code}-{k + 1:02d}",
        title=f"{stem} {family.sizes[large]}",
        category=family.category,
        family=family,
        price_minor=int(yuan) * 100 + dice.pick((0, 90, 90)),
        rhythm_days=round(lasts),
    )
