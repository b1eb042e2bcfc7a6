"""The public checks pass for what is built in and catch what breaks its promise."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from renwei.core.nouns import NOTHING, Ask, Reason, Surface
from renwei.core.policies import Best, FixedOdds, HoldOut
from renwei.core.ports import Policy
from renwei.core.slate import Picked, Slate
from renwei.testing import check_guard, check_policy, check_source

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOME = Surface("home", ("product",), "profiling", "order", timedelta(days=30), slots=3)
ASKS = [Ask(7, HOME, AT), Ask(8, HOME, AT - timedelta(days=3))]
SLATES = [
    Slate.of("s", "new", [4, 2, 9], [1, 1, 3], traits=[0, 8, 0]),
    Slate.of("s", "new", [NOTHING], [0]),
]


@pytest.mark.parametrize(
    ("policy", "at_most"),
    [
        (Best(), 0),
        (Best(explore=0.0), 0),
        (Best(explore=1.0), 0),
        (Best(explore=0.3, at_most=1), 1),
        (Best(explore=0.3, at_most=2), 2),
        (FixedOdds({1: 1, 2: 3, 3: 0.5, 4: 0.25, 5: 1, 8: 2}), 0),
        (FixedOdds({NOTHING: 0.4, 8: 0.6, 99: 7}), 0),
        (HoldOut(Best(explore=0.2), 0.05, "check/holdout"), 0),
        (HoldOut(Best(explore=0.2, at_most=1), 0.3, "check/holdout", control=3), 1),
        (HoldOut(FixedOdds({2: 1, 3: 1}), 0.5, "check/holdout"), 0),
        (HoldOut(HoldOut(Best(), 0.2, "in", control=2), 0.2, "out"), 0),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_is_built_in_passes_check_policy(policy: Policy, at_most: int) -> None:
    check_policy(policy, at_most=at_most, rounds=2_000)


@dataclass
class Boastful:
    """Explores, and says that it did not."""

    inner: Best = field(default_factory=lambda: Best(explore=0.6))
    name: str = "boastful@1"

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        picked = self.inner.choose(ask, slate)
        picked.odds = [1.0] * len(picked.positions)
        return picked


class Dicing(Boastful):
    """Draws from a stream of its own."""

    name = "dicing@1"

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        return Picked([random.randrange(len(slate))], [1 / len(slate)])


class FirstRow(Boastful):
    """Breaks ties by row."""

    name = "first-row@1"

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        return Picked([slate.scores.index(max(slate.scores))], [1.0])


class Twice(Boastful):
    """Shows the same item in two slots."""

    name = "twice@1"

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        return Picked([0, 0][: ask.limit], [1.0, 1.0][: ask.limit])


class GoesOn(Boastful):
    """Fills slots after it chose silence."""

    name = "goes-on@1"

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        rows = sorted(range(len(slate)), key=slate.items.__getitem__)[: ask.limit]
        return Picked(rows, [1.0] * len(rows))


class Eager(Boastful):
    """Lets the number of slots asked for change the first one."""

    name = "eager@1"

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        by_item = sorted(range(len(slate)), key=slate.items.__getitem__)
        return Picked([by_item[-1 if ask.limit == 1 else 0]], [1.0])


class Scribbling(Boastful):
    """Writes on the slate."""

    name = "scribbling@1"

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        slate.scores[0] += 1
        return Picked([0], [1.0])


class Short(Boastful):
    """Forgets to state odds."""

    name = "short@1"

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        return Picked([0], [])


class Moody(Boastful):
    """States other odds for the same answer."""

    name = "moody@1"

    def choose(self, ask: Ask, slate: Slate) -> Picked:
        best = self.inner.choose(ask, slate)
        return Picked(best.positions, [0.5 + (ask.unit % 2) / 4] * len(best.odds))


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Boastful(), r"logged 1\.000 .* but played it 0\.\d"),
        (Dicing(), "drew the same unit anew"),
        (FirstRow(), "breaks ties by row"),
        (Twice(), r"chose positions \[0, 0\]"),
        (GoesOn(), "went on after choosing nothing"),
        (Eager(), "fewer slots"),
        (Scribbling(), "changed the slate"),
        (Short(), "gave 0 odds for 1 slots"),
        (Moody(), "for the same"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_policy_that_breaks_its_promise_is_caught(policy: Policy, words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_policy(policy, rounds=400, known=None)


def test_a_constraint_that_is_claimed_and_not_kept_is_caught() -> None:
    with pytest.raises(AssertionError, match="more than 1 of one group"):
        check_policy(Best(), at_most=1, rounds=200)


def test_a_misreport_in_a_later_slot_alone_is_caught() -> None:
    class LaterBoast(Boastful):
        name = "later-boast@1"

        def choose(self, ask: Ask, slate: Slate) -> Picked:
            picked = self.inner.choose(ask, slate)
            picked.odds[1:] = [1.0] * (len(picked.odds) - 1)
            return picked

    with pytest.raises(AssertionError, match=r"logged 1\.000 .* in slot 1"):
        check_policy(LaterBoast(), rounds=1_000, known=None)


@dataclass
class Keeps:
    """A guard made of a function."""

    of: Callable[[Slate], Sequence[bool]]
    name: str = "keeps"

    def keeps(self, ask: Ask, slate: Slate) -> Sequence[bool]:
        return self.of(slate)


def test_a_guard_that_judges_each_candidate_alone_passes() -> None:
    check_guard(Keeps(lambda slate: [item > 2 for item in slate.items]), ASKS, SLATES)


def _pops(slate: Slate) -> Sequence[bool]:
    kept = [True] * len(slate)
    slate.items.reverse()
    return kept


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        (Keeps(lambda slate: [True]), "gave 1 answers for 0"),
        (
            Keeps(lambda slate: [random.random() < 0.5 for _ in slate.items]),
            "two ways|order of the rows|neighbours",
        ),
        (Keeps(_pops), "changed the slate"),
        (Keeps(lambda slate: [k == 0 for k in range(len(slate))]), "order of the rows"),
        (Keeps(lambda slate: [len(slate) > 1] * len(slate)), "by its neighbours"),
        (Keeps(lambda slate: [True] * len(slate), name=""), "needs a name"),
    ],
)
def test_a_guard_that_breaks_its_promise_is_caught(guard: Keeps, words: str) -> None:
    random.seed(5)
    with pytest.raises(AssertionError, match=words):
        check_guard(guard, ASKS, SLATES)


@dataclass
class Bought:
    """A source over (item, at) pairs: what was bought oftenest, for the reason that it was."""

    seen: list[tuple[int, datetime]]
    name: str = "bought"
    own_word: str = "popular"

    def counts(self, ask: Ask) -> dict[int, int]:
        past = [item for item, at in self.seen if at <= ask.at]
        return {item: past.count(item) for item in sorted(set(past))}

    def propose(self, ask: Ask) -> Slate:
        counts = self.counts(ask)
        return Slate.of(self.name, self.own_word, list(counts), list(counts.values()))

    def reason(self, ask: Ask, item: int) -> Reason:
        return Reason("bought", {"times": self.counts(ask)[item]}, (item,))

    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        return 0.0


def bought() -> list[tuple[int, datetime]]:
    return [(3, AT - timedelta(days=day)) for day in (1, 5, 9)] + [(4, AT - timedelta(days=8))]


def test_a_source_that_reads_the_past_alone_passes() -> None:
    source = Bought(bought())
    check_source(source, ASKS, add_future=lambda: source.seen.append((4, AT + timedelta(days=1))))


class Peeking(Bought):
    def counts(self, ask: Ask) -> dict[int, int]:
        items = [item for item, _ in self.seen]
        return {item: items.count(item) for item in sorted(set(items))}


class Repeating(Bought):
    def propose(self, ask: Ask) -> Slate:
        return Slate.of(self.name, "popular", [3, 3], [1, 2])


class Guessing(Bought):
    def propose(self, ask: Ask) -> Slate:
        return Slate.of(self.name, "popular", [3, 4], [random.random(), 1])


class Flattering(Bought):
    def rescore(self, ask: Ask, item: int, without: Reason) -> float:
        return 99.0


class Speechless(Bought):
    def reason(self, ask: Ask, item: int) -> Reason:
        return Reason("")


class Verbose(Bought):
    def reason(self, ask: Ask, item: int) -> Reason:
        return Reason("bought", {}, (1, 2, 3, 4))


class Ragged(Bought):
    def propose(self, ask: Ask) -> Slate:
        return Slate([3, 4], [1], [0, 0], [0, 0], source_names=("bought",), code_names=("new",))


class OffGrid(Bought):
    def propose(self, ask: Ask) -> Slate:
        slate = Slate.of(self.name, "popular", [3], [1])
        slate.scores = [0.5]  # type: ignore[list-item]
        return slate


class Disguised(Bought):
    def propose(self, ask: Ask) -> Slate:
        return Slate.of("somebody", "popular", [3], [1])


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (Peeking(bought()), "looks past ask.at"),
        (Repeating(bought()), "names an item twice"),
        (Guessing(bought()), "in two ways"),
        (Flattering(bought()), "the score rises"),
        (Speechless(bought()), "without a code"),
        (Verbose(bought()), "more than three causes"),
        (Ragged(bought()), r"do not fit 2 items: \['scores'\]"),
        (OffGrid(bought()), "off the grid"),
        (Disguised(bought()), "another name"),
        (Bought(bought(), name=""), "needs a name"),
        (Bought(bought(), own_word=""), "no word of its own"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_source_that_breaks_its_promise_is_caught(source: Bought, words: str) -> None:
    future = (4, AT + timedelta(days=1))
    with pytest.raises(AssertionError, match=words):
        check_source(source, ASKS, add_future=lambda: source.seen.append(future))
