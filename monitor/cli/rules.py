"""`news-monitor rules`: what is looked for."""

from __future__ import annotations

import json as json_format
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import typer
from rich.text import Text

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
from monitor.cli.explained import outlined
from monitor.clock import SystemClock
from monitor.config import find_config, format_duration
from monitor.errors import UsageError
from monitor.rules.engine import RuleSet
from monitor.rules.outline import below, heading, spelled_out
from monitor.rules.rule import Rule
from monitor.rules.schema import rules_schema
from monitor.rules.syntax import render
from monitor.rules.tree import Exact, Forms, Node, Plain, TokenTest, Wildcard
from monitor.rules.trigger import in_words
from monitor.tomlfile import did_you_mean

_MAX_KEYS = 12
_NAME_WIDTH = 30

app = typer.Typer(no_args_is_help=True, help="List, show, explain and test rules.")
app.command("test")(rule_tests.run_tests)


@app.command("list")
def list_rules(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the rules of all rule files."""
    loaded = _load(config)
    if json:
        print_json([_facts(rule) for rule in loaded.rules])
        return
    made = table("name", "severity", "feeds", "channels", "tests", "query")
    # In one piece, as the other commands want it, unless that leaves too little of a narrow terminal.
    made.columns[0].no_wrap = max((len(rule.name) for rule in loaded.rules), default=0) <= _NAME_WIDTH
    now = SystemClock().now()
    for rule in loaded.rules:
        row(
            made,
            rule.name,
            f"{rule.severity}{_state(rule, now)}",
            " ".join(rule.feeds) or "all",
            " ".join(rule.channels) or "all",
            len(rule.tests),
            Text(_line(rule.query), no_wrap=True, overflow="ellipsis"),
        )
    show(made)
    if not loaded.rules:
        say("no rules")
    _tell_faults(loaded)


@app.command("show")
def show_rule(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show one rule with the place where it is written."""
    facts = _facts(_named(_load(config), name))
    if json:
        print_json(facts)
        return
    made = table("", "")
    made.show_header = False
    for label, value in facts.items():
        row(made, label, _told(value))
    show(made)


@app.command("explain")
def explain_rule(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show how a rule is understood: its query part by part, the forms of its words, its look-up, when it alerts.

    An article is tested against the rule only if it has one of the words under which the rule is looked up.
    """
    rule = _named(_load(config), name)
    keys = RuleSet.build([replace(rule, enabled=True)]).filed_under(name)
    looked_up = [f"{field}:{_key(test)}" if field else _key(test) for field, test in keys]
    if json:
        about = {"query": render(rule.tree), "outline": _tree(rule.tree), "looked_up_by": looked_up}
        print_json({"name": name, **about, "alerts": in_words(rule.trigger)})
        return
    say(f"{rule.name}  {rule.file}:{rule.line}")
    say(f"as one line: {render(rule.tree)}")
    say("")
    for line in outlined(rule.tree):
        say(line)
    say("")
    say(_looked_up(looked_up))
    say(f"alerts {in_words(rule.trigger)}")


def _looked_up(words: Sequence[str]) -> str:
    if not words:
        return "tested on every article: nothing in it has to be there as a word; add a word that must be there"
    shown = ", ".join(words[:_MAX_KEYS]) + (f" and {len(words) - _MAX_KEYS} more" if len(words) > _MAX_KEYS else "")
    return f"looked up by: {shown}"


def _key(test: TokenTest) -> str:
    match test:
        case Plain():
            return test.term
        case Exact():
            return f"={test.text}"
        case Forms():
            return f"{test.base}~"
        case Wildcard():
            return test.pattern


def _tree(node: Node) -> dict[str, object]:
    forms = spelled_out(node)
    return {
        "part": heading(node),
        **({"finds": forms} if forms else {}),
        "parts": [_tree(part) for part in below(node)],
    }


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


def _named(loaded: Loaded, name: str) -> Rule:
    rules = {rule.name: rule for rule in loaded.rules}
    if name not in rules:
        _tell_faults(loaded)
        raise UsageError(
            f"there is no rule {name!r}; {did_you_mean(name, rules) or '`news-monitor rules list` shows them'}"
        )
    return rules[name]


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
        "alerts": in_words(rule.trigger),
        "owner": rule.owner,
        "references": rule.references,
        "on_edit": rule.on_edit,
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
        case bool():
            return "yes" if value else "no"
        case _:
            return value
