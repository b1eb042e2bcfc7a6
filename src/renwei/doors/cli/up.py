"""`renwei up`: serve the console, the API and ingest from one process.

Binds loopback only unless told otherwise. Nothing is open to the network by accident.
"""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
import webbrowser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from renwei.app import build
from renwei.core.errors import BadInput, Unavailable
from renwei.doors.cli import faults, run

if TYPE_CHECKING:
    from renwei.doors.console.handover import Handover

LINK = "RENWEI_OWNER_LINK"
"""How one server of this process tells the next of the link its owner begins with."""
HOST, PORT = "127.0.0.1", 8400
PARTS = {"all": ("serving", "working"), "serve": ("serving",), "work": ("working",)}


def command(lang: str, own: list[click.Option]) -> click.Command:
    """The command, with words of one language."""

    def say(key: str, **values: Any) -> str:
        return build.words().say(f"cli.up.{key}", values, lang)

    return click.Command(
        "up",
        callback=lambda **given: serve(**{**given, "lang": lang}),
        help=say("help"),
        short_help=say("help").partition("\n")[0],
        params=[
            click.Option(["--host"], default=HOST, help=say("host") + f" [{HOST}]"),
            click.Option(["--port"], type=click.INT, default=PORT, help=say("port") + f" [{PORT}]"),
            click.Option(["--no-browser"], is_flag=True, help=say("no_browser")),
            click.Option(
                ["--only"], type=click.Choice(tuple(PARTS)), default="all", help=say("only")
            ),
            click.Option(["--demo"], is_flag=True, help=say("demo")),
            click.Option(["--behind"], multiple=True, help=say("behind")),
            click.Option(["--hands"], type=click.IntRange(0, 64), help=say("hands")),
            *own,
        ],
    )


def serve(*, lang: str, host: str, port: int, no_browser: bool, only: str, **given: Any) -> None:
    """Open the workspace, bind the port, serve until told to stop.

    Where a page asked for the other shop, the demo or one's own, its server takes the place
    of this one: same process, same address.

    Raises:
        Unavailable: port_taken, port_refused, or what opening the directory says.
        BadInput: bad_host, bad_proxy.
    """

    def greet(url: str, first: str) -> None:
        if _own(given, "as_json"):
            faults.out({"url": url, "welcome": first, "directory": str(directory)})
        if not no_browser and sys.stdout.isatty():
            webbrowser.open(first or url)

    demo = bool(given["demo"])
    directory = run.directory_of(_own(given, "data"), demo=demo)
    # Whoever cannot have the port should not wait for the demo to be generated.
    listening = _listen(host, port, directory, only) if only != "work" else None
    at = listening.getsockname()[:2] if listening else (host, port)
    try:
        if demo:
            _demo(directory, lang)
        over = _run(
            directory,
            listening,
            lang,
            only=only,
            given=given,
            greet=greet,
        )
    finally:
        if listening:
            listening.close()
    if over is not None and over.wanted:
        behind = [word for one in given["behind"] for word in ("--behind", one)]
        hands = [] if given["hands"] is None else ["--hands", str(given["hands"])]
        where = ["--host", str(at[0]), "--port", str(at[1]), "--only", only, *behind, *hands]
        _replace(
            over.other if demo else directory,
            ["--lang", lang, "up", *where],
            link=over.link,
            demo=not demo,
        )


def _replace(own: Path, words: list[str], *, link: str, demo: bool) -> NoReturn:
    """Become the server of the other shop; the demo is told where one's own shop lies."""
    command = [sys.executable, "-m", "renwei", *words, "--no-browser"]
    env = os.environ | {"RENWEI_DATA": str(own), LINK: link}
    sys.stdout.flush()
    sys.stderr.flush()
    # Our own program with fixed words: no shell reads them.
    os.execve(sys.executable, [*command, *(["--demo"] if demo else [])], env)  # noqa: S606 # nosec B606


def _own(given: dict[str, Any], name: str) -> Any:
    """--data and --json may stand before the command or after it."""
    parent = click.get_current_context().parent
    return given.get(name) or (parent.params.get(name) if parent else None)


def _demo(directory: Path, lang: str) -> None:
    operation = build.operations()["demo"]
    with run.shown_progress(lang) as progress:
        run.answer_of(operation, operation.request(), directory, lang=lang, progress=progress)


def _listen(host: str, port: int, directory: Path, only: str) -> socket.socket:
    from renwei.stores.lock import doing

    try:
        return _bind(host, port)
    except Unavailable:
        # Another port would not help whoever started the same server twice.
        if directory.exists():
            with doing(directory, PARTS[only], wait_s=0):
                raise
        raise


def _bind(host: str, port: int) -> socket.socket:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise BadInput("bad_host", found=host) from None
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((str(address), port))
    except OSError as error:
        listening.close()
        code = "port_refused" if isinstance(error, PermissionError) else "port_taken"
        raise Unavailable(code, host=host, port=port, other=port + 1) from None
    except OverflowError:
        listening.close()
        raise BadInput("bad_port", found=port) from None
    listening.listen(2048)
    listening.setblocking(False)
    return listening


def _run(
    directory: Path,
    listening: socket.socket | None,
    lang: str,
    *,
    only: str,
    given: Mapping[str, Any],
    greet: Callable[[str, str], None],
) -> Handover | None:
    from renwei.app.house import open_house
    from renwei.app.logs import writing
    from renwei.doors.console import handover
    from renwei.doors.http.hands import processors
    from renwei.doors.http.serving import serve_until_stopped, wait_until_stopped
    from renwei.stores.lock import doing

    proxies = [_proxy(one) for one in given["behind"]]
    where = _url(listening) if listening else "--only work"
    with (
        doing(directory, PARTS[only], where=where),
        open_house(directory, work=only != "serve", serve=only != "work") as house,
        writing(directory / "logs"),
    ):
        if listening is None:
            click.echo(
                build.words().say("cli.up.working", {"path": str(directory)}, lang), err=True
            )
            wait_until_stopped()
            return None
        if only != "serve":
            house.ahead.start()
        first = _first_path(house, where)
        _announce(where, first, directory, lang)
        greet(where, first)
        over = handover.Handover(run.directory_of(None, demo=not given["demo"]), _interrupt)
        handover.offer(house, over)
        try:
            most = processors() if given["hands"] is None else given["hands"]
            serve_until_stopped(house, listening, proxies=proxies, hands=most)
        except KeyboardInterrupt:
            if not over.wanted:
                raise
        return over


def _interrupt() -> None:
    # As Ctrl+C does: what is under way ends first.
    os.kill(os.getpid(), signal.SIGINT)


def _proxy(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise BadInput("bad_proxy", found=text) from None


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    address = ipaddress.ip_address(host)
    # Whoever listens everywhere is reached here by the loopback address.
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"


def _first_path(house: Any, url: str) -> str:
    """Where the owner begins: the one-time link, as long as there is no owner."""
    from renwei.trust.accounts import first_welcome

    given = os.environ.pop(LINK, "")
    if house.demo:
        return ""
    # A second link would end the one that a browser is on its way to.
    token = given or first_welcome(house.shop(), house.clock.now())
    return f"{url}/welcome/{token}" if token else ""


def _announce(url: str, first: str, directory: Path, lang: str) -> None:
    words = build.words()
    click.echo(words.say("cli.up.serving", {"url": url, "path": str(directory)}, lang), err=True)
    if first:
        # Whoever reads this terminal owns the machine; the link works once, for a day.
        click.echo(words.say("cli.up.welcome", {"url": first}, lang), err=True)
    host = url.partition("//")[2].rpartition(":")[0]
    if host not in ("127.0.0.1", "[::1]", "localhost"):
        click.echo(words.say("cli.up.open_to_network", {"host": host}, lang), err=True)
