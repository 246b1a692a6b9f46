"""`news-monitor rules`: what is looked for."""

from __future__ import annotations

import json as json_format
from datetime import datetime, timedelta

import typer

from monitor.app import Loaded, load
from monitor.cli import rule_tests
from monitor.cli.common import (
    ConfigOption,
    JsonOption,
    complain,
    plural,
    print_json,
    row,
    say,
    show,
    stored_feeds,
    table,
)
from monitor.clock import SystemClock
from monitor.config import find_config, format_duration
from monitor.errors import UsageError
from monitor.rules.rule import Rule
from monitor.rules.schema import rules_schema
from monitor.tomlfile import did_you_mean

app = typer.Typer(no_args_is_help=True, help="List, show and test rules.")
app.command("test")(rule_tests.run_tests)


@app.command("list")
def list_rules(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the rules of all rule files."""
    loaded = _load(config)
    if json:
        print_json([_facts(rule) for rule in loaded.rules])
        return
    made = table("name", "severity", "feeds", "channels", "tests", "query")
    now = SystemClock().now()
    for rule in loaded.rules:
        row(
            made,
            rule.name,
            f"{rule.severity}{_state(rule, now)}",
            " ".join(rule.feeds) or "all",
            " ".join(rule.channels) or "all",
            len(rule.tests),
            _line(rule.query),
        )
    show(made)
    if not loaded.rules:
        say("no rules")
    _tell_faults(loaded)


@app.command("show")
def show_rule(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show one rule with the place where it is written."""
    loaded = _load(config)
    rules = {rule.name: rule for rule in loaded.rules}
    rule = rules.get(name)
    if rule is None:
        _tell_faults(loaded)
        raise UsageError(
            f"there is no rule {name!r}; {did_you_mean(name, rules) or '`news-monitor rules list` shows them'}"
        )
    facts = _facts(rule)
    if json:
        print_json(facts)
        return
    made = table("", "")
    made.show_header = False
    for label, value in facts.items():
        row(made, label, _told(value))
    show(made)


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of rule files, for editors.

    Write it beside the rules, and name it in the first line of each file: #:schema ./rules.schema.json
    """
    say(schema_text())


def schema_text() -> str:
    """All of docs/rules.schema.json, without a line end."""
    return json_format.dumps(rules_schema(), ensure_ascii=False, indent=2)


def _load(config: ConfigOption) -> Loaded:
    return load(find_config(config), added_feeds=stored_feeds)


def _tell_faults(loaded: Loaded) -> None:
    if loaded.faults:
        count = plural(len(loaded.faults), "fault")
        complain(f"{count} in the rule files, so not all rules are used; `news-monitor check` tells more")


def _state(rule: Rule, now: datetime) -> str:
    if not rule.enabled:
        return " (disabled)"
    return " (expired)" if rule.expires is not None and rule.expires <= now else ""


def _line(query: str) -> str:
    return " ".join(query.split())


def _facts(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "title": rule.title,
        "description": rule.description,
        "query": _line(rule.query),
        "feeds": rule.feeds or ("all",),
        "channels": rule.channels or ("all",),
        "severity": str(rule.severity),
        "enabled": rule.enabled,
        "expires": rule.expires,
        "max_age": rule.max_age,
        "language": rule.language,
        "owner": rule.owner,
        "references": rule.references,
        "tests": len(rule.tests),
        "file": f"{rule.file}:{rule.line}",
    }


def _told(value: object) -> object:
    match value:
        case tuple():
            return ", ".join(value)
        case datetime():
            return f"{value:%Y-%m-%d %H:%M} UTC"
        case timedelta():
            return format_duration(value)
        case None:
            return ""
        case _:
            return value
