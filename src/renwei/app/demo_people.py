"""The demo shop's customers: invented people, each with habits of their own.

Phones come from 17400 to 17405, which are set aside for satellite and emergency service, and
e-mail addresses from example.com: whatever is done with the demo list, nobody is disturbed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from renwei.app.demo_catalogue import FAMILIES, Dice, Family, Product

DAYS = 730
PEOPLE = 3_120
PLACEHOLDER_PHONE = "13800138000"

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"  # fmt: skip
_GIVEN = ["梓涵", "雨桐", "欣怡", "诗涵", "静", "敏", "丽", "婷", "雪", "佳怡", "思琪", "晓燕", "海燕", "慧", "颖", "倩", "玉兰", "秀英", "春梅", "丹", "莉", "娜", "芳", "美玲", "嘉欣", "子轩", "浩然", "伟", "强", "磊", "洋", "勇", "军", "杰", "涛", "明", "超", "俊杰", "志强", "建国", "文博", "一诺", "可欣", "若曦", "语嫣", "清", "舒", "安然", "心怡", "曼"]  # fmt: skip
_WORDS = ["小鹿", "奶茶", "月亮", "桃子", "团子", "柚子", "糯米", "橘猫", "云朵", "栗子", "芝士", "山茶", "草莓", "小熊", "海盐", "可可", "半夏", "青柠", "豆包", "麦子", "星星", "年糕", "椰子", "雪梨", "汤圆"]  # fmt: skip
_TAILS = ["爱护肤", "要早睡", "不熬夜", "的日常", "在努力", "同学", "妈妈", "酱", "呀", "本人", "慢慢来", "有点甜", "爱囤货", "的小窝"]  # fmt: skip
_PLACES = (
    "浙江省 杭州市 西湖区", "上海市 上海市 徐汇区", "广东省 深圳市 南山区", "广东省 广州市 天河区",
    "北京市 北京市 朝阳区", "四川省 成都市 锦江区", "江苏省 苏州市 姑苏区", "湖北省 武汉市 洪山区",
    "陕西省 西安市 雁塔区", "山东省 青岛市 市南区", "福建省 厦门市 思明区", "湖南省 长沙市 岳麓区",
    "重庆市 重庆市 渝中区", "河南省 郑州市 金水区", "辽宁省 大连市 中山区", "云南省 昆明市 五华区",
)  # fmt: skip
_STREETS = [
    "花园路",
    "人民路",
    "建设路",
    "中山路",
    "文化路",
    "学府路",
    "滨江路",
    "解放路",
    "和平路",
    "新华路",
]
_SKIN = ("敏感肌", "敏感肌，换季泛红", "油皮，怕闷痘", "混油", "干皮，秋冬起皮", "混干", "中性皮肤", "痘肌，不要含酒精", "孕期，只要温和的")  # fmt: skip

# Orders by hour of the day: quiet mornings, a lunch break, and the long evening.
HOURS = (6, 3, 1, 1, 0, 0, 1, 2, 4, 5, 6, 6, 9, 8, 6, 5, 5, 5, 6, 8, 12, 16, 17, 12)


@dataclass(slots=True)
class Need:
    """Something a person uses up: their favourite product and how long it lasts them."""

    product: Product
    gap_days: float
    due: float = 0.0


@dataclass(slots=True)
class Person:
    """One invented customer. Times are days since the shop's first day."""

    number: int
    name: str
    nick: str
    phone: str
    alipay: str
    email: str
    address: str
    skin: str
    kind: str
    since: float
    hour: int
    unevenness: float
    stays: float
    needs: list[Need] = field(default_factory=list)
    quantity: int = 1
    web_share: float = 0.0
    accepts: bool = False


def invent(dice: Dice, products: list[Product]) -> list[Person]:
    """All customers in the order in which they found the shop."""
    arrivals = sorted(_arrival(dice) for _ in range(PEOPLE))
    return [_person(dice, number, since, products) for number, since in enumerate(arrivals)]


def hour_of(dice: Dice) -> int:
    """An hour of the day, as shops of this kind see them."""
    draw = dice.u() * sum(HOURS)
    for hour, weight in enumerate(HOURS):
        draw -= weight
        if draw < 0:
            return hour
    return 23


def around(dice: Dice, mean: float, unevenness: float) -> float:
    """A positive number about its mean: log-normal with this coefficient of variation."""
    return mean * math.exp(unevenness * dice.spread() - unevenness * unevenness / 2)


def address_of(dice: Dice) -> str:
    """An address that exists nowhere."""
    return f"{dice.pick(_PLACES)} {dice.pick(_STREETS)}{1 + dice.below(300)}号"


def name_of(dice: Dice, surname: str = "") -> str:
    """A name as people have them."""
    return (surname or dice.pick(_SURNAMES)) + dice.pick(_GIVEN)


def nick_of(dice: Dice, number: int) -> str:
    """A platform nick; the number keeps it unique."""
    if dice.chance(0.3):
        return f"tb{dice.below(900_000) + 100_000}{number}"
    return f"{dice.pick(_WORDS)}{dice.pick(_TAILS)}{number}"


def phone_of(number: int) -> str:
    """A valid mobile number that no consumer has; another for each number below 600,000."""
    # A multiplier coprime to the range scatters neighbours.
    return f"{17_400_000_000 + (number * 1_664_525 + 101_390) % 6_000_000:011d}"


def _arrival(dice: Dice) -> float:
    # A seventh were customers before the first day of the file; the shop then grows slowly.
    if dice.chance(1 / 7):
        return dice.u()
    return DAYS * 0.999 * (1 - math.pow(1 - dice.u(), 0.85))


def _person(dice: Dice, number: int, since: float, products: list[Product]) -> Person:
    draw = dice.u()
    kind = "once" if draw < 0.36 else "sometimes" if draw < 0.62 else "regular"
    factor = around(dice, 1.0, 0.28)
    person = Person(
        number=number,
        name=name_of(dice),
        nick=nick_of(dice, number),
        phone=phone_of(number),
        alipay="",
        email=f"guest{number}@example.com",
        address=address_of(dice),
        skin=dice.pick(_SKIN) if dice.chance(0.16) else "",
        kind=kind,
        since=since,
        hour=hour_of(dice),
        unevenness={"once": 0.5, "sometimes": 0.45, "regular": 0.2}[kind],
        stays={"once": 0.14, "sometimes": 0.82, "regular": 0.955}[kind],
        quantity=2 if dice.chance(0.14) else 1,
        accepts=dice.chance(0.62),
    )
    person.alipay = person.email if dice.chance(0.4) else person.phone
    web = dice.u()
    person.web_share = 1.0 if web < 0.06 else 0.35 if web < 0.16 else 0.0
    slow = 1.7 if kind == "sometimes" else 1.0
    for family in _families(dice, kind):
        favourite = dice.pick([p for p in products if p.family is family])
        gap = max(12.0, favourite.rhythm_days * factor * slow)
        # People known before the first day are somewhere inside their rhythm.
        due = since + (gap * dice.u() if since < 1 else 0.0)
        person.needs.append(Need(favourite, gap, due))
    return person


def _families(dice: Dice, kind: str) -> list[Family]:
    used_up = [family for family in FAMILIES if family.rhythm_days]
    wanted = 1 if kind != "regular" else 1 + dice.below(3)
    chosen: list[Family] = []
    while len(chosen) < wanted:
        family = dice.pick(used_up)
        if family not in chosen:
            chosen.append(family)
    return chosen
