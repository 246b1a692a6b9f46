"""`news-monitor`: the commands put together, and what an exception becomes on the way out."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from monitor import __version__
from monitor.cli import (
    channels,
    check,
    deliveries,
    demo,
    feeds,
    init,
    poll,
    rules,
    run,
    settings,
    silences,
    status,
    stories,
    try_query,
    why,
)
from monitor.cli.common import ExitStatus, complain, print_faults
from monitor.errors import ConfigError, MonitorError, UsageError

app = typer.Typer(
    name="news-monitor",
    help="Watches news feeds and sends the sentences that matched your rules to mail, chat, phones or webhooks.",
    epilog="Exit status: 0 ok, 1 failed, 2 usage, 78 configuration.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("init")(init.init)
app.command("run")(run.run)
app.command("demo")(demo.demo)
app.command("check")(check.check)
app.command("poll")(poll.poll)
app.add_typer(feeds.app, name="feeds")
app.add_typer(rules.app, name="rules")
app.command("try")(try_query.try_query)
app.command("why")(why.why)
app.add_typer(stories.app, name="stories")
app.add_typer(channels.app, name="channels")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(silences.app, name="silences")
app.command("status")(status.status)
app.add_typer(settings.app, name="config")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"news-monitor {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Watches news feeds and sends the sentences that matched your rules to mail, chat, phones or webhooks."""


def main() -> None:
    """Run the command line and exit with its status; nothing but a bug ends in a traceback."""
    try:
        # typer itself exits: 0, 2 for wrong usage, 130 after Ctrl-C, 1 when the reader of a pipe has gone.
        app(prog_name="news-monitor")
    except ConfigError as error:
        print_faults(error)
        sys.exit(ExitStatus.CONFIG)
    except UsageError as error:
        complain(f"error: {error}")
        sys.exit(ExitStatus.USAGE)
    except MonitorError as error:
        complain(f"error: {error}")
        sys.exit(ExitStatus.FAILED)
