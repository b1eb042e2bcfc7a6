"""Who is who: which identifiers of an order name its buyer, and which buyers are one person.

Pure: it sees what the orders say and what is known, and proposes; storing is elsewhere.

An account (customer number, nick, openid) is issued to one buyer and never shared. A contact
(e-mail, phone) may be shared by a family or typed by a clerk: it joins two accounts only
where their names agree, and goes with the account that used it most where they do not. What
one account ordered to somebody else's phone under somebody else's name is a gift, and says
nothing about who the buyer is. Values that many use, or that stand for "none", join nobody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from renwei.collect.names import agree, is_masked, is_placeholder, plain
from renwei.collect.records import Identifier

# An account before a contact, because it is never shared. E-mail before phone: the first is
# how the buyer signs in, the second where the parcel goes. Devices change hands: last.
STRENGTH = {
    kind: rank
    for rank, kind in enumerate(
        "customer nick openid unionid external_userid email phone device anonymous".split()  # noqa: SIM905
    )
}
CONTACTS = ("email", "phone", "device", "anonymous")
MANY = 5
"""More different buyers than this behind one contact: nobody's own."""


@dataclass(frozen=True, slots=True)
class Mention:
    """What one order says of its buyer."""

    identifiers: tuple[Identifier, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the workspace knows of an identifier: its person and that person's names."""

    person: int
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Link:
    """Two identifiers of one person, why, and in how many orders that was seen."""

    kept: Identifier
    gone: Identifier
    reason: str
    orders: int


@dataclass(slots=True)
class Woven:
    """What follows from the orders.

    Attributes:
        primary: By mention: the identifier its order is booked under, or None.
        links: In the order in which they are to be made.
        own: By mention: the identifiers that are the buyer's.
        loose: By mention: contacts that are kept as a text of the buyer, not as identity.
        gifts: By mention: whether the name on the order is not the buyer's own.
        placeholders: Orders by identifier that stands for nobody.
        shared: Buyers by contact that buyers of different names use.
    """

    primary: list[Identifier | None] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    own: list[tuple[Identifier, ...]] = field(default_factory=list)
    loose: list[tuple[Identifier, ...]] = field(default_factory=list)
    gifts: list[bool] = field(default_factory=list)
    placeholders: Counter[Identifier] = field(default_factory=Counter)
    shared: dict[Identifier, int] = field(default_factory=dict)

    def identifiers(self) -> list[Identifier]:
        """Everything that has to have an actor, each once."""
        found: dict[Identifier, None] = {one: None for own in self.own for one in own}
        for link in self.links:
            found[link.kept] = None
            found[link.gone] = None
        return list(found)


def weave(
    mentions: Sequence[Mention],
    known: Mapping[Identifier, Known],
    apart: Iterable[tuple[int, int]] = (),
) -> Woven:
    """Propose who is who.

    Args:
        mentions: One an order, in the order of the file.
        known: Identifiers that the workspace holds already.
        apart: Pairs of persons whose merge a human undid: never joined again.

    Example:
        >>> nick, phone = Identifier("nick", "taobao:mei"), Identifier("phone", "+8613912345670")
        >>> woven = weave([Mention((phone, nick), "张小美")], {})
        >>> woven.primary[0] == nick, woven.links[0].reason
        (True, 'same_order')
    """
    woven = Woven()
    nobody = _placeholders(mentions)
    usable: list[list[Identifier]] = []
    for mention in mentions:
        own = sorted(
            {one for one in mention.identifiers if one not in nobody},
            key=lambda one: (STRENGTH[one.kind], one.value),
        )
        woven.placeholders.update(one for one in set(mention.identifiers) if one in nobody)
        woven.primary.append(own[0] if own else None)
        usable.append(own)
    _Loom(mentions, usable, known, apart, woven).run()
    return woven


def _placeholders(mentions: Sequence[Mention]) -> set[Identifier]:
    everybody = {one for mention in mentions for one in mention.identifiers}
    nobody = {one for one in everybody if is_placeholder(one)}
    users: dict[Identifier, set[str]] = defaultdict(set)
    for mention in mentions:
        account = next((one.value for one in mention.identifiers if one.kind not in CONTACTS), "")
        name = plain(mention.name)
        who = account or (name if not is_masked(name) else "")
        for one in mention.identifiers:
            if one.kind in CONTACTS and who:
                users[one].add(who)
    return nobody | {one for one, by in users.items() if len(by) > MANY}


class _Class:
    """Identifiers found to be one person."""

    __slots__ = ("first", "head", "known_names", "names", "orders", "persons")

    def __init__(self, head: Identifier, first: int) -> None:
        self.head = head
        self.first = first
        self.orders = 0
        self.names: Counter[str] = Counter()
        self.known_names: set[str] = set()
        self.persons: set[int] = set()

    def own_names(self) -> set[str]:
        """What this person is called: as known, else as most of the orders say.

        A masked name counts only where there is no full one: it would agree with strangers.
        """
        if self.known_names:
            return {one for one in self.known_names if not is_masked(one)} or self.known_names
        full = {name: times for name, times in self.names.items() if not is_masked(name)}
        names = full or self.names
        most = max(names.values(), default=0)
        return {name for name, times in names.items() if times == most}


class _Loom:
    def __init__(
        self,
        mentions: Sequence[Mention],
        usable: list[list[Identifier]],
        known: Mapping[Identifier, Known],
        apart: Iterable[tuple[int, int]],
        woven: Woven,
    ) -> None:
        self.mentions, self.usable, self.known, self.woven = mentions, usable, known, woven
        self.apart: dict[int, set[int]] = defaultdict(set)
        for one, other in apart:
            self.apart[one].add(other)
            self.apart[other].add(one)
        self.classes: dict[Identifier, _Class] = {}
        self.of_person: dict[int, _Class] = {}
        self.members: dict[int, list[Identifier]] = {}

    def run(self) -> None:
        for index, own in enumerate(self.usable):
            if own:
                cls = self.class_of(own[0], index)
                cls.orders += 1
                name = plain(self.mentions[index].name)
                if name:
                    cls.names[name] += 1
        self._accounts()
        seen = -1
        while seen != len(self.woven.links):  # a name learnt by one contact speaks at another
            seen = len(self.woven.links)
            for kind in CONTACTS:
                self._contacts(kind)
        self._loose()

    def class_of(self, one: Identifier, index: int) -> _Class:
        found = self.classes.get(one)
        if found is not None:
            return found
        known = self.known.get(one)
        cls = self.of_person.get(known.person) if known else None
        if cls is None:
            cls = _Class(one, index)
            self.members[id(cls)] = []
            if known:
                cls.persons.add(known.person)
                cls.known_names |= {plain(name) for name in known.names if name}
                self.of_person[known.person] = cls
        self.classes[one] = cls
        self.members[id(cls)].append(one)
        return cls

    def join(self, kept: Identifier, gone: Identifier, reason: str, orders: int) -> bool:
        """Make two identifiers one person, unless a human said that they are not."""
        one, other = self.classes[kept], self.classes[gone]
        if one is other:
            return True
        if any(self.apart[person] & other.persons for person in one.persons if self.apart):
            return False
        self.woven.links.append(Link(kept, gone, reason, orders))
        one.orders += other.orders
        one.first = min(one.first, other.first)
        one.names.update(other.names)
        one.known_names |= other.known_names
        one.persons |= other.persons
        for person in other.persons:
            self.of_person[person] = one
        for member in self.members.pop(id(other)):
            self.classes[member] = one
            self.members[id(one)].append(member)
        return True

    def _accounts(self) -> None:
        """Accounts on one order are one buyer's; so are two that share a third."""
        together: Counter[tuple[Identifier, Identifier]] = Counter()
        for own in self.usable:
            for one in own[1:]:
                if one.kind not in CONTACTS:
                    together[own[0], one] += 1
        for (kept, gone), orders in together.items():
            fresh = gone not in self.classes
            self.class_of(gone, self.classes[kept].first)
            if self.classes[gone] is not self.classes[kept]:
                self.join(kept, gone, "same_order" if fresh else f"same_{gone.kind}", orders)

    def _contacts(self, kind: str) -> None:
        uses: dict[Identifier, dict[Identifier, Counter[str]]] = {}
        for index, own in enumerate(self.usable):
            for one in own:
                if one.kind == kind:
                    names = uses.setdefault(one, {}).setdefault(own[0], Counter())
                    names[plain(self.mentions[index].name)] += 1
        for contact, by in uses.items():
            self._contact(contact, by)

    def _contact(self, contact: Identifier, by: Mapping[Identifier, Counter[str]]) -> None:
        """Join a contact to the buyers whose own it is; `by`: names on orders, by primary."""
        users: dict[int, _User] = {}
        for primary, names in by.items():
            cls = self.classes[primary]
            user = users.setdefault(id(cls), _User(cls, primary))
            user.orders += names.total()
            user.names.update(names)
            if user.orders and primary == contact:
                user.primary = contact
        owner = self.classes.get(contact)
        if owner is None and contact in self.known:
            owner = self.class_of(contact, len(self.mentions))
        if owner is not None and id(owner) not in users:
            # An actor alone, of no name and no order, is what a broken-off import left.
            if owner.known_names or len(self.members[id(owner)]) > 1:
                users[id(owner)] = _User(owner, contact)
            else:
                owner = None
        buyers = [user for user in users.values() if user.is_own() or user.cls is owner]
        groups = _groups(buyers, owner)
        several = len(groups) if len(groups) > 1 else _strangers(by.get(contact, Counter()))
        self.woven.shared.pop(contact, None)
        if several > 1:
            self.woven.shared[contact] = several
        for number, group in enumerate(groups):
            self._unite(group, contact, owns=number == 0)

    def _unite(self, group: list[_User], contact: Identifier, *, owns: bool) -> None:
        """Make the buyers of one name one person, and the contact theirs if they own it."""
        first = group[0]
        if owns:
            self.class_of(contact, first.cls.first)
            self.join(first.primary, contact, "same_order", first.orders)
        for user in group[1:]:
            orders = user.orders or first.orders
            self.join(first.primary, user.primary, f"same_{contact.kind}", orders)

    def _loose(self) -> None:
        for mention, own in zip(self.mentions, self.usable, strict=True):
            cls = self.classes[own[0]] if own else None
            mine = [one for one in own if self.classes.get(one) is cls]
            self.woven.own.append(tuple(mine))
            self.woven.loose.append(tuple(one for one in own if one not in mine))
            names = cls.own_names() if cls else set()
            said = plain(mention.name)
            self.woven.gifts.append(bool(names) and not any(agree(said, one) for one in names))


class _User:
    """One buyer's use of a contact."""

    __slots__ = ("cls", "names", "orders", "primary")

    def __init__(self, cls: _Class, primary: Identifier) -> None:
        self.cls, self.primary = cls, primary
        self.orders = 0
        self.names: Counter[str] = Counter()

    def is_own(self) -> bool:
        """Whether the name on these orders is the buyer's own; else they were gifts."""
        own = self.cls.own_names()
        return not own or any(agree(name, mine) for name in self.names for mine in own)


def _strangers(names: Iterable[str]) -> int:
    """How many people the names name, where nothing but the contact tells them apart."""
    found: list[str] = []
    for name in names:
        if name and not is_masked(name) and not any(agree(name, one) for one in found):
            found.append(name)
    return len(found)


def _groups(buyers: list[_User], owner: _Class | None) -> list[list[_User]]:
    """Buyers by agreeing names; the contact's owner, else who used it most, comes first.

    A masked or missing name joins a group only where there is one to join: where two people
    could be meant, it stays alone.
    """
    ranked = sorted(buyers, key=lambda user: (user.cls is not owner, -user.orders, user.cls.first))
    named = [user for user in ranked if _full(user)]
    groups: list[list[_User]] = []
    for user in named:
        home = next((group for group in groups if _same(user, group)), None)
        if home is None:
            groups.append([user])
        else:
            home.append(user)
    for user in (user for user in ranked if not _full(user)):
        homes = [group for group in groups if _same(user, group)]
        if len(homes) == 1:
            homes[0].append(user)
        elif user.cls is owner:
            groups.insert(0, [user])
        else:
            groups.append([user])
    return sorted(groups, key=lambda group: min(map(ranked.index, group)))


def _full(user: _User) -> set[str]:
    return {name for name in user.cls.own_names() if not is_masked(name)}


def _same(user: _User, group: list[_User]) -> bool:
    theirs = {name for other in group for name in other.cls.own_names()}
    mine = user.cls.own_names()
    return not mine or not theirs or any(agree(a, b) for a in mine for b in theirs)
