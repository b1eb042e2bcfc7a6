"""The map from actors to persons: merges folded in the order they were made.

Nothing else records who is one with whom, so undoing a merge is leaving it out and folding
the others again: merges undone in any order leave the partition that the rest would make.
"""

from __future__ import annotations

from collections.abc import Iterable

from renwei.core.nouns import NOBODY


class PersonMap:
    """Who is one with whom. Actors that no merge names are persons by themselves.

    Example:
        >>> persons = PersonMap([(1, 2), (3, 1)])
        >>> persons.person_of(2), persons.actors_of(3), persons.person_of(9)
        (3, [3, 1, 2], 9)
    """

    def __init__(self, merges: Iterable[tuple[int, int]] = ()) -> None:
        self._person: dict[int, int] = {}
        self._actors: dict[int, list[int]] = {}
        for kept, gone in merges:
            self.merge(kept, gone)

    def merge(self, kept: int, gone: int) -> None:
        """Make two persons one, under the number of the kept one."""
        root, lost = self.person_of(kept), self.person_of(gone)
        if root == lost:
            return
        moved = self._actors.pop(lost, [lost])
        own = self._actors.setdefault(root, [root])
        self._person[root] = root
        own.extend(moved)
        for actor in moved:
            self._person[actor] = root

    def bury(self, actors: Iterable[int]) -> None:
        """Make forgotten actors nobody."""
        self._person |= dict.fromkeys(actors, NOBODY)

    def person_of(self, actor: int) -> int:
        """The person of one actor."""
        return self._person.get(actor, actor)

    def persons_of(self, actors: Iterable[int]) -> list[int]:
        """The person of each actor."""
        get = self._person.get
        return [get(actor, actor) for actor in actors]

    def actors_of(self, person: int) -> list[int]:
        """Every actor of the person that this actor belongs to, the person's number first."""
        root = self.person_of(person)
        return list(self._actors.get(root, (root,)))

    def folded_away(self) -> set[int]:
        """The actors that stand for no person: one with another, or forgotten."""
        return {actor for actor, person in self._person.items() if actor != person}
