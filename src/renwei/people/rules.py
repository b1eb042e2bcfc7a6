"""The language of audiences: rules as data, checked before they are kept, said in words.

    {"all": [RULE, ...]}  {"any": [RULE, ...]}  {"not": RULE}
    {"stage": "at_risk"}  {"tier": ["high", "potential"]}  {"intent": "about_to_buy"}
    {"orders": RANGE}  {"spend_minor": RANGE}  {"value_minor": RANGE}
    {"last_order_days": RANGE}  {"last_seen_days": RANGE}
    {"fact": "skin_type", "is": "dry"}  "is" may be a list; without it: anything is known
    {"did": "viewed", "item": "面膜", "category": "...", "within_days": 7, "at_least": 2}
    {"consent": "marketing", "is": "given", "channel": "*"}
    {"audience": "name of another"}

A RANGE is {"at_least": n}, {"at_most": n} or both. Days count back from now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from renwei.core.errors import BadInput
from renwei.core.shop import Shop
from renwei.people.now import STAGES, TIERS
from renwei.people.portrait import PURPOSES

Rule = Mapping[str, Any]
DEEPEST, MOST = 8, 100
DID = {
    "viewed": ("view",), "searched": ("search", "sought"), "liked": ("like",), "wished": ("wish",),
    "carted": ("cart",), "shared": ("share",), "commented": ("comment",), "followed": ("follow",),
    "bought": (),
}  # fmt: skip
INTENTS = ("browsing", "comparing", "about_to_buy", "needs_help")
RANGES = ("orders", "spend_minor", "value_minor", "last_order_days", "last_seen_days")
STATES = ("given", "withdrawn", "unknown")
_GROUPS = ("all", "any", "not")
_KINDS = (*_GROUPS, "stage", "tier", "intent", *RANGES, "fact", "did", "consent", "audience")
_MORE: Mapping[str, tuple[str, ...]] = {
    "fact": ("is",), "consent": ("is", "channel"),
    "did": ("item", "category", "creator", "within_days", "at_least"),
}  # fmt: skip


def checked(rule: Any) -> Rule:
    """The rule, if it can be understood.

    Raises:
        BadInput: bad_rule, naming the field (such as all[1].orders.at_least), what was found
            there and what may stand there.
    """
    _Checker().rule(rule, "rule", 0)
    return dict(rule)


class _Checker:
    """Walks a rule once; counts conditions, so that no rule is endless."""

    def __init__(self) -> None:
        self._count = 0

    def rule(self, rule: Any, field: str, depth: int) -> None:
        self._count += 1
        if depth > DEEPEST or self._count > MOST:
            raise _bad(field, "...", f"<= {MOST} conditions, {DEEPEST} deep")
        kind = _kind(rule, field)
        _known_keys(rule, kind, field)
        here = f"{field}.{kind}"
        if kind in ("all", "any"):
            if not isinstance(rule[kind], list) or not rule[kind]:
                raise _bad(here, rule[kind], "[RULE, ...]")
            for k, one in enumerate(rule[kind]):
                self.rule(one, f"{here}[{k}]", depth + 1)
        elif kind == "not":
            self.rule(rule[kind], here, depth + 1)
        else:
            _CHECKS[kind](rule, field)


def _kind(rule: Any, field: str) -> str:
    if not isinstance(rule, dict):
        raise _bad(field, rule, "{...}")
    found = [key for key in _KINDS if key in rule]
    if len(found) != 1:
        raise _bad(field, sorted(map(str, rule)), " | ".join(_KINDS))
    return found[0]


def _known_keys(rule: Rule, kind: str, field: str) -> None:
    known = (kind, *_MORE.get(kind, ()))
    for key in rule:
        if key not in known:
            raise _bad(f"{field}.{key}", key, " | ".join(known))


def _bad(field: str, found: Any, wanted: str) -> BadInput:
    return BadInput("bad_rule", field=field, found=str(found)[:80], wanted=wanted)


def _words(key: str, known: Sequence[str]) -> Callable[[Rule, str], None]:
    def check(rule: Rule, field: str) -> None:
        values = rule[key] if isinstance(rule[key], list) else [rule[key]]
        for value in values or [""]:
            if value not in known:
                raise _bad(f"{field}.{key}", value, " | ".join(known))

    return check


def _range(key: str) -> Callable[[Rule, str], None]:
    def check(rule: Rule, field: str) -> None:
        here, limits = f"{field}.{key}", rule[key]
        if not isinstance(limits, dict) or not limits:
            raise _bad(here, limits, '{"at_least": n, "at_most": n}')
        for name, value in limits.items():
            if name not in ("at_least", "at_most"):
                raise _bad(f"{here}.{name}", name, "at_least | at_most")
            _number(value, f"{here}.{name}")

    return check


def _number(value: Any, field: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        raise _bad(field, value, "0 ... 1e15")


def _text(value: Any, field: str) -> None:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= 64:
        raise _bad(field, value, "1 ... 64")


def _fact(rule: Rule, field: str) -> None:
    _text(rule["fact"], f"{field}.fact")
    wanted = rule.get("is", [])
    for value in wanted if isinstance(wanted, list) else [wanted]:
        if not isinstance(value, str | int | float | bool):
            raise _bad(f"{field}.is", value, "text, number, true, false")


def _did(rule: Rule, field: str) -> None:
    _words("did", tuple(DID))(rule, field)
    for key in ("item", "category", "creator"):
        if key in rule:
            _text(rule[key], f"{field}.{key}")
    for key in ("within_days", "at_least"):
        if key in rule:
            _number(rule[key], f"{field}.{key}")


def _consent(rule: Rule, field: str) -> None:
    _words("consent", PURPOSES)(rule, field)
    if "is" in rule:
        _words("is", STATES)(rule, field)
    if "channel" in rule:
        _text(rule["channel"], f"{field}.channel")


_CHECKS: Mapping[str, Callable[[Rule, str], None]] = {
    "stage": _words("stage", STAGES),
    "tier": _words("tier", TIERS),
    "intent": _words("intent", INTENTS),
    **{key: _range(key) for key in RANGES},
    "fact": _fact,
    "did": _did,
    "consent": _consent,
    "audience": lambda rule, field: _text(rule["audience"], f"{field}.audience"),
}


def where_rule(text: str) -> Rule:
    """A condition on a fact as typed: "skin_type=dry", or "skin_type" for anything known.

    Raises:
        BadInput: bad_where.

    Example:
        >>> where_rule("skin_type=dry")
        {'fact': 'skin_type', 'is': 'dry'}
    """
    name, equals, value = text.partition("=")
    if not name.strip():
        raise BadInput("bad_where", found=text)
    return {"fact": name.strip(), "is": value.strip()} if equals else {"fact": name.strip()}


def leaves(rule: Rule) -> list[Rule]:
    """The conditions of a rule, in order, groups taken apart."""
    if "not" in rule:
        return leaves(rule["not"])
    parts = rule.get("all") or rule.get("any")
    return [leaf for part in parts for leaf in leaves(part)] if parts else [rule]


def sentence(shop: Shop, rule: Rule) -> str:
    """A condition in words."""
    kind = next(key for key in _KINDS if key in rule)
    if kind in _GROUPS:
        parts = [rule["not"]] if kind == "not" else rule[kind]
        joined = shop.say(f"rules.{kind}_between").join(sentence(shop, part) for part in parts)
        return shop.say(f"rules.{kind}", parts=joined)
    if kind in RANGES:
        return _range_sentence(shop, kind, rule[kind])
    values = rule[kind] if isinstance(rule[kind], list) else [rule[kind]]
    if kind in ("stage", "tier", "intent"):
        table = {"stage": "stages", "tier": "tiers", "intent": "intents"}[kind]
        said = shop.say("rules.or").join(shop.say(f"{table}.{value}") for value in values)
        return shop.say(f"rules.{kind}", value=said)
    return _SAID[kind](shop, rule)


def _range_sentence(shop: Shop, kind: str, limits: Mapping[str, float]) -> str:
    key = "_".join(name for name in ("at_least", "at_most") if name in limits)
    currency = shop.settings.currency

    def shown(value: float) -> Any:
        from renwei.core.words import money

        return money([round(value), currency]) if kind.endswith("_minor") else f"{value:g}"

    values = {name: shown(value) for name, value in limits.items()}
    return shop.say(f"rules.range_{key}", what=shop.say(f"rules.{kind}"), **values)


def _fact_sentence(shop: Shop, rule: Rule) -> str:
    if "is" not in rule:
        return shop.say("rules.fact_known", name=rule["fact"])
    values = rule["is"] if isinstance(rule["is"], list) else [rule["is"]]
    return shop.say(
        "rules.fact", name=rule["fact"], value=shop.say("rules.or").join(str(v) for v in values)
    )


def _did_sentence(shop: Shop, rule: Rule) -> str:
    about = next((rule[key] for key in ("item", "category", "creator") if key in rule), "")
    said = shop.say(f"rules.did_{rule['did']}", about=about or shop.say("rules.anything"))
    if "at_least" in rule:
        said = shop.say("rules.did_times", said=said, n=f"{rule['at_least']:g}")
    if "within_days" in rule:
        said = shop.say("rules.did_within", said=said, n=f"{rule['within_days']:g}")
    return said


def _consent_sentence(shop: Shop, rule: Rule) -> str:
    state = rule.get("is", "given")
    states = state if isinstance(state, list) else [state]
    said = shop.say("rules.or").join(shop.say(f"rules.consent_{one}") for one in states)
    return shop.say("rules.consent", purpose=shop.say(f"purposes.{rule['consent']}"), state=said)


_SAID: Mapping[str, Callable[[Shop, Rule], str]] = {
    "fact": _fact_sentence,
    "did": _did_sentence,
    "consent": _consent_sentence,
    "audience": lambda shop, rule: shop.say("rules.audience", name=rule["audience"]),
}
