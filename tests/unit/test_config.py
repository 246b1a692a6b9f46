"""config.toml, environment and credentials: what a user gets for a good file, and what is said of a bad one."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath, SecretStr

from monitor.app import load
from monitor.config import Config, find_config, format_duration, load_config, parse_duration, read_options
from monitor.errors import ConfigError, Fault

MINIMAL = """
[[feeds]]
name = "one"
url = "https://example.org/feed"
tags = ["World"]
"""


class Options(BaseModel):
    """A channel's options, as a notifier declares them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    password: SecretStr | None = None
    to: tuple[str, ...] = ()
    port: int = 25
    timeout: timedelta = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the machine may reach a test."""
    for name in ("STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NEWS_MONITOR_CONFIG"):
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def faults_of(path: Path) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return caught.value.faults


def test_defaults_and_feeds(tmp_path: Path) -> None:
    """A file that names one feed is enough; everything else has a default, and paths count from the file's folder."""
    config = load_config(write(tmp_path, MINIMAL))
    (spec,) = config.feed_specs()
    assert (spec.name, spec.url, spec.tags) == ("one", "https://example.org/feed", ("world",))
    assert spec.interval == timedelta(minutes=10)
    assert config.rules_folder == tmp_path / "rules"
    assert config.store_url == f"sqlite:///{tmp_path}/state/news-monitor.db"


def test_every_fault_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    """A file with many faults is not a guessing game of one message a run."""
    path = write(
        tmp_path,
        """\
rulez = "x"
[polling]
intervall = "3m"
concurrency = 0
deadline = 30
max_body = "lots"
[[feeds]]
name = "a"
[[feeds]]
name = "a/b"
url = "ftp://x"
tags = "x"
""",
    )
    told = {(fault.line, fault.where): f"{fault.message} {fault.hint}" for fault in faults_of(path)}
    assert 'did you mean "rules"' in told[1, "rulez"]
    assert 'did you mean "interval"' in told[3, "polling.intervall"]
    assert "at least 1" in told[4, "polling.concurrency"]
    assert '"30s"' in told[5, "polling.deadline"]
    assert "10 MB" in told[6, "polling.max_body"]
    assert "missing" in told[7, "feeds[0].url"]
    assert "letters" in told[10, "feeds[1].name"]
    assert "http" in told[11, "feeds[1].url"]
    assert "list" in told[12, "feeds[1].tags"]


def test_broken_toml_names_line_and_column(tmp_path: Path) -> None:
    """A syntax error points at its place and shows the line."""
    (fault,) = faults_of(write(tmp_path, 'rules = "x"\n[polling\ninterval = "1m"\n'))
    assert fault.line == 2
    assert "[polling" in str(fault)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINIMAL + MINIMAL, "is the name of feeds[0] already"),
        (MINIMAL + MINIMAL.replace('"one"', '"two"'), "has this URL already"),
        (MINIMAL + 'interval = "1s"', "shorter than polling.min_interval"),
        (MINIMAL + '[polling]\ninterval = "1s"', "shorter than polling.min_interval"),
        (MINIMAL + '[polling]\nuser_agent = "a\\nb"', "printable"),
        (MINIMAL + '[log]\nlevel = "loud"', "'debug', 'info'"),
        (MINIMAL.replace("https://example.org/feed", "https://"), "names no host"),
        (MINIMAL.replace("https://example.org/feed", "https://[::1/feed"), "is no URL"),
    ],
)
def test_what_does_not_fit_together_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Names and URLs are unique, and nobody polls more often than allowed."""
    assert any(said in fault.message for fault in faults_of(write(tmp_path, text)))


WEB = '[web]\nlisten = "127.0.0.1:8099"\npublic_url = "https://alerts.example.org/websub/"\n'


def test_a_feed_that_hubs_tell_of(tmp_path: Path) -> None:
    """With an address to listen on and one for the hubs, `websub` is an option of the feed."""
    config = load_config(write(tmp_path, MINIMAL + "websub = true\n" + WEB))
    assert config.feed_options()["one"].websub
    assert config.settings.web.public_url == "https://alerts.example.org/websub"
    assert not load_config(write(tmp_path, MINIMAL)).feed_options()["one"].websub


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        (MINIMAL + "websub = true", "feeds[0].websub", "needs web.listen and web.public_url"),
        (MINIMAL + 'websub = true\n[web]\nlisten = "127.0.0.1:1"', "feeds[0].websub", "needs web.public_url"),
        ('[web]\npublic_url = "https://a.example/w"', "web.public_url", "needs web.listen"),
        ('[web]\nlisten = "[::1]:8099"', "web.listen", "needs web.public_url"),
        (WEB.replace("127.0.0.1:8099", "8099"), "web.listen", "write host and port"),
        (WEB.replace("127.0.0.1:8099", "::1:8099"), "web.listen", "write host and port"),
        (WEB.replace("127.0.0.1:8099", "localhost:http"), "web.listen", "write host and port"),
        (WEB.replace("127.0.0.1:8099", "localhost:0"), "web.listen", "no port 0"),
        (WEB.replace("127.0.0.1:8099", "localhost:65536"), "web.listen", "no port 65536"),
        (WEB.replace("https://alerts", "ftp://alerts"), "web.public_url", "must start with http"),
        (WEB.replace("https://alerts", "https://me:pw@alerts"), "web.public_url", "without a login"),
        (WEB.replace("websub/", "websub?a=b"), "web.public_url", "without a login, ?"),
        (WEB.replace("websub/", "web{sub}"), "web.public_url", "letters, digits"),
        (WEB.replace("https://alerts.example.org/websub/", "sample:"), "web.public_url", "http or https"),
    ],
)
def test_hubs_need_a_way_in(tmp_path: Path, text: str, where: str, said: str) -> None:
    """A feed that nobody could tell of, and an address that nobody could call, are told with their key."""
    text = text if MINIMAL in text else MINIMAL + text
    assert [where for fault in faults_of(write(tmp_path, text)) if fault.where == where and said in fault.message]


def test_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key has a variable, in tables as well, and it wins."""
    monkeypatch.setenv("NEWS_MONITOR_POLLING__INTERVAL", "5m")
    monkeypatch.setenv("NEWS_MONITOR_RULES", "elsewhere")
    monkeypatch.setenv("NEWS_MONITOR_CHANNELS__DESK__PORT", "587")
    text = MINIMAL + '[polling]\ninterval = "7m"\n[channels.desk]\ntype = "x"\nport = 25'
    config = load_config(write(tmp_path, text))
    assert config.settings.polling.interval == timedelta(minutes=5)
    assert config.rules_folder == tmp_path / "elsewhere"
    assert config.settings.channels["desk"] == {"type": "x", "port": "587"}


def test_faults_in_the_environment_are_blamed_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong variable is named as such, also one that pydantic-settings would pass over in silence."""
    monkeypatch.setenv("NEWS_MONITOR_POLLING__INTERVAL", "soon")
    monkeypatch.setenv("NEWS_MONITOR_POLING__INTERVAL", "5m")
    told = {fault.where: fault for fault in faults_of(write(tmp_path, MINIMAL))}
    assert told["NEWS_MONITOR_POLLING__INTERVAL"].source == "environment"
    assert 'did you mean "polling"' in told["NEWS_MONITOR_POLING__INTERVAL"].hint


def options_of(config: Config) -> Options:
    return read_options(Options, config.settings.channels["desk"], key=("channels", "desk"), config=config)


def test_secret_from_a_file_and_from_a_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret need not stand in the file; systemd's credential goes before `password_file`."""
    (tmp_path / "secret").write_text("from file\n")
    text = MINIMAL + f'[channels.desk]\ntype = "x"\npassword_file = "{tmp_path}/secret"'
    path = write(tmp_path, text)
    password = options_of(load_config(path)).password
    assert password is not None
    assert password.get_secret_value() == "from file"
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "channels.desk.password").write_text("from systemd")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    password = options_of(load_config(path)).password
    assert password is not None
    assert password.get_secret_value() == "from systemd"


def test_store_url_is_a_secret_too(tmp_path: Path) -> None:
    """A database password can be kept in a file, and no representation of the settings shows it."""
    (tmp_path / "url").write_text("postgresql://u:hunter2@db/news")
    config = load_config(write(tmp_path, MINIMAL + f'[store]\nurl_file = "{tmp_path}/url"'))
    assert config.store_url == "postgresql://u:hunter2@db/news"
    assert "hunter2" not in repr(config.settings)


def test_channel_options_take_durations_and_lists_from_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the environment can only give as text arrives as the type it stands for."""
    monkeypatch.setenv("NEWS_MONITOR_CHANNELS__DESK__TO", "a@example.org, b@example.org")
    config = load_config(write(tmp_path, MINIMAL + '[channels.desk]\ntype = "x"\ntimeout = "1m"'))
    options = options_of(config)
    assert options.to == ("a@example.org", "b@example.org")
    assert options.timeout == timedelta(minutes=1)


def test_faults_of_channel_options_name_the_key_and_never_the_secret(tmp_path: Path) -> None:
    """A wrong option is told like any other key; a secret of the wrong kind is not repeated."""
    text = (
        MINIMAL
        + '[channels.desk]\ntype = "x"\npasword = "hunter2"\nport = "many"\ntimeout = "soon"\npassword = ["hunter2"]'
    )
    config = load_config(write(tmp_path, text))
    with pytest.raises(ConfigError) as caught:
        options_of(config)
    told = {fault.where: str(fault) for fault in caught.value.faults}
    assert 'did you mean "password"' in told["channels.desk.pasword"]
    assert "whole number" in told["channels.desk.port"]
    assert "duration" in told["channels.desk.timeout"]
    assert "hunter2" not in told["channels.desk.password"]


def test_paths_of_a_channel_count_from_the_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the program is started: a service starts in /."""
    monkeypatch.chdir("/")
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "secret").write_text("s3cret")
    text = MINIMAL + '[channels.desk]\ntype = "x"\npassword_file = "keys/secret"\nca_file = "keys/secret"'
    config = load_config(write(tmp_path, text))
    options = read_options(_Paths, config.settings.channels["desk"], key=("channels", "desk"), config=config)
    assert options.password.get_secret_value() == "s3cret"
    assert options.ca_file == tmp_path / "keys" / "secret"


class _Paths(BaseModel):
    """Options with a secret and a file."""

    model_config = ConfigDict(extra="forbid")

    type: str
    password: SecretStr
    ca_file: FilePath


def test_a_secret_is_given_once(tmp_path: Path) -> None:
    """In the file and as a path to it at a time is a mistake that is told."""
    (tmp_path / "secret").write_text("s3cret")
    text = MINIMAL + f'[channels.desk]\ntype = "x"\npassword = "p"\npassword_file = "{tmp_path}/secret"\nca_file = "x"'
    config = load_config(write(tmp_path, text))
    with pytest.raises(ConfigError, match="stands beside password_file"):
        read_options(_Paths, config.settings.channels["desk"], key=("channels", "desk"), config=config)


def test_secret_file_that_cannot_be_read(tmp_path: Path) -> None:
    """The message names the key, the file and the reason."""
    config = load_config(write(tmp_path, MINIMAL + '[channels.desk]\ntype = "x"\npassword_file = "/no/such"'))
    with pytest.raises(ConfigError) as caught:
        options_of(config)
    assert "cannot read /no/such" in str(caught.value)
    assert "channels.desk.password_file" in str(caught.value)


def _shouts(text: str) -> str:
    if text != text.upper():
        raise ValueError("must shout")
    return text


class Worded(BaseModel):
    """Options with a text that may come from a file."""

    model_config = ConfigDict(extra="forbid")

    body: Annotated[str, AfterValidator(_shouts)] | None = Field(None, json_schema_extra={"from_file": True})


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('body_file = "texts/quiet.txt"', "config.toml:7: channels.desk.body_file: .*texts/quiet.txt: must shout"),
        ('body_file = "none.txt"', "config.toml:7: channels.desk.body_file: cannot read .*none.txt: No such file"),
        ('body_file = "texts/loud.txt"\nbody = "X"', "channels.desk.body: stands beside body_file"),
        ('bodi_file = "texts/loud.txt"', 'did you mean "body_file"'),
    ],
)
def test_a_text_from_a_file_beside_the_configuration(tmp_path: Path, line: str, fault: str) -> None:
    """Its path counts from config.toml, and what is wrong in it is told with the key's line and the file's name."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "loud.txt").write_text("LOUD\n")
    (tmp_path / "texts" / "quiet.txt").write_text("quiet\n")

    def worded(given: str) -> Worded:
        config = load_config(write(tmp_path, f"{MINIMAL}[channels.desk]\n{given}\n"))
        return read_options(Worded, config.settings.channels["desk"], key=("channels", "desk"), config=config)

    assert worded('body_file = "texts/loud.txt"').body == "LOUD\n"
    with pytest.raises(ConfigError, match=fault):
        worded(line)


def test_secret_in_a_file_that_everyone_may_read_is_warned_of(tmp_path: Path) -> None:
    """An inline secret in a world-readable file is pointed out and stops nothing."""
    path = write(tmp_path, MINIMAL + '[channels.desk]\ntype = "x"\npassword = "p"')
    assert load_config(path).warnings == ()
    path.chmod(0o644)
    (warning,) = load_config(path).warnings
    assert warning.warning
    assert warning.where == "channels.desk.password"


def test_full_text_is_asked_for_by_feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Off unless a feed has it; without the library, the fault names the line and what to install."""
    pages = MINIMAL + '[[feeds]]\nname = "two"\nurl = "https://example.org/two"\nfull_text = true\n'
    path = write(tmp_path, pages)
    (tmp_path / "rules").mkdir()
    config = load_config(path)
    assert [config.options_of(name).full_text for name in ("one", "two", "added by command")] == [False, True, False]
    monkeypatch.setitem(sys.modules, "trafilatura", None)  # as if it were not there
    with pytest.raises(ConfigError) as caught:
        load(path)
    (fault,) = caught.value.faults
    assert (fault.line, fault.where) == (pages.splitlines().index("full_text = true") + 1, "feeds[1].full_text")
    assert "pip install 'news-monitor[fulltext]'" in fault.hint
    path.write_text(MINIMAL)
    load(path)


def test_state_directory_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under systemd the store is in StateDirectory=."""
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/somewhere")
    assert load_config(write(tmp_path, MINIMAL)).store_url == "sqlite:////var/lib/somewhere/news-monitor.db"


def test_missing_file_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever starts without a configuration is told the next command."""
    monkeypatch.chdir(tmp_path)
    for path in (None, tmp_path / "none.toml"):
        with pytest.raises(ConfigError, match="news-monitor init"):
            find_config(path)


@given(st.integers(min_value=1, max_value=10**8))
def test_durations_are_read_back(seconds: int) -> None:
    """What `config show` prints can be pasted into config.toml."""
    span = timedelta(seconds=seconds)
    assert parse_duration(format_duration(span)) == span


@pytest.mark.parametrize("value", ["", "10", 10, "m", "-5m", "5 parsecs", "1e9d", "9" * 30 + "d", None, True])
def test_what_is_no_duration(value: object) -> None:
    """A number without a unit, or nonsense, is refused with the forms that would be right."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(value)
