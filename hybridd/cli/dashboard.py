"""`hybridd dashboard`: the web process, and the tokens of programs. Starts without what only the watch needs."""

import getpass
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from hybridd.clock import Clock, SystemClock
from hybridd.config.load import examine, load
from hybridd.config.schema import Settings
from hybridd.daemon.journal import is_journal, setup_logging
from hybridd.daemon.notify import Notifier
from hybridd.dashboard import api_tokens, second_factor
from hybridd.dashboard.api_tokens import Scope
from hybridd.dashboard.roles import Role
from hybridd.errors import UsageError
from hybridd.store.database import path_of
from hybridd.store.sqlite import is_there
from hybridd.store.store import Store, open_store

log = logging.getLogger("hybridd.dashboard")

ConfigPath = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="PATH",
        readable=False,
        help="Settings file; by default /etc/hybridd.toml, else ./etc/hybridd.toml.",
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")]
EVERYWHERE = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - compared with, not listened on
HERE = frozenset({"localhost", "127.0.0.1", "::1"})

app = typer.Typer(name="dashboard", help="The web process, and tokens for programs.", invoke_without_command=True)
token_app = typer.Typer(name="token", help="Tokens for programs that call /api.", no_args_is_help=True)
app.add_typer(token_app)
factor_app = typer.Typer(name="second-factor", help="The second factor of the page's logins.", no_args_is_help=True)
app.add_typer(factor_app)


@app.callback()
def dashboard(
    context: typer.Context,
    config: ConfigPath = None,
    # For those that start this process beside them: it ends when they do, and shares their time.
    beside: Annotated[bool, typer.Option("--beside", hidden=True)] = False,
    clock_line: Annotated[str, typer.Option("--clock", hidden=True)] = "",
) -> None:
    """The web process alone: answer pages, login, interface for programs. Takes a socket of systemd's."""
    if context.invoked_subcommand is not None:
        return
    setup_logging(level="info")
    loaded = examine(config, os.environ, need_secrets=False)
    for problem in loaded.problems:
        if problem.key.startswith("dashboard."):
            log.warning("%s", problem)  # a password that cannot be had lets nobody in, and says nothing by itself
    settings = loaded.settings or load(config, os.environ, need_secrets=False)
    serve(settings, SystemClock.of_line(clock_line), beside=beside)


def serve(settings: Settings, clock: Clock, *, beside: bool = False) -> None:
    """Serve until told to end."""
    # Imported late: the tokens' commands need no server.
    from hybridd.dashboard.app import Door, make_app
    from hybridd.dashboard.desk import Desk
    from hybridd.dashboard.guard import Activity
    from hybridd.dashboard.logins import Logins
    from hybridd.dashboard.serve import Server, Serving, given_sockets, own_socket
    from hybridd.pipeline.hooks import HookBox
    from hybridd.pipeline.trading_rules import trading_rules

    page = settings.dashboard
    given = given_sockets(os.environ, os.getpid())
    sockets = given or [own_socket(page.host, page.port)]
    hashes = {
        Role.TRADER: page.password_hash.get_secret_value(),
        Role.VIEWER: page.viewer_password_hash.get_secret_value(),
    }
    with _state(settings, clock) as store:
        desk = Desk(
            store=store,
            rules=trading_rules(settings),
            clock=clock,
            broker=settings.trading.broker,
            hooks=HookBox(store) if settings.sms.enabled else None,
        )
        logins, activity = Logins(store, SystemClock(), hashes, page.session), Activity()
        made = make_app(
            desk,
            Door(hosts=hosts_of(settings), public_url=page.public_url, metrics=settings.health.metrics),
            logins,
            activity,
        )
        serving = Serving(behind_proxy=bool(page.public_url), idle_s=page.idle_exit / 1000 if given else None)
        server, notifier = Server(made, activity, serving), Notifier()
        if beside:
            threading.Thread(target=_end_with_parent, args=(server.end,), name="parent", daemon=True).start()

        def ready() -> None:
            notifier.ready()
            if not given:
                _say_where(sockets[0], logins.token())

        server.run(sockets, ready)
        notifier.close()


def hosts_of(settings: Settings) -> frozenset[str]:
    """The names by which the page may be called."""
    public = urlsplit(settings.dashboard.public_url).hostname or ""
    return frozenset({*HERE, settings.dashboard.host.lower(), public} - EVERYWHERE)


@token_app.command("add")
def add(
    name: Name,
    scope: Annotated[list[Scope], typer.Option(help="What it may do; may be given several times.")],
    config: ConfigPath = None,
) -> None:
    """Make a token; it is shown this once."""
    with _state(load(config, os.environ, need_secrets=False), SystemClock()) as store:
        token = api_tokens.add(store, name, frozenset(scope), f"cli:{getpass.getuser()}", SystemClock().now())
    typer.echo(token)
    typer.echo('It is not shown again. Use it as "Authorization: Bearer …".', err=True)


@token_app.command("list")
def list_command(
    config: ConfigPath = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """The tokens there are, without themselves."""
    with _state(load(config, os.environ, need_secrets=False), SystemClock()) as store:
        found = api_tokens.listed(store)
    if as_json:
        rows = [{"name": t.name, "scopes": sorted(t.scopes), "created_at": t.created_at} for t in found]
        typer.echo(json.dumps(rows, indent=2))
        return
    for token in found:
        typer.echo(f"{token.name}: {', '.join(sorted(token.scopes))}")
    if not found:
        typer.echo("no tokens yet")


@token_app.command("revoke")
def revoke(name: Name, config: ConfigPath = None) -> None:
    """Let a token count no longer."""
    with _state(load(config, os.environ, need_secrets=False), SystemClock()) as store:
        api_tokens.revoke(store, name, f"cli:{getpass.getuser()}", SystemClock().now())
    typer.echo(f"{name} is revoked")


@app.command("logout")
def logout(config: ConfigPath = None) -> None:
    """End every login of the page, of everybody."""
    with _state(load(config, os.environ, need_secrets=False), SystemClock()) as store, store.transaction():
        count = store.sessions.drop_all()
        store.audit.append(f"cli:{getpass.getuser()}", "logout.everywhere", "", {"count": count}, SystemClock().now())
    typer.echo(f"{count} logins are ended")


@factor_app.command("remove")
def remove_factor(role: Annotated[Role, typer.Option(help="Whose.")] = Role.TRADER, config: ConfigPath = None) -> None:
    """Ask for no code any more: for whoever has lost the app and the codes written down."""
    with _state(load(config, os.environ, need_secrets=False), SystemClock()) as store:
        if not second_factor.remove(store, role, f"cli:{getpass.getuser()}", SystemClock().now()):
            raise UsageError(f"the {role} has no second factor", remedy="nothing is left to do")
    typer.echo(f"no code is asked of the {role} any more")


@contextmanager
def _state(settings: Settings, clock: Clock) -> Iterator[Store]:
    url = settings.database.url.get_secret_value()
    path = path_of(url)
    if path is None:
        raise UsageError("a passing state is seen by nobody else", remedy="name a file in [database] url")
    if not is_there(path):
        raise UsageError(f"there is no state at {path} yet", remedy="start hybridd first: `hybridd run`")
    store = open_store(url, clock=clock, migrate=False)
    try:
        yield store
    finally:
        store.close()


def _say_where(listening: socket.socket, token: str) -> None:
    # To whoever sits before the terminal; a journal is read by others and kept.
    if is_journal(sys.stdout, os.environ.get("JOURNAL_STREAM", "")):
        return
    host, port = listening.getsockname()[:2]
    name = "127.0.0.1" if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    typer.echo(f"Dashboard: http://{name}:{port}/login/{token} (works once, on this machine)")
    sys.stdout.flush()


def _end_with_parent(end: Callable[[], None]) -> None:
    sys.stdin.buffer.read()  # whoever started us holds the other side, and lets go of it even when killed
    end()
