"""Gorse's wire: its items, users and feedback in our words, our answers in its shapes.

Names and shapes are those of Gorse's REST API (server/rest.go of versions 0.4 and 0.5). An item's
first category is our category, further ones and labels in lists become tags, labels with names
become attributes, the comment is the title. Feedback is a track event named by its type.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from renwei.collect.items.checking import ATTRIBUTES, TAG, TAGS, TEXT, TITLE, VALUE
from renwei.collect.live.incoming import Incoming, Refusal
from renwei.collect.live.reading import Moment, read_plain
from renwei.core.errors import BadInput
from renwei.core.nouns import Item

WIRE: Final = "gorse"
_EVENTS: Final = {
    "view": "read view click watch play visit browse open impression listen stream detail",
    "like": "star like thumbs_up thumbsup upvote heart love",
    "wish": "favorite favourite collect bookmark save wish wishlist",
    "cart": "cart add_to_cart addtocart basket",
    "share": "share forward",
    "comment": "comment review rate rating",
    "unlike": "dislike thumbs_down downvote hate",
    "purchase": "purchase buy order pay paid checkout",
}
_NAMES: Final = {
    "view": "Product Viewed", "like": "Product Liked", "wish": "Product Added to Wishlist",
    "cart": "Product Added", "share": "Product Shared", "comment": "Product Reviewed",
    "unlike": "Product Unliked", "purchase": "purchase",
}  # fmt: skip
_BACK: Final = {"like": "Product Unliked", "cart": "Product Removed"}
_NOT_IN_A_NAME: Final = re.compile(r"[^\w.-]+")
Body = dict[str, Any]


class GorseItem(msgspec.Struct, rename="pascal"):
    """An item as Gorse's clients send it."""

    item_id: str
    is_hidden: bool = False
    categories: list[str] | None = None
    timestamp: str | None = None
    labels: Any = None
    comment: str = ""


class GorsePatch(msgspec.Struct, rename="pascal"):
    """Some fields of an item."""

    is_hidden: bool | None = None
    categories: list[str] | None = None
    timestamp: str | None = None
    labels: Any = None
    comment: str | None = None


class GorseUser(msgspec.Struct, rename="pascal"):
    """A user as Gorse's clients send them."""

    user_id: str = ""
    labels: Any = None
    subscribe: list[str] | None = None
    comment: str | None = None


class GorseFeedback(msgspec.Struct, rename="pascal"):
    """One feedback; without a time it happened when it came."""

    feedback_type: str
    user_id: str
    item_id: str
    value: float = 0.0
    timestamp: str | None = None
    comment: str = ""


def decoded(body: bytes, kind: Any) -> Any:
    """A body as one of the structs above, or a list of them.

    Raises:
        BadInput: bad_json, or bad_field with what was expected where.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as wrong:
        said, _, where = str(wrong).partition(" - at `$")
        raise BadInput("bad_field", field=where.rstrip("`") or "$", found=said[:200]) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as wrong:
        raise BadInput("bad_json", found=str(wrong)[:200]) from None


# Items.


def item_told(item: GorseItem) -> Body:
    """An item as our catalogue is told it, whole."""
    told: Body = {"id": item.item_id, "available": not item.is_hidden}
    tags, attributes = labels_of(item.labels)
    categories = [text[:TEXT] for text in item.categories or () if text.strip()]
    tags = [*(text[:TAG] for text in categories[1:]), *tags]
    told["title"] = item.comment.strip()[:TITLE] or None
    told["category"] = categories[0] if categories else None
    told["tags"] = list(dict.fromkeys(tags))[:TAGS] or None
    told["attributes"] = attributes or None
    told |= _since(item.timestamp)
    return {name: value for name, value in told.items() if value is not None}


def item_changed(code: str, patch: GorsePatch) -> Body:
    """The part of an item that a patch tells; what it leaves out stays."""
    told: Body = {"id": code}
    if patch.is_hidden is not None:
        told["available"] = not patch.is_hidden
    if patch.comment is not None:
        told["title"] = patch.comment.strip()[:TITLE] or None
    tags, attributes = labels_of(patch.labels)
    if patch.categories is not None:
        categories = [text[:TEXT] for text in patch.categories if text.strip()]
        told["category"] = categories[0] if categories else None
        tags = [*(text[:TAG] for text in categories[1:]), *tags]
    if patch.labels is not None:
        told["attributes"] = attributes or None
    if tags or patch.labels is not None:
        told["tags"] = list(dict.fromkeys(tags))[:TAGS] or None
    return told | _since(patch.timestamp)


def _since(timestamp: str | None) -> Body:
    # Go's zero time stands for none.
    return {"first_seen": timestamp} if timestamp and not timestamp.startswith("0001-") else {}


def labels_of(labels: Any) -> tuple[list[str], Body]:
    """Labels as tags and attributes; numbers in lists (embeddings) are neither.

    Example:
        >>> labels_of({"topics": ["a", "b"], "price": 3, "by": {"name": "x"}, "vector": [0.1]})
        (['a', 'b'], {'price': 3, 'by.name': 'x'})
        >>> labels_of(["new", 7])
        (['new'], {})
    """
    tags: list[str] = []
    attributes: Body = {}
    _sort(labels, "", tags, attributes, 0)
    return tags[:TAGS], dict(list(attributes.items())[:ATTRIBUTES])


def _sort(labels: Any, name: str, tags: list[str], attributes: Body, depth: int) -> None:
    if isinstance(labels, list):
        tags += [one.strip()[:TAG] for one in labels if isinstance(one, str) and one.strip()]
    elif isinstance(labels, dict):
        if depth < 4:
            for key, value in labels.items():
                _sort(value, f"{name}.{key}" if name else key, tags, attributes, depth + 1)
    elif isinstance(labels, str | bool | int | float):
        key = _NOT_IN_A_NAME.sub("_", name).strip("._-0123456789")[:64]
        if key and (isinstance(labels, str) or abs(labels) <= 2**53):
            attributes[key] = labels[:VALUE] if isinstance(labels, str) else labels
        elif not name and isinstance(labels, str) and labels.strip():
            tags.append(labels.strip()[:TAG])


def item_shown(item: Item) -> Body:
    """An item of ours as Gorse answers it."""
    facts = item.facts
    return {
        "ItemId": item.code,
        "IsHidden": facts.get("available", True) is False,
        "Categories": [item.category] if item.category else [],
        "Timestamp": _time(facts.get("first_seen")),
        "Labels": dict(facts.get("attributes", {})) | _named_tags(facts.get("tags", ())),
        "Comment": "" if item.title == item.code else item.title,
    }


def _named_tags(tags: Sequence[str]) -> Body:
    return {"tags": list(tags)} if tags else {}


def _time(value: Any) -> str:
    if not isinstance(value, str):
        return "0001-01-01T00:00:00Z"
    return value.replace("+00:00", "Z")


# Users.


def user_event(user: GorseUser, number: int, moment: Moment) -> Incoming | Refusal:
    """What a user's labels say, as an `identify` of theirs."""
    labels = user.labels if isinstance(user.labels, dict) else {"labels": user.labels}
    traits = {name: value for name, value in labels.items() if value is not None}
    raw = msgspec.json.encode({"type": "identify", "userId": user.user_id, "traits": traits})
    plain = {"type": "identify", "userId": user.user_id, "traits": traits}
    plain["messageId"] = hashlib.sha256(b"gorse-user|%d|" % moment.received_us + raw).hexdigest()
    return read_plain(plain, raw, number, moment, wire=WIRE)


def user_shown(code: str, facts: Mapping[str, Any]) -> Body:
    """A user as Gorse answers them; labels are the facts known of them."""
    return {"UserId": code, "Labels": dict(facts), "Subscribe": [], "Comment": ""}


# Feedback.


def word_of(kind: str) -> str:
    """Our word for a type of feedback, "" where there is none.

    Example:
        >>> word_of("Star"), word_of("add-to-cart"), word_of("五星")
        ('like', 'cart', '')
    """
    return _WORD_OF.get(_plain(kind), "")


def _plain(kind: str) -> str:
    return kind.strip().casefold().replace("-", "_").replace(" ", "_")


_WORD_OF: Final = {name: word for word, names in _EVENTS.items() for name in names.split()}


def feedback_event(
    one: GorseFeedback, index: int, moment: Moment, *, overwrite: bool
) -> Incoming | Refusal:
    """A feedback as the track event that it is.

    It is known by user, item, type and time: sent again, it changes nothing. To overwrite, the
    value counts as well, so that another value is a newer event.
    """
    name = _NAMES.get(word_of(one.feedback_type), one.feedback_type)
    plain = _plain_event(one, name)
    known = [one.user_id, one.item_id, one.feedback_type, _known_time(one.timestamp)]
    known += [repr(one.value)] if overwrite and one.value else []
    plain["messageId"] = hashlib.sha256("\x1f".join([WIRE, *known]).encode()).hexdigest()
    return read_plain(plain, msgspec.json.encode(one), index, moment, wire=WIRE)


def feedback_back(one: GorseFeedback, moment: Moment) -> Incoming | Refusal:
    """The event that takes a feedback back.

    Raises:
        BadInput: feedback_stays, nothing takes back a look or a purchase.
    """
    name = _BACK.get(word_of(one.feedback_type))
    if name is None:
        raise BadInput("feedback_stays", name=one.feedback_type[:100])
    plain = _plain_event(one, name)
    told = f"{WIRE}-back\x1f{one.user_id}\x1f{one.item_id}\x1f{name}\x1f{moment.received_us}"
    plain["messageId"] = hashlib.sha256(told.encode()).hexdigest()
    plain["properties"]["feedback_back"] = True
    return read_plain(plain, msgspec.json.encode(one), 0, moment, wire=WIRE)


def _plain_event(one: GorseFeedback, name: str) -> Body:
    said = {
        "product_id": one.item_id,
        "feedback_type": one.feedback_type,
        "gorse_user": one.user_id,
    }
    plain: Body = {"type": "track", "event": name, "userId": one.user_id, "properties": said}
    if one.value:
        said["feedback_value"] = one.value  # type: ignore[assignment]
    if one.comment:
        said["feedback_comment"] = one.comment
    if one.timestamp and not one.timestamp.startswith("0001-"):
        plain["timestamp"] = one.timestamp
    return plain


def _known_time(timestamp: str | None) -> str:
    from renwei.collect.live.times import instant_us

    return str(instant_us(timestamp)) if timestamp else ""


def feedback_shown(said: Mapping[str, Any], at: str) -> Body:
    """A feedback as Gorse answers it, from the properties of its event."""
    return {
        "FeedbackType": str(said.get("feedback_type", "")),
        "UserId": str(said.get("gorse_user", "")),
        "ItemId": str(said.get("product_id", "")),
        "Value": said.get("feedback_value", 0),
        "Timestamp": at,
        "Comment": str(said.get("feedback_comment", "")),
    }


# Recommendations: our answer in Gorse's shapes.


def recommend_asked(
    *,
    user: str = "",
    item: str = "",
    surface: str = "home",
    n: int = 10,
    offset: int = 0,
    categories: Sequence[str] = (),
) -> Body:
    """What Gorse's recommendation paths ask, as fields of the operation "recommend".

    `n` includes what `offset` skips; cut the answer with `as_ids` or `as_scores`. Neighbours of an
    item are its similar ones.

    Example:
        >>> recommend_asked(user="u1", n=5, offset=5, categories=["skin care"])
        {'surface': 'home', 'n': 10, 'user_id': 'u1', 'filter': "category = 'skin care'"}
        >>> recommend_asked(item="A1", n=3, surface="product")["mode"]
        'similar'
    """
    asked: Body = {"surface": surface, "n": max(1, min(n + offset, 100))}
    if user:
        asked["user_id"] = user
    if item:
        asked |= {"mode": "similar", "context": {"item_id": item}}
    if categories:
        texts = ["'" + text.replace("'", "''") + "'" for text in categories]
        one = f"category = {texts[0]}"
        asked["filter"] = one if len(texts) == 1 else f"category in ({', '.join(texts)})"
    return asked


def as_ids(items: Iterable[Any], offset: int = 0) -> list[str]:
    """The items of an answer as a list of ids: /api/recommend/{user}.

    Args:
        items: Items of an answer, objects or mappings with `id` and `score`.
        offset: How many to skip.
    """
    return [str(_of(one, "id")) for one in items][offset:]


def as_scores(items: Iterable[Any], offset: int = 0) -> list[Body]:
    """The items of an answer as ids with scores: neighbours, popular, latest, sessions."""
    return [{"Id": str(_of(one, "id")), "Score": _of(one, "score")} for one in items][offset:]


def _of(one: Any, name: str) -> Any:
    return one[name] if isinstance(one, Mapping) else getattr(one, name)
