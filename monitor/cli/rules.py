"""`news-monitor rules`: what is looked for."""

from __future__ import annotations

import typer

from monitor.app import load
from monitor.cli.common import ConfigOption, JsonOption, print_json, row, say, show, stored_feeds, table
from monitor.config import find_config
from monitor.errors import UsageError
from monitor.rules.load import Rule
from monitor.tomlfile import did_you_mean

app = typer.Typer(no_args_is_help=True, help="List and show rules.")


@app.command("list")
def list_rules(config: ConfigOption = None, json: JsonOption = False) -> None:
    """List the rules of all rule files."""
    rules = _rules(config)
    if json:
        print_json([_facts(rule) for rule in rules])
        return
    made = table("name", "severity", "feeds", "channels", "query")
    for rule in rules:
        severity = rule.severity if rule.enabled else f"{rule.severity} (disabled)"
        row(
            made,
            rule.name,
            severity,
            " ".join(rule.feeds) or "all",
            " ".join(rule.channels) or "all",
            _line(rule.query),
        )
    show(made)
    if not rules:
        say("no rules")


@app.command("show")
def show_rule(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show one rule with the place where it is written."""
    rules = {rule.name: rule for rule in _rules(config)}
    rule = rules.get(name)
    if rule is None:
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
        row(made, label, ", ".join(value) if isinstance(value, tuple) else value)
    show(made)


def _rules(config: ConfigOption) -> tuple[Rule, ...]:
    path = find_config(config)
    return load(path, added_feeds=stored_feeds).rules


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
        "file": f"{rule.file}:{rule.line}",
    }
