"""What was sealed of an event under its person's key, opened while the key is there."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from renwei.core.errors import Unavailable
from renwei.core.nouns import Event
from renwei.core.shop import Shop


def details(shop: Shop, event: Event) -> dict[str, Any]:
    """What was sent beside the structured values; empty where nothing was, or the key is gone."""
    sealed = event.body.get("_")
    if not sealed or not event.actor:
        return {}
    try:
        data = shop.store.people.open_for(event.actor, base64.b64decode(str(sealed)))
        opened = msgspec.json.decode(data) if data else {}
    except (binascii.Error, msgspec.DecodeError, Unavailable):
        # A damaged detail hides no event.
        return {}
    return opened if isinstance(opened, dict) else {"value": opened}
