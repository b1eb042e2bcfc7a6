"""Finding the one person somebody means."""

from __future__ import annotations

from renwei.core.chance import to_id
from renwei.core.errors import Ambiguous, UnknownName
from renwei.core.shop import Shop


def person(shop: Shop, text: str) -> int:
    """The person whose phone, e-mail, nick or our id is `text`.

    Raises:
        UnknownName: Nobody goes by it (code unknown_person).
        Ambiguous: Several do (code ambiguous_person); their ids are in the values.
    """
    found = shop.store.people.search(text)
    if not found:
        raise UnknownName("unknown_person", name=text)
    if len(found) > 1:
        raise Ambiguous("ambiguous_person", name=text, matches=[to_id(one) for one in found])
    return found[0]
