"""Log lines as an operator, a terminal and a log collector see them."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NoReturn

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from monitor import log

FORMATS: tuple[Literal["console", "logfmt", "json"], ...] = ("console", "logfmt", "json")
HOSTILE = "ok\r\n<0>forged line\x1b[2J\x9b31m\u2028\u202egpj.exe\x00\x7f"


@pytest.fixture(autouse=True)
def untouched_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What `configure` changes for the whole process is put back."""
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    root, own = logging.getLogger(), logging.getLogger("monitor")
    before = (root.handlers[:], root.level, own.level)
    yield
    root.handlers[:], root.level, own.level = before
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def logged(
    shape: Literal["auto", "console", "logfmt", "json"], event: str, level: str = "info", **values: object
) -> str:
    """What one event comes out as, without its final line break."""
    stream = io.StringIO()
    log.configure(level=level, format=shape, stream=stream)
    log.get_logger("monitor.test").info(event, **values)
    text = stream.getvalue()
    assert text.endswith("\n")
    return text[:-1]


def fail(text: str) -> NoReturn:
    local = "do-not-show"
    assert local
    raise RuntimeError(text)


@pytest.mark.parametrize("shape", FORMATS)
def test_hostile_text_stays_one_harmless_line(shape: Literal["console", "logfmt", "json"]) -> None:
    """Line breaks, terminal escapes and bidi marks of a feed can neither forge a line nor drive a terminal."""
    for line in (
        logged(shape, "poll failed", error=HOSTILE),
        logged(shape, HOSTILE),
        logged(shape, "x", deep=[{"a": HOSTILE}]),
    ):
        assert len(line.splitlines()) == 1
        assert line.isprintable()
        assert "forged line" in line


@given(text=st.text().filter(lambda text: log.redact(text) == text))
def test_json_gives_back_what_was_logged(text: str) -> None:
    """Any text survives JSON unharmed, on one line."""
    line = logged("json", "x", value=text)
    assert len(line.splitlines()) == 1
    assert json.loads(line)["value"] == text


@pytest.mark.parametrize("shape", FORMATS)
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET https://user:hunter2@example.com/feed failed", "hunter2"),
        ("postgresql://monitor:p@ss:w0rd@db.example.com/news", "w0rd"),
        ("https://example.com/feed?format=rss&api_key=hunter2&page=1", "hunter2"),
        ("https://example.com/feed?Access_Token=hunter2#top", "hunter2"),
        ("https://bucket.example.com/x?X-Amz-Signature=hunter2", "hunter2"),
        ("connection failed: host=db user=monitor password=hunter2 dbname=news", "hunter2"),
        ("POST https://hooks.slack.com/services/T000/B000/hunter2 -> 404", "hunter2"),
        ("signing with whsec_aHVudGVyMg==", "aHVudGVyMg"),
    ],
)
def test_secrets_are_taken_out_wherever_they_stand(
    shape: Literal["console", "logfmt", "json"], text: str, secret: str
) -> None:
    """In the event, in a value, deep in a value and in an exception."""
    stream = io.StringIO()
    log.configure(level="info", format=shape, stream=stream)
    logger = log.get_logger("monitor.test")
    logger.warning(text)
    logger.warning("failed", error=text, more={"list": [text], "exception": ValueError(text)})
    try:
        fail(text)
    except RuntimeError:
        logger.exception("failed")
    assert secret not in stream.getvalue()
    assert stream.getvalue().count("***") >= 4


def test_values_of_keys_that_name_a_secret_are_hidden() -> None:
    """password=… is hidden whatever it looks like."""
    line = logged("json", "x", password="correct horse", nested={"Token": "battery"}, entries=3)
    assert json.loads(line)["password"] == "***"
    assert json.loads(line)["nested"] == {"Token": "***"}
    assert json.loads(line)["entries"] == 3


def test_ordinary_addresses_and_words_are_left_alone() -> None:
    """What is no secret stays readable."""
    for text in (
        "https://example.com/a?page=2&q=key",
        "mail desk@example.com",
        "https://example.com/@desk/1",
        "a key issue",
    ):
        assert log.redact(text) == text


def test_logfmt_is_quoted_where_it_must_be() -> None:
    """Bare words stay bare; the time, level and event come first."""
    line = logged("logfmt", "poll done", feed="bbc", entries=3, ok=True, etag=None, say='a "b" \\ c', empty="")
    assert re.fullmatch(
        r'time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z level=info event="poll done" feed=bbc entries=3 ok=true etag= '
        r'say="a \\"b\\" \\\\ c" empty="" logger=monitor\.test',
        line,
    )


def test_very_long_values_are_cut() -> None:
    """A page in a value does not fill the journal."""
    line = logged("logfmt", "x", body="a" * 1_000_000)
    assert len(line) < 5_000
    assert "996000 more characters" in line


def test_under_journald_lines_carry_a_priority_and_no_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`journalctl -p warning` finds warnings, and the time stands there once."""
    with (tmp_path / "journal").open("w+", encoding="utf-8") as stream:
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        log.configure(level="debug", format="auto", stream=stream)
        logger = log.get_logger("monitor.test")
        logger.debug("one")
        logger.info("two", feed="bbc")
        logger.warning("three")
        logger.error("four")
        logger.critical("five")
        stream.seek(0)
        assert stream.read().splitlines() == [
            "<7>level=debug event=one logger=monitor.test",
            "<6>level=info event=two feed=bbc logger=monitor.test",
            "<4>level=warning event=three logger=monitor.test",
            "<3>level=error event=four logger=monitor.test",
            "<2>level=critical event=five logger=monitor.test",
        ]


def test_a_stream_without_a_descriptor_stands_for_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written through a progress bar to the journal is told from a file's contents all the same."""
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    assert logged("auto", "x") == "<6>level=info event=x logger=monitor.test"


def test_a_redirection_inside_a_service_is_no_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """$JOURNAL_STREAM is inherited; only the stream that it names is the journal."""
    monkeypatch.setenv("JOURNAL_STREAM", "8:4711")
    with (tmp_path / "file").open("w+", encoding="utf-8") as stream:
        log.configure(level="info", format="auto", stream=stream)
        log.get_logger("monitor.test").info("x")
        stream.seek(0)
        assert stream.read().startswith("time=")


@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_gets_short_lines(monkeypatch: pytest.MonkeyPatch, no_color: bool) -> None:
    """A time of day, a level, the event; coloured unless NO_COLOR is set."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    ours, terminal = pty.openpty()
    try:
        with os.fdopen(terminal, "w", encoding="utf-8") as stream:
            log.configure(level="info", format="auto", stream=stream)
            log.get_logger("monitor.test").warning("poll failed", feed="bbc", detail="no route")
            shown = os.read(ours, 4096).decode()
    finally:
        os.close(ours)
    assert ("\x1b[" in shown) is not no_color
    plain = re.sub(r"\x1b\[\d+m", "", shown)
    assert re.fullmatch(r'\d\d:\d\d:\d\d \[warning  \] poll failed feed=bbc detail="no route"\r\n', plain)


def test_libraries_speak_through_the_same_pipeline() -> None:
    """A library's warning is formatted and redacted like ours; its chatter is not heard, even at debug."""
    stream = io.StringIO()
    log.configure(level="debug", format="logfmt", stream=stream)
    logging.getLogger("httpx").info("HTTP Request: GET https://example.com")
    logging.getLogger("apscheduler.scheduler").warning("Run of job %r missed\n", "tick")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        log.configure(level="debug", format="logfmt", stream=stream)
        warnings.warn("old\nthing", UserWarning, stacklevel=1)
    log.get_logger("monitor.test").debug("heard")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 3
    assert "level=warning event=\"Run of job 'tick' missed\\n\" logger=apscheduler.scheduler" in lines[0]
    assert "old\\nthing" in lines[1]
    assert "level=debug event=heard" in lines[2]


def test_levels_below_the_chosen_one_are_silent() -> None:
    """At "error" neither our warnings nor those of libraries are written."""
    stream = io.StringIO()
    log.configure(level="error", format="logfmt", stream=stream)
    log.get_logger("monitor.test").warning("x")
    logging.getLogger("httpx").warning("x")
    assert stream.getvalue() == ""
    with pytest.raises(ValueError, match="no such log level: 'loud'"):
        log.configure(level="loud", format="logfmt", stream=stream)


def test_exceptions_are_structured_in_json_and_one_line_in_logfmt() -> None:
    """A collector gets type, words and frames, without local variables; a line-based log gets one line."""
    for shape in FORMATS:
        stream = io.StringIO()
        log.configure(level="info", format=shape, stream=stream)
        try:
            fail("broken\x1b[2J\nbadly")
        except RuntimeError:
            log.get_logger("monitor.test").exception("poll crashed", feed="bbc")
        text = stream.getvalue()
        assert "\x1b" not in text
        if shape == "json":
            exception = json.loads(text)["exception"][0]
            assert (exception["exc_type"], exception["exc_value"]) == ("RuntimeError", "broken\x1b[2J\nbadly")
            assert exception["frames"][-1]["name"] == "fail"
            assert "do-not-show" not in text
        elif shape == "logfmt":
            assert len(text.splitlines()) == 1
            assert "RuntimeError: broken" in text
        else:
            assert "\nRuntimeError: broken\\x1b[2J\n" in text


def test_a_stream_of_another_encoding_gets_escapes() -> None:
    """A log line is no reason to fail under LANG=C."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    log.configure(level="info", format="logfmt", stream=stream)
    log.get_logger("monitor.test").info("Ärger", feed="ТАСС")
    assert b"event=\\xc4rger feed=\\u0422\\u0410\\u0421\\u0421" in raw.getvalue()
    stream.close()


def test_loggers_made_before_configure_follow_it() -> None:
    """Modules make their logger when they are imported."""
    logger = log.get_logger("monitor.early")
    stream = io.StringIO()
    log.configure(level="info", format="logfmt", stream=stream)
    logger.bind(feed="bbc").info("hello")
    assert "event=hello" in stream.getvalue()
    assert "feed=bbc" in stream.getvalue()
