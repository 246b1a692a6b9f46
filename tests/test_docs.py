"""What the documents say is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

from monitor.alerts.facts import facts, names, samples, template
from monitor.alerts.template import FILTERS
from monitor.app import load
from monitor.cli.init import starter_files
from monitor.cli.main import app
from monitor.cli.reference import reference
from monitor.notify.registry import CHANNEL_TYPES
from monitor.rules.load import load_rules
from monitor.tomlfile import parse

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def test_configuration_reference_is_current() -> None:
    """docs/configuration.md is what the settings say; `make docs` renews it."""
    assert (REPOSITORY / "docs" / "configuration.md").read_text(encoding="utf-8").rstrip() == reference().rstrip()


def test_shipped_configuration_and_rules_have_no_faults(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `make run` starts on is clean, without a warning; it has a dozen public feeds and the sample feed."""
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    loaded = load(REPOSITORY / "config.toml")
    assert loaded.warnings == ()
    assert list(loaded.channels) == ["terminal"]
    assert len(loaded.config.settings.feeds) >= 13
    assert len({rule.file for rule in loaded.rules}) >= 3


def test_commented_channels_of_the_shipped_configuration_are_right(tmp_path: Path) -> None:
    """Taking the # away gives channels and routes that work: no option is misspelt or missing."""
    text = (REPOSITORY / "config.toml").read_text(encoding="utf-8")
    lines = text.splitlines()
    start = lines.index("# [channels.desk]")
    end = next(number for number, line in enumerate(lines) if line.startswith("# --- Feeds"))
    section = "\n".join(line.removeprefix("# ") for line in lines[start:end] if not line.startswith("# ---"))
    secrets = {"smtp-password": "p", "slack-url": "https://hooks.slack.com/services/T0/B0/x", "webhook-secret": None}
    for name, value in secrets.items():
        (tmp_path / name).write_text(value or "whsec_" + "QUJDRA" * 8, encoding="utf-8")
    section = section.replace("/etc/news-monitor/credentials", str(tmp_path)).replace(
        '"…"', f'"{tmp_path}/webhook-secret"'
    )
    (tmp_path / "rules").mkdir()
    path = tmp_path / "config.toml"
    path.write_text(section, encoding="utf-8")
    loaded = load(path)
    assert list(loaded.channels) == ["desk", "slack", "pipeline"]
    assert [route.name for route in loaded.routing.routes] == ["desk"]
    assert loaded.ops.channels == ("pipeline",)


SECRETS: dict[str, str | dict[str, str]] = {
    "body_file": "{{ heading }}",
    "password_file": "p",
    "secret_file": "whsec_" + "QUJDRA" * 8,
    "token_file": {"slack": "xoxb-1-2", "telegram": "123456789:AAEtelegr4msecretXYZ_0123456789", "ntfy": "tk_x"},
    "topic_file": "news-abc",
    "url_file": "json://127.0.0.1/x",
    "webhook_url_file": "https://hooks.example.org/x",
}


def documented_channels() -> list[dict[str, Any]]:
    """The tables of docs/channels.md, their secrets filled in."""
    found: list[dict[str, Any]] = []
    text = (REPOSITORY / "docs" / "channels.md").read_text(encoding="utf-8")
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        for channel in tomllib.loads(block).get("channels", {}).values():
            for key in [key for key in channel if key.endswith("_file")]:
                del channel[key]
                secret = SECRETS[key]
                channel[key.removesuffix("_file")] = secret if isinstance(secret, str) else secret[channel["type"]]
            found.append(channel)
    return found


def test_every_channel_is_documented_with_an_example_that_is_valid() -> None:
    """What docs/channels.md shows can be copied, and no kind is missing."""
    examples = documented_channels()
    assert {example["type"] for example in examples} | {"terminal"} == set(CHANNEL_TYPES)
    for example in examples:
        if example["type"] != "apprise":  # an extra, which need not be there
            CHANNEL_TYPES[example["type"]].options.model_validate(example)


def test_readme_examples_are_valid() -> None:
    """The configuration and the rule in the README can be copied."""
    config, rule = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert tomllib.loads(config)["feeds"][0]["name"] == "bbc-world"
    rules, faults = load_rules([parse(rule, path="rules/leaders.toml")])
    assert faults == ()
    assert rules[0].name == "assad-leaves"


def test_readme_names_every_command() -> None:
    """The table of commands is complete."""
    group = typer.main.get_command(app)
    names = group.commands  # type: ignore[attr-defined]  # a group, as the application has commands
    for name, command in names.items():
        assert f"`{name}" in README, name
        for sub in getattr(command, "commands", {}):
            assert re.search(rf"`{name} [^`]*\b{sub}\b", README), f"{name} {sub}"


def test_starter_files_are_complete() -> None:
    """`init` has a configuration and every shipped rule file to write."""
    shipped = {f"rules/{path.name}" for path in (REPOSITORY / "rules").glob("*.toml")}
    assert set(starter_files()) == {"config.toml"} | shipped


def test_templates_are_documented_and_the_examples_work() -> None:
    """docs/channels.md has every name and filter that a template can use, and its examples can be copied."""
    text = (REPOSITORY / "docs" / "channels.md").read_text(encoding="utf-8")
    section = text.split("## Templates")[1].split("\n## ")[0]
    there = {*FILTERS, *names("html"), *facts(samples()[0], kind="html")["alert"]}
    assert {name for name in there if f"`{name}`" not in section and f"`{name}." not in section} == set()
    subject = tomllib.loads(re.findall(r"```toml\n(.*?)```", section, re.DOTALL)[0])["channels"]["desk"]["subject"]
    template(subject)
    template(re.findall(r"```jinja\n(.*?)```", section, re.DOTALL)[0])
