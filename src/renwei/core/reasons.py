"""Reasons as sentences: a code and its values become Chinese or English at the door."""

from __future__ import annotations

from renwei.core.nouns import Reason
from renwei.core.words import Words


def sentence(reason: Reason, words: Words, language: str) -> str:
    """Why, for the shop: `reasons.<code>` with its values.

    Example:
        >>> words = Words({"en": {"reasons.due": "Due in {days:days}"}, "zh": {}})
        >>> sentence(Reason("due", {"days": 3}), words, "en")
        'Due in 3 days'
    """
    return words.say(f"reasons.{reason.code}", reason.values, language)


def public(reason: Reason, words: Words, language: str) -> str:
    """Why, short and for the customer: `public.<code>`, else that it was chosen for them.

    A reason without a sentence for customers says nothing of its values to them.

    Example:
        >>> words = Words({"en": {"public.other": "Chosen by rules, see our notice"}, "zh": {}})
        >>> public(Reason("risk", {"p": 0.9}), words, "en")
        'Chosen by rules, see our notice'
    """
    key = f"public.{reason.code}"
    return words.say(key if words.has(key) else "public.other", reason.values, language)
