"""How feeds are asked, in config.toml: headers, logins, proxies, and where their secrets may stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.app.build import user_agent
from monitor.config import check_feed_url, load_config
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config import Config
    from monitor.model import FeedOptions

FEED = """
[[feeds]]
name = "one"
url = "https://example.org/feed"
"""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine may reach a test."""
    for name in ("STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NEWS_MONITOR_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def loaded(folder: Path, text: str, *, mode: int = 0o600) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return load_config(path)


def options(folder: Path, lines: str) -> FeedOptions:
    return loaded(folder, FEED + lines).feed_options()["one"]


def fault(folder: Path, text: str) -> str:
    """The only fault, with its place."""
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text)
    (found,) = caught.value.faults
    return str(found)


def test_what_is_said_of_a_feed_is_how_it_is_asked(tmp_path: Path) -> None:
    """All keys reach the options, which never show what is secret."""
    found = options(
        tmp_path,
        """
        user_agent = "Mozilla/5.0"
        headers = { X-Api-Key = "k3y", Accept-Language = "de" }
        username = "desk"
        password = "pass"
        proxy = "http://u:prox@proxy.example.org:3128"
        http2 = true
        """,
    )
    assert (found.user_agent, found.username, found.password, found.http2) == ("Mozilla/5.0", "desk", "pass", True)
    assert found.headers == (("X-Api-Key", "k3y"), ("Accept-Language", "de"))
    assert found.proxy == "http://u:prox@proxy.example.org:3128"
    assert not any(secret in repr(found) for secret in ("k3y", "pass", "prox"))


def test_secrets_of_a_feed_come_from_files_and_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for channels; a credential is named by the feed, for its number in the file changes."""
    (tmp_path / "pw").write_text("from a file\n")
    assert options(tmp_path, 'username = "desk"\npassword_file = "pw"').password == "from a file"
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "feeds.one.token").write_text("cre.dential\n")
    (tmp_path / "credentials" / "polling.proxy").write_text("http://proxy.example.org:3128\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    config = loaded(tmp_path, '[[feeds]]\nname = "zero"\nurl = "sample:"\n' + FEED)
    assert config.feed_options()["one"].token == "cre.dential"
    assert config.feed_options()["zero"].token == ""
    assert config.settings.polling.proxy is not None
    assert config.settings.polling.proxy.get_secret_value() == "http://proxy.example.org:3128"


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('username = "desk"', "username without password: set password or password_file"),
        ('password = "s3cret"', "password without username"),
        ('username = "a:b"\npassword = "s3cret"', "has a colon"),
        ('username = "desk"\npassword = "s3cret"\ntoken = "t"', "username and token are several logins"),
        ('token = "s3cret"\nheaders = { authorization = "x" }', "token and a header Authorization are several logins"),
        ('token = "Bearer s3cret"', "without the word Bearer"),
        ('headers = { "X Key" = "s3cret" }', "'X Key' is not a header name"),
        ('headers = { "" = "s3cret" }', "is not a header name"),
        ('headers = { Host = "s3cret" }', "Host is set by news-monitor itself"),
        ('headers = { If-None-Match = "s3cret" }', "If-None-Match is set by news-monitor itself"),
        ('headers = { accept-encoding = "s3cret" }', "accept-encoding is set by news-monitor itself"),
        ('headers = { User-Agent = "s3cret" }', "set user_agent instead"),
        ('headers = { X-Key = "s3cret\\r\\nHost: evil" }', "the value of X-Key must be printable ASCII on one line"),
        ('headers = { X-Key = "1", x-key = "2" }', "the same header twice"),
        ('headers = "s3cret"', "must be a table"),
        ('user_agent = "a\\nb"', "must be printable ASCII on one line"),
        ('proxy = "socks5://u:s3cret@127.0.0.1"', "must be an http or https URL"),
        ('proxy = "http://[s3cret"', "is no URL"),
        ('password_file = "none"\nusername = "x"', "cannot read"),
        ('token = "s3cret"\ntoken_file = "/dev/null"', "stands beside token_file"),
    ],
)
def test_what_cannot_be_sent_is_told_and_no_secret_shown(tmp_path: Path, lines: str, told: str) -> None:
    """Each names the feed, says what is wrong, and keeps the secret to itself."""
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, FEED + lines)
    said = "\n".join(str(found) for found in caught.value.faults)
    assert told in said
    assert "feeds[0]" in said
    assert "s3cret" not in said


def test_two_logins_for_one_feed_in_its_url_and_beside_it(tmp_path: Path) -> None:
    """A login in the URL works; with another it is not clear which is meant."""
    with_login = FEED.replace("https://", "https://desk:s3cret@")
    assert loaded(tmp_path, with_login).feed_options()["one"].username == ""
    assert "a login in the url" in fault(tmp_path, with_login + 'token = "t"')


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('allow = ["10.0.0.1/8"]', "host bits set"),
        ('contact = "somewhere"', "must be a mail address or a URL"),
        ('contact = "a@b.example (me)"', "must be a mail address or a URL"),
        ('contact = "a@b.example\\nX: y"', "printable ASCII"),
        ('proxy = "proxy.example.org:3128"', "must be an http or https URL"),
    ],
)
def test_wrong_polling_keys(tmp_path: Path, lines: str, told: str) -> None:
    """Found when the file is read, not at the first poll."""
    said = fault(tmp_path, f"[polling]\n{lines}\n{FEED}")
    assert told in said
    assert "polling." in said


def test_publishers_are_told_how_to_reach_the_operator(tmp_path: Path) -> None:
    """An honest name with a contact, unless the user says something else altogether."""

    def said(lines: str) -> str:
        return user_agent(loaded(tmp_path, f"[polling]\n{lines}\n{FEED}").settings.polling)

    assert said("").endswith(" (RSS monitor)")
    contact = said('contact = "desk@example.org"')
    assert contact.startswith("news-monitor/")
    assert contact.endswith(" (RSS monitor; contact: desk@example.org)")
    assert said('user_agent = "own"\ncontact = "a@b"') == "own"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (FEED + 'token = "t"', ["feeds[0].token"]),
        (FEED + 'username = "u"\npassword = "p"', ["feeds[0].password"]),
        (FEED + 'headers = { X-Api-Key = "k" }', ["feeds[0].headers"]),
        (FEED + 'headers = { Accept-Language = "de" }', []),
        (FEED.replace("https://", "https://u:p@"), ["feeds[0].url"]),
        (FEED + 'proxy = "http://proxy:3128"', []),
        ('[polling]\nproxy = "http://u:p@proxy:3128"\n' + FEED, ["polling.proxy"]),
    ],
)
def test_secrets_of_feeds_in_a_file_that_everyone_may_read(tmp_path: Path, text: str, where: list[str]) -> None:
    """Warned of as those of channels are; what is no secret is not."""
    assert [warning.where for warning in loaded(tmp_path, text, mode=0o644).warnings] == where
    assert loaded(tmp_path, text).warnings == ()


@pytest.mark.parametrize("url", ["ftp://me:secret@example.org/f", "https://me:secret@/f", "http://me:secret@[x/f"])
def test_a_feed_url_that_is_refused_is_shown_without_its_login(url: str) -> None:
    """What `check` prints ends up in logs of others."""
    with pytest.raises(ValueError, match=r"URL|http|host") as refused:
        check_feed_url(url)
    assert "secret" not in str(refused.value)
