"""One person's page: who, how she stands, what she may need, what she agreed to, what happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from renwei.core.words import Words, money
from renwei.doors.cli.views.plain import indented
from renwei.people.zones import zone_named


def show(name: str, answer: Any, words: Words, lang: str, console: Console) -> None:
    """Print the page; every inference has its evidence beside it."""
    _Page(msgspec.to_builtins(answer, enc_hook=str), words, lang, console).show()


class _Page:
    def __init__(self, said: dict[str, Any], words: Words, lang: str, console: Console) -> None:
        self.said, self.words, self.lang, self.console = said, words, lang, console

    def say(self, key: str, **values: Any) -> str:
        whole = f"pages.person.{key}"
        # A word this page does not know yet is shown as it is rather than as a key.
        if not self.words.has(whole):
            return key.partition("_")[2] or key
        return self.words.say(whole, values, self.lang)

    def show(self) -> None:
        said = self.said
        head = Text(said["name"] or said["person"], style="bold")
        head.append(f"  {said['stage_text']} · {said['tier_text']}  {said['person']}", style="dim")
        self.console.print(head)
        known = [one for kind in said["identifiers"].values() for one in kind]
        self.line(" · ".join(known))
        self.line(self.say("orders", n=said["orders"], spent=self.money(said["spend_minor"])))
        if said["note"]:
            self.line(said["note"])
        self.expected()
        self.part("next_needs", [self.need(one) for one in said["next_needs"]])
        self.part("preferences", [self.preference(one) for one in said["preferences"]])
        self.part("facts", [f"{f['name']}: {f['value']} ({f['source']})" for f in said["facts"]])
        self.part("consent", self.consents())
        self.part("merges", [self.merge(m) for m in said["merges"]])
        self.part("touches", [self.touch(one) for one in said["touches"]])

    def expected(self) -> None:
        for key, days in (("window", self.said["window_days"]), ("value", 365)):
            spread = self.said[key]
            if spread:
                amounts = {k: self.money(round(spread[k])) for k in ("value", "low", "high")}
                self.line(self.words.say("pages.today.worth", amounts | {"days": days}, self.lang))

    def need(self, one: dict[str, Any]) -> str:
        return self.say(
            "need",
            title=one["title"],
            low=self.local(one["due_low"]),
            high=self.local(one["due_high"]),
            times=one["times"],
            cycle=one["cycle_days"],
        )

    def preference(self, one: dict[str, Any]) -> str:
        shown = one["value"]
        if one["kind"] in ("hour", "price"):
            shown = self.say(f"{one['kind']}_{shown}")
        dates = ", ".join(self.local(e["at"])[:10] for e in one["evidence"])
        return self.say("preference", value=shown, n=one["orders"], share=one["share"], dates=dates)

    def consents(self) -> list[str]:
        shown = [
            f"{purpose} / {channel}: {self.say('consent_' + state)}"
            for purpose, channels in self.said["consent"].items()
            for channel, state in channels.items()
            if state != "unknown"
        ]
        return shown or [self.say("consent_unknown")]

    def touch(self, one: dict[str, Any]) -> str:
        amount = self.money(one["value_minor"], one["currency"]) if one["value_minor"] else ""
        what = ", ".join(one["what"][:3]) + (" …" if len(one["what"]) > 3 else "")
        kind = self.say(f"touch_{one['kind'].replace('-', '_')}")
        status = self.say(f"status_{one['status']}") if one["status"] else ""
        parts = [self.local(one["at"])[:10], kind, status, amount, what, one["decision_id"]]
        return "  ".join(part for part in parts if part)

    def merge(self, one: dict[str, Any]) -> str:
        why = self.words.say(f"merge_reasons.{one['reason']}", one["values"], self.lang)
        return f"{one['kept']} ← {one['gone']} · {why}"

    def money(self, minor: int, currency: str = "") -> str:
        return money([minor, currency or self.said["currency"]])

    def local(self, at: str) -> str:
        """A time on the shop's clock, ISO 8601."""
        return datetime.fromisoformat(at).astimezone(zone_named(self.said["zone"])).isoformat()

    def part(self, title: str, rows: list[str]) -> None:
        if rows:
            label = self.words.say(f"labels.{title}", {}, self.lang)
            self.console.print(Text(label, style="bold"))
            for row in rows:
                indented(self.console, row, 4)

    def line(self, text: str) -> None:
        if text:
            indented(self.console, text, 2)
