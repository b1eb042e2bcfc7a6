"""`renwei ...`: every operation as a command, human by default, `--json` for machines.

Exit 0 done (also with refused rows), 1 refused or failed, 2 wrong usage. With --json stdout
holds exactly one object on one line; progress, warnings and logs go to stderr. Nobody ever
sees a traceback unless RENWEI_DEBUG is set.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import click

import renwei
from renwei.app import build
from renwei.core.errors import RenweiError
from renwei.core.operations import Operation
from renwei.doors.cli import derive, faults, language, run, up

OWN = ("data", "as_json", "lang", "yes")


class Tree(click.Group):
    """A group that guesses what a mistyped command meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with a suggestion in the error."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            raise faults.UnknownCommand(args[0], sorted(self.commands), ctx) from None


def command_tree(lang: str) -> Tree:
    """The whole command line in one language.

    Example:
        >>> sorted(command_tree("en").commands)[:2]
        ['autonomy', 'consent']
    """
    words = build.words()
    tree = Tree(
        "renwei",
        help=words.say("cli.help", {}, lang),
        params=[*_own(lang, destroys=False), _version()],
        epilog=words.say("cli.epilog", {}, lang),
    )
    for name, operation in sorted(build.operations().items()):
        group, _, leaf = name.rpartition(" ")
        parent = _group(tree, group, lang) if group else tree
        parent.add_command(_command(operation, leaf, lang))
    tree.add_command(up.command(lang, _own(lang, destroys=False)))
    return tree


def _group(tree: Tree, name: str, lang: str) -> Tree:
    found = tree.commands.get(name)
    if isinstance(found, Tree):
        return found
    if found is not None:
        # An operation and the beginning of others ("report", "report rows"): both are meant.
        made = _both(found)
        tree.add_command(made)
        return made
    text = build.words().say(f"groups.{name}", {}, lang)
    made = Tree(name, help=text, params=list(_own(lang, destroys=False)))
    tree.add_command(made)
    return made


def _both(command: click.Command) -> Tree:
    def call(**given: Any) -> None:
        if click.get_current_context().invoked_subcommand is None and command.callback:
            command.callback(**given)

    return Tree(
        command.name,
        callback=call,
        invoke_without_command=True,
        help=command.help,
        short_help=command.short_help,
        params=list(command.params),
    )


def _command(operation: Operation, leaf: str, lang: str) -> click.Command:
    words = build.words()
    text = words.say(f"operations.{operation.name.replace(' ', '.')}.help", {}, lang)

    def call(**given: Any) -> None:
        run.run(operation, given, _inherited(click.get_current_context(), given), lang)

    return click.Command(
        leaf,
        callback=call,
        help=re.sub(r"\s*(Example:|示?例：)", "\n\n\b\n\\1", text),
        short_help=text.partition("\n")[0],
        params=[
            *derive.parameters(operation, words, lang),
            *_own(lang, destroys=operation.destroys),
        ],
    )


def _own(lang: str, *, destroys: bool) -> list[click.Option]:
    def say(key: str) -> str:
        return build.words().say(f"cli.{key}", {}, lang)

    options = [
        click.Option(["--data", "data"], type=derive.FilePath(), help=say("data")),
        click.Option(["--json", "as_json"], is_flag=True, default=None, help=say("json")),
        click.Option(["--lang", "lang"], type=click.Choice(["zh", "en"]), help=say("lang")),
    ]
    if destroys:
        options.append(click.Option(["--yes", "yes"], is_flag=True, default=None, help=say("yes")))
    return options


def _version() -> click.Option:
    def show(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            click.echo(f"renwei {renwei.__version__}")
            ctx.exit()

    return click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=show
    )


def _inherited(ctx: click.Context, given: dict[str, Any]) -> dict[str, Any]:
    """--data, --json and --yes may stand before or after the command; the nearest wins."""
    own = {name: given.pop(name, None) for name in OWN}
    parent = ctx.parent
    while parent is not None:
        for name in OWN:
            if own[name] is None:
                own[name] = parent.params.get(name)
        parent = parent.parent
    return own


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit."""
    given = list(sys.argv[1:] if argv is None else argv)
    lang = language.chosen(given)
    as_json = "--json" in given
    try:
        code = command_tree(lang).main(given, prog_name="renwei", standalone_mode=False)
        status = code if isinstance(code, int) else 0
    except click.exceptions.Exit as done:
        status = done.exit_code
    except click.UsageError as wrong:
        status = faults.usage(wrong, lang, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        status = faults.stopped(lang)
    except RenweiError as fault:
        status = faults.refused(fault, lang, as_json=as_json)
    except BrokenPipeError:
        # Whoever read our output has gone; saying so would only fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 1
    except Exception as broken:
        if os.environ.get("RENWEI_DEBUG"):
            raise
        status = faults.unexpected(broken, lang, as_json=as_json)
    sys.exit(status)
