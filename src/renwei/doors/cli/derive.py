"""From a request struct to command-line parameters, and back to a request.

Fields without a default are arguments, the rest options; a list is an argument that may be
repeated. The words of the help come from words.*.toml, so that they exist in both languages.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import click
import msgspec

from renwei.core.operations import Operation
from renwei.core.words import Words


class Moment(click.ParamType[datetime]):
    """An ISO 8601 time; without a zone it is taken as UTC."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Parse, or fail as wrong usage."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(str(value).strip())
        except ValueError:
            self.fail(f"{value!r}: 2026-11-20 / 2026-11-20T09:00:00Z", param, ctx)
        return at if at.tzinfo else at.replace(tzinfo=UTC)


class FilePath(click.ParamType[Path]):
    """A path; whether it exists is for the operation to say, in words."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """A path with the home directory expanded."""
        return Path(value).expanduser()


_TYPES: Mapping[Any, Any] = {
    str: click.STRING,
    int: click.INT,
    float: click.FLOAT,
    datetime: Moment(),
    Path: FilePath(),
}

_NO_DEFAULT = (None, msgspec.NODEFAULT, msgspec.UNSET, "")


def parameters(operation: Operation, words: Words, language: str) -> list[click.Parameter]:
    """The click parameters of an operation's request, in field order."""
    hints = get_type_hints(operation.request, include_extras=True)
    made: list[click.Parameter] = []
    for field in msgspec.structs.fields(operation.request):
        kind, extra = _kind(hints[field.name])
        key = f"operations.{operation.name.replace(' ', '.')}.{field.name.rstrip('_')}"
        text = words.say(key, {}, language) if words.has(key) else ""
        made.append(_parameter(field, kind, extra, text))
    return made


def request(operation: Operation, given: Mapping[str, Any]) -> Any:
    """Build the request from what click parsed; absent options keep the struct's default."""
    names = {field.name for field in msgspec.structs.fields(operation.request)}
    values = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if name in names and value is not None
    }
    try:
        return msgspec.convert(values, operation.request, dec_hook=_as_is)
    except msgspec.ValidationError as wrong:
        raise click.BadParameter(str(wrong)) from None


def _as_is(kind: type, value: Any) -> Any:
    return value if isinstance(value, kind) else kind(value)


def _parameter(
    field: msgspec.structs.FieldInfo, kind: Any, extra: Mapping[str, Any], text: str
) -> click.Parameter:
    repeated = get_origin(kind) in (list, tuple)
    if repeated:
        kind = get_args(kind)[0]
    required = field.required
    if required or extra.get("argument"):
        # click takes a default that is given, even None, for one that satisfies.
        return click.Argument(
            [field.name],
            type=_TYPES.get(kind, click.STRING),
            nargs=-1 if repeated else 1,
            required=required,
            metavar=field.name.rstrip("_").upper() + ("..." if repeated else ""),
        )
    flag = "--" + field.name.rstrip("_").replace("_", "-")
    if kind is bool:
        return click.Option([flag, field.name], is_flag=True, default=None, help=text)
    default = field.default if field.default not in _NO_DEFAULT else None
    return click.Option(
        [flag, field.name],
        type=_TYPES.get(kind, click.STRING),
        multiple=repeated,
        default=None,
        help=text + (f" [{default}]" if default is not None and not repeated else ""),
    )


def _kind(hint: Any) -> tuple[Any, Mapping[str, Any]]:
    """The bare type under Annotated and Optional, and what Meta says beside it."""
    extra: Mapping[str, Any] = {}
    while True:
        if hasattr(hint, "__metadata__"):
            for meta in hint.__metadata__:
                extra = {**extra, **(getattr(meta, "extra", None) or {})}
            hint = get_args(hint)[0]
            continue
        if get_origin(hint) in (Union, types.UnionType):
            rest = [one for one in get_args(hint) if one is not type(None)]
            hint = rest[0]
            continue
        return hint, extra
