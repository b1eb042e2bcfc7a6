"""Words that decisions repeat (surfaces, policies, sources, codes), numbered once each."""

from __future__ import annotations

from renwei.stores.database import Database
from renwei.stores.queries import queries

_SQL = queries("ledger")


class WordList:
    """Numbers of words, in state.db and in memory."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}
        # A number given inside a transaction that failed was never given.
        database.on_rollback.append(self._reload)

    def number_of(self, text: str) -> int:
        """The number of a word, given now when new; call inside a transaction."""
        number = self._numbers.get(text)
        if number is None:
            row = self._db.one(_SQL["word"], (text,))
            if row is None:
                with self._db.transaction() as connection:
                    row = connection.execute(_SQL["add_word"], (text,)).fetchone()
            number = self._numbers[text] = int(row[0])
        return number

    def known(self, text: str) -> int | None:
        """The number of a word, or None where no decision ever used it."""
        row = self._db.one(_SQL["word"], (text,))
        return int(row[0]) if row else None

    def text_of(self, number: int) -> str:
        """The word behind a number."""
        text = self._texts.get(number)
        if text is None:
            self._texts = dict(self._db.rows(_SQL["words"]))
            text = self._texts[number]
        return text

    def _reload(self) -> None:
        self._numbers.clear()
        self._texts.clear()
