"""Who fits a rule: every condition is one mask over the columns of everybody, as of now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from renwei.core.clock import to_us
from renwei.core.errors import BadInput, UnknownName
from renwei.core.nouns import consent_by
from renwei.core.shop import Shop
from renwei.people.crowd import SEEN, Crowd
from renwei.people.indexed import within
from renwei.people.rules import DID, Rule

KIND = "audience"
DAY_US = 86_400_000_000
MOST_SEARCHERS = 5_000
_COLUMNS = {"orders": "orders", "spend_minor": "spend_minor", "value_minor": "year_value"}
_SINCE = {"last_order_days": "last_us", "last_seen_days": SEEN}


@dataclass
class Evaluation:
    """One evaluation of rules over everybody.

    Args:
        shop: The workspace.
        crowd: Everybody, as of now.
        at: Now.
    """

    shop: Shop
    crowd: Crowd
    at: datetime
    asked: list[str] = field(default_factory=list)
    _sums: Any = None

    def mask(self, rule: Rule, among: Any = None) -> Any:
        """Whom the rule fits, shape (people,).

        Args:
            rule: As `rules.checked` let it through.
            among: Nobody else is asked about; None for everybody.
        """
        import numpy as np

        among = np.ones(len(self.crowd), dtype=bool) if among is None else among
        if "not" in rule:
            return among & ~self.mask(rule["not"], among)
        if "all" in rule:
            for part in sorted(rule["all"], key=_dear):
                among = among & self.mask(part, among)
            return among
        if "any" in rule:
            found = np.zeros(len(self.crowd), dtype=bool)
            for part in sorted(rule["any"], key=_dear):
                found |= self.mask(part, among & ~found)
            return found
        kind = next(key for key in _MASKS if key in rule)
        return among & _MASKS[kind](self, rule, among)

    @property
    def sums(self) -> Any:
        """Everybody's behaviour; without those who asked not to be profiled (see `_did`)."""
        from renwei.people.behaviour_now import behaviour_now

        if self._sums is None:
            self._sums = behaviour_now(self.shop, self.at)
        return self._sums


def evaluate(shop: Shop, crowd: Crowd, rule: Rule, at: datetime) -> Any:
    """Whom a rule fits, shape (people,)."""
    return Evaluation(shop, crowd, at).mask(rule)


def rule_of(shop: Shop, name: str) -> Rule:
    """The rule of a saved audience.

    Raises:
        UnknownName: There is none of that name (code unknown_audience).
    """
    paper = shop.store.papers.get(KIND, name)
    if paper is None:
        raise UnknownName.among("audience", name, shop.store.papers.names(KIND))
    return dict(paper.body["rule"])


def _dear(rule: Rule) -> int:
    """Columns first, then facts and behaviour, consents last: they are asked of the fewest."""
    if "consent" in rule:
        return 3
    return 2 if {"all", "any", "not", "audience"} & set(rule) else int("did" in rule)


def _code(evaluation: Evaluation, rule: Rule, among: Any, *, kind: str) -> Any:
    import numpy as np

    names = evaluation.crowd.stages if kind == "stage" else evaluation.crowd.tiers
    wanted = rule[kind] if isinstance(rule[kind], list) else [rule[kind]]
    codes = [names.index(word) for word in wanted if word in names]
    return np.isin(evaluation.crowd.columns[kind], codes)


def _range(evaluation: Evaluation, rule: Rule, among: Any, *, kind: str) -> Any:
    import numpy as np

    limits: Mapping[str, float] = rule[kind]
    if kind in _SINCE:
        when = evaluation.crowd.columns[_SINCE[kind]]
        value = np.where(when > 0, (to_us(evaluation.at) - when) / DAY_US, np.inf)
        within = when > 0
    else:
        value = evaluation.crowd.columns[_COLUMNS[kind]]
        within = np.ones(len(value), dtype=bool)
    if "at_least" in limits:
        within = within & (value >= limits["at_least"])
    if "at_most" in limits:
        within = within & (value <= limits["at_most"])
    return within


def _rows(crowd: Crowd, persons: Any) -> Any:
    import numpy as np

    found = np.zeros(len(crowd), dtype=bool)
    found[crowd.rows(persons)] = True
    return found


def _fact(evaluation: Evaluation, rule: Rule, among: Any) -> Any:
    from renwei.people.facts_now import facts_now

    held = facts_now(evaluation.shop, rule["fact"])[rule["fact"]]
    if "is" not in rule:
        known = [person for person, fact in held.items() if fact.value is not None]
        return _rows(evaluation.crowd, known)
    values = rule["is"] if isinstance(rule["is"], list) else [rule["is"]]
    wanted = {same(value) for value in values}
    told = {p: fact.value for p, fact in held.items() if fact.value is not None}
    fits = [p for p, value in told.items() if wanted & {same(one) for one in _each(value)}]
    return _rows(evaluation.crowd, fits)


def same(value: Any) -> str:
    """A value as it is compared: case and the kind of number do not matter.

    Example:
        >>> same("Dry") == same("dry"), same(3) == same("3.0"), same(True) == same("true")
        (True, True, True)
    """
    text = str(value).strip().casefold()
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def _each(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _intent(evaluation: Evaluation, rule: Rule, among: Any) -> Any:
    import numpy as np

    from renwei.learn.interest import INTENTS, intents_of
    from renwei.people.intent import families

    crowd, sums = evaluation.crowd, evaluation.sums
    week = to_us(evaluation.at - timedelta(days=7))
    sums = sums.pick(sums.last_us > week)
    wanted = rule["intent"] if isinstance(rule["intent"], list) else [rule["intent"]]
    last = dict(zip(crowd.person.tolist(), crowd.columns["last_us"].tolist(), strict=True))
    kinds = families(evaluation.shop, {int(item) for item in np.unique(sums.item).tolist()})
    person, code = intents_of(sums, to_us(evaluation.at), last, kinds)
    fits = person[np.isin(code, [INTENTS.index(word) for word in wanted])].tolist()
    return _open_only(evaluation, _rows(crowd, fits) & among)


def _did(evaluation: Evaluation, rule: Rule, among: Any) -> Any:
    import numpy as np

    if rule["did"] == "bought":
        return _bought(evaluation, rule)
    from renwei.learn.interest import CODE, creator_number

    since = _since(evaluation, rule)
    sums = evaluation.sums
    keep = (sums.last_us >= since) & (sums.last_us <= to_us(evaluation.at))
    names = DID[rule["did"]]
    if rule["did"] == "searched":
        # A search counts once, or for the items that it would have found.
        names = ("sought",) if {"item", "category", "creator"} & set(rule) else ("search",)
    keep &= np.isin(sums.name, [CODE[name] for name in names])
    if rule["did"] == "followed" and "creator" in rule:
        keep &= sums.item == creator_number(rule["creator"])
    elif {"item", "category", "creator"} & set(rule):
        keep &= np.isin(sums.item, _items(evaluation.shop, rule))
    found = sums.pick(keep)
    return _open_only(evaluation, _often(evaluation, rule, found.person, found.n) & among)


def _often(evaluation: Evaluation, rule: Rule, person: Any, n: Any) -> Any:
    import numpy as np

    persons, row = np.unique(person, return_inverse=True)
    times = np.bincount(row, weights=n, minlength=len(persons)) if len(persons) else n
    return _rows(evaluation.crowd, persons[times >= rule.get("at_least", 1)].tolist())


def _since(evaluation: Evaluation, rule: Rule) -> int:
    days = min(float(rule.get("within_days", 36_500)), 36_500.0)
    return max(to_us(evaluation.at) - int(days * DAY_US), 0)


def _bought(evaluation: Evaluation, rule: Rule) -> Any:
    import numpy as np

    since, until = _since(evaluation, rule), to_us(evaluation.at)
    person, item, last_us, times = _purchases(evaluation)
    keep = (last_us >= since) & (last_us <= until)
    if {"item", "category", "creator"} & set(rule):
        keep &= np.isin(item, _items(evaluation.shop, rule))
    person, item, times = person[keep], item[keep], times[keep]
    if "within_days" not in rule or rule.get("at_least", 1) <= 1:
        return _often(evaluation, rule, person, times)
    # The sums do not say how many of the purchases are older: of whom it matters, all are read.
    few = _often(evaluation, rule, person, np.ones(len(person), dtype=np.int64))
    doubtful = _often(evaluation, rule, person, times) & ~few
    who, what, at_us = _one_by_one(evaluation, doubtful)
    lately = (at_us >= since) & (at_us <= until) & np.isin(what, item)
    return few | _often(evaluation, rule, who[lately], np.ones(int(lately.sum()), dtype=np.int64))


def _purchases(evaluation: Evaluation) -> tuple[Any, Any, Any, Any]:
    """Person, item, when last and how often: of estimates, and of what came in since then."""
    import numpy as np

    crowd, held = evaluation.crowd, evaluation.shop.shelf.get("purchases")
    anew = np.array(sorted(crowd.taken), dtype=np.int64)
    since = [(who, item, us, 1) for who, item, us in crowd.bought if who not in crowd.taken]
    fresh = [(who, item, us, 1) for who in crowd.taken for item, us in crowd.taken[who]]
    more = np.array([*since, *fresh], dtype=np.int64).reshape(-1, 4)
    if held is None:
        return more[:, 0], more[:, 1], more[:, 2], more[:, 3]
    stands = ~within(np.asarray(held.columns["person"]), anew)
    person, item, last_us, times = (
        np.concatenate([np.asarray(held.columns[name])[stands].astype(np.int64), more[:, k]])
        for k, name in enumerate(("person", "item", "last_us", "times"))
    )
    return person, item, last_us, times


def _one_by_one(evaluation: Evaluation, mask: Any) -> tuple[Any, Any, Any]:
    """Person, item and time of everything that these people bought, each thing once a day."""
    import numpy as np

    from renwei.people.frame import Frame
    from renwei.people.needs import purchases

    persons = evaluation.crowd.person[mask]
    frame = Frame.of_many(evaluation.shop.store, persons.tolist(), evaluation.at)
    orders = frame.as_of(evaluation.at)
    found = purchases(orders, frame.lines(orders))
    mine = np.isin(found.person, persons)
    return found.person[mine], found.item[mine], found.at_us[mine]


def _items(shop: Shop, rule: Rule) -> list[int]:
    """The items a condition is about: by title, code or number; by category; by brand."""
    wanted = {key: same(rule[key]) for key in ("item", "category", "creator") if key in rule}
    found = []
    for item in shop.store.items.all_items("product"):
        own = {
            "item": {same(item.title), same(item.code), same(item.number)},
            "category": {same(item.category)},
            "creator": {same(item.facts.get(key) or "") for key in ("brand", "creator")},
        }
        if all(value in own[key] for key, value in wanted.items()):
            found.append(item.number)
    return found


def _open_only(evaluation: Evaluation, mask: Any) -> Any:
    """Without those who asked not to be profiled: what they look at is nobody's business."""
    import numpy as np

    from renwei.people.intent import closed

    rows = np.flatnonzero(mask)
    persons = [int(person) for person in evaluation.crowd.person[rows]]
    shut = closed(evaluation.shop, persons, evaluation.at)
    mask = mask.copy()
    mask[evaluation.crowd.rows(shut)] = False
    return mask


def _consent(evaluation: Evaluation, rule: Rule, among: Any) -> Any:
    import numpy as np

    crowd, state = evaluation.crowd, rule.get("is", "given")
    wanted = set(state if isinstance(state, list) else [state])
    rows = np.flatnonzero(among)
    persons = [int(person) for person in crowd.person[rows]]
    said = evaluation.shop.store.people.consents_of(persons) if persons else []
    purpose, channel = rule["consent"], rule.get("channel", "*")
    silent = "unknown" in wanted
    fits = [
        consent_by(one, purpose, channel, evaluation.at).value in wanted if one else silent
        for one in said
    ]
    mask = np.zeros(len(crowd), dtype=bool)
    mask[rows] = np.array(fits, dtype=bool)
    return mask


def _audience(evaluation: Evaluation, rule: Rule, among: Any) -> Any:
    name = rule["audience"]
    if name in evaluation.asked:
        raise BadInput("audience_circle", name=name, path=" > ".join([*evaluation.asked, name]))
    evaluation.asked.append(name)
    mask = evaluation.mask(rule_of(evaluation.shop, name), among)
    evaluation.asked.pop()
    return mask


_MASKS: Mapping[str, Callable[[Evaluation, Rule, Any], Any]] = {
    "stage": partial(_code, kind="stage"),
    "tier": partial(_code, kind="tier"),
    **{kind: partial(_range, kind=kind) for kind in (*_COLUMNS, *_SINCE)},
    "fact": _fact,
    "did": _did,
    "intent": _intent,
    "consent": _consent,
    "audience": _audience,
}
