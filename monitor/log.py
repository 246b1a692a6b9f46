"""The log: structlog and the standard library's logging in one pipeline, one event a line.

Values come from feeds and servers, so this is the one door for text on its way into a log line: secrets are taken out,
control characters are written as escapes, and what is very long is cut.

Formats: "console" is for people at a terminal, "logfmt" is `key=value`, "json" is one object a line. Under journald a
line starts with its priority (`<4>`, sd-daemon(3)) and has no time, for the journal keeps both.
"""

from __future__ import annotations

import json
import logging
import os
import re
from typing import TYPE_CHECKING, Any, Literal, TextIO

import structlog
from structlog.dev import Column, ConsoleRenderer, KeyValueColumnFormatter, LogLevelColumnFormatter
from structlog.processors import ExceptionRenderer, TimeStamper, format_exc_info
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.tracebacks import ExceptionDictTransformer

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

LogFormat = Literal["auto", "console", "logfmt", "json"]

# Longer ones are cut: journald splits a line at 48 KiB.
_VALUE_CHARACTERS = 4_000
_TRACEBACK_CHARACTERS = 20_000
_DEPTH = 12  # containers inside containers

_HIDDEN = "***"
_SECRET_KEYS = frozenset({"api_key", "apikey", "authorization", "cookie", "passwd", "password", "secret", "token"})
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    # user:password@ of a URL
    (re.compile(r"(://)[^/\s?#]*@"), rf"\1{_HIDDEN}@"),
    # token=, api_key=, X-Amz-Signature= of a query; password= of a connection string
    (
        re.compile(
            r"(?i)(?<![\w-])([\w-]*(?:token|key|secret|password|passwd|pwd|sig|signature)=)[^\s&#;,'\"<>()\[\]]+",
        ),
        rf"\1{_HIDDEN}",
    ),
    # addresses whose path is the secret
    (re.compile(r"(?i)(hooks\.slack\.com/(?:services|workflows|triggers)/)[^\s'\"<>]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"(?i)(discord(?:app)?\.com/api/webhooks/)[^\s'\"<>]+"), rf"\1{_HIDDEN}"),
    # signing secrets of Standard Webhooks
    (re.compile(r"\bwhsec_[\w+/=]+"), f"whsec_{_HIDDEN}"),
)

_STDERR = 2  # file descriptor
_FIRST_KEYS = ("time", "level", "event")
_NAMING: tuple[Processor, ...] = (structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name)
# What JSON leaves as it is, and a terminal or a line-based tool would act on.
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def configure(*, level: str, format: LogFormat, stream: TextIO) -> None:  # noqa: A002 - the name of the option
    """Send every log record of the process to `stream`; may be called again.

    Args:
        level: "debug", "info", "warning", "error" or "critical", for this program's own loggers. Libraries are heard
            from "warning" on.
        format: "auto" is "console" on a terminal and "logfmt" elsewhere.
        stream: Where to; it stays open.

    Raises:
        ValueError: There is no such level.
    """
    own_level = logging.getLevelNamesMapping().get(level.upper())
    if own_level is None:
        raise ValueError(f"no such log level: {level!r}")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            *_NAMING,
            structlog.stdlib.PositionalArgumentsFormatter(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    journal, terminal = _is_journal(stream), stream.isatty()
    chosen = ("console" if terminal else "logfmt") if format == "auto" else format
    rendering = _rendering(chosen, colours=terminal and "NO_COLOR" not in os.environ, timed=not journal)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_LineFormatter(rendering, encoding=stream.encoding or "utf-8", priorities=journal))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(own_level, logging.WARNING))
    logging.getLogger("monitor").setLevel(own_level)
    logging.captureWarnings(capture=True)


def get_logger(name: str) -> BoundLogger:
    """The logger of a module; `name` is its `__name__`. May be had before `configure`, and follows it."""
    logger: BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def redact(text: str) -> str:
    """`text` without the secrets that show by their form: URL passwords, `token=` and its kin, webhook addresses."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def escape(text: str) -> str:
    """`text` on one line and harmless to a terminal: what is not printable is written as `repr` would."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def _is_journal(stream: TextIO) -> bool:
    """Whether `stream` is the very pipe that $JOURNAL_STREAM names (systemd.exec(5)), not a redirection of it.

    A stream without a descriptor (one that stands before a progress bar) counts as standard error.
    """
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        descriptor = _STDERR
    try:
        status = os.fstat(descriptor)
    except OSError:  # closed
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


class _LineFormatter(ProcessorFormatter):
    """Renders a record of either library; what the stream's encoding lacks is escaped."""

    def __init__(self, rendering: list[Processor], *, encoding: str, priorities: bool) -> None:
        super().__init__(foreign_pre_chain=_NAMING, processors=[ProcessorFormatter.remove_processors_meta, *rendering])
        self._encoding = encoding
        self._priorities = priorities

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record).encode(self._encoding, "backslashreplace").decode(self._encoding)
        return f"<{_priority(record.levelno)}>{line}" if self._priorities else line


def _priority(level: int) -> int:
    """The journal's number for a level of `logging`."""
    for at_least, priority in ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6)):
        if level >= at_least:
            return priority
    return 7


def _rendering(chosen: Literal["console", "logfmt", "json"], *, colours: bool, timed: bool) -> list[Processor]:
    """The steps from an event to a line."""
    stamp = TimeStamper(fmt="iso", utc=True, key="time")
    match chosen:
        case "console":
            stamp = TimeStamper(fmt="%H:%M:%S", utc=False, key="time")
            ending: list[Processor] = [format_exc_info, _clean, _for_people, _console(colours=colours)]
        case "logfmt":
            ending = [format_exc_info, _clean, _logfmt]
        case _:
            # Local variables may hold secrets that no pattern knows.
            structured = ExceptionRenderer(ExceptionDictTransformer(show_locals=False, use_rich=False))
            ending = [structured, _clean, _json]
    return [stamp, *ending] if timed else ending


def _clean(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Redact and cut every value, the words of a traceback included."""
    return {
        escape(str(key)): _HIDDEN if str(key).lower() in _SECRET_KEYS else _cleaned(value, str(key), _DEPTH)
        for key, value in event.items()
    }


def _cleaned(value: object, key: str, depth: int) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case dict() if depth:
            return {
                str(name): _HIDDEN if str(name).lower() in _SECRET_KEYS else _cleaned(part, str(name), depth - 1)
                for name, part in value.items()
            }
        case list() | tuple() | set() | frozenset() if depth:
            return [_cleaned(part, key, depth - 1) for part in value]
        case _:
            text = redact(str(value))
            limit = _TRACEBACK_CHARACTERS if key == "exception" else _VALUE_CHARACTERS
            return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"


def _in_order(event: EventDict) -> dict[str, Any]:
    return {key: event[key] for key in (*(key for key in _FIRST_KEYS if key in event), *event)}


def _logfmt(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return " ".join(f"{key.replace(' ', '_')}={_quoted(value)}" for key, value in _in_order(event).items())


def _quoted(value: object) -> str:
    """A value of `key=value`, in quotes where it needs them."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            text = str(value)
    if text.isprintable() and text and not re.search(r'[\s="\\]', text):
        return text
    return '"' + escape(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    line = json.dumps(_in_order(event), ensure_ascii=False, default=str)
    return _UNSAFE_IN_JSON.sub(lambda char: f"\\u{ord(char[0]):04x}", line)


def _for_people(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Leave out the names of our own modules; a traceback keeps its lines, for it is read here and not by a tool."""
    if str(event.get("logger", "")).split(".")[0] == "monitor":
        event.pop("logger")
    if isinstance(traceback := event.get("exception"), str):
        event["exception"] = "\n".join(escape(line) for line in traceback.split("\n"))
    return event


def _console(*, colours: bool) -> ConsoleRenderer:
    styles = ConsoleRenderer.get_default_column_styles(colours)
    levels = ConsoleRenderer.get_default_level_styles(colours)

    def plain(style: str) -> KeyValueColumnFormatter:
        return KeyValueColumnFormatter(None, style, styles.reset, value_repr=lambda value: escape(str(value)))

    return ConsoleRenderer(
        sort_keys=False,
        exception_formatter=structlog.dev.plain_traceback,
        columns=[
            Column("time", plain(styles.timestamp)),
            Column("level", LogLevelColumnFormatter(levels, styles.reset)),
            Column("event", plain(styles.bright)),
            Column("", KeyValueColumnFormatter(styles.kv_key, styles.kv_value, styles.reset, value_repr=_quoted)),
        ],
    )
