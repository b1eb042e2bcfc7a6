"""Worked out when first asked, of things that live as long as one request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from functools import cached_property as lazily
else:

    class lazily:  # noqa: N801 - read as the decorator that it is
        """`cached_property` without its lock.

        Until Python 3.12 one lock is shared by all instances of a class: requests that have
        nothing in common would wait for each other's lists.
        """

        def __init__(self, work_out: Callable[[Any], Any]) -> None:
            self._work_out, self.__doc__ = work_out, work_out.__doc__

        def __set_name__(self, owner: type, name: str) -> None:
            self._name = name

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            if instance is None:
                return self
            # Found in the instance from now on: this is asked only once.
            found = instance.__dict__[self._name] = self._work_out(instance)
            return found


__all__ = ["lazily"]
