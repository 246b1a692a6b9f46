"""`type = "slack"` with a bot token: chat.postMessage, and later messages about a story as replies to the first.

Source: docs.slack.dev/reference/methods/chat.postMessage, whose answers are HTTP 200 whether it worked or not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from monitor.model import ChannelBroken, Refused, Sent, TryLater
from monitor.notify.base import Wording
from monitor.notify.blocks import payload, plain_payload, text_payload
from monitor.notify.http import Answer, HttpSender, verdict

if TYPE_CHECKING:
    from monitor.model import Message, SendResult
    from monitor.notify.base import Surroundings
    from monitor.notify.slack import SlackOptions

_LATER = {
    "fatal_error",
    "internal_error",
    "message_limit_exceeded",
    "rate_limited",
    "ratelimited",
    "request_timeout",
    "rollup_error",
    "service_unavailable",
    "team_added_to_org",
}
_THIS_MESSAGE = {
    "attachment_payload_limit_exceeded",
    "invalid_arguments",
    "invalid_array_arg",
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_blocks_too_long",
    "msg_too_long",
    "no_text",
}
_THREAD_GONE = {"cannot_reply_to_message", "invalid_thread_ts", "restricted_action_thread_locked", "thread_not_found"}


class SlackBotNotifier:
    """Posts to one channel as a bot; `Sent.ref` is the message's `ts`."""

    def __init__(self, options: SlackOptions, around: Surroundings | None = None) -> None:
        if options.token is None or options.channel is None:
            raise TypeError("a bot needs token and channel")
        token = options.token.get_secret_value()
        self._channel = options.channel
        self._zone = options.zone
        self._wording = Wording(options.zone, body=("text", options.body))
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json; charset=utf-8"}
        url = options.api_url.rstrip("/") + "/chat.postMessage"
        self._http = HttpSender(url, timeout=options.timeout, around=around, secrets=[token])

    async def send(self, message: Message) -> SendResult:
        words = self._wording.words(message)
        body = words.say("body")
        own = payload(message, self._zone) if body is None else text_payload(body)
        result = await self._post(own, thread=message.thread)
        if isinstance(result, Refused):  # a block Slack does not like must not cost the alert: once more, as plain text
            result = await self._post(plain_payload(message, self._zone), thread=message.thread)
        return words.warned(result)

    async def close(self) -> None:
        await self._http.close()

    async def _post(self, content: dict[str, Any], *, thread: str) -> SendResult:
        told = content | {"channel": self._channel, "parse": "none", "link_names": False}
        if thread:
            told["thread_ts"] = thread
        answer = await self._http.post(json.dumps(told).encode(), self._headers)
        if not isinstance(answer, Answer):
            return answer
        if thread and answer.data.get("error") in _THREAD_GONE:
            return await self._post(content, thread="")
        return _result(answer)

    def __repr__(self) -> str:
        return f"SlackBotNotifier({self._channel!r})"


def _result(answer: Answer) -> SendResult:
    """An error that is not known to pass, or to be about this message, is the channel's: there are dozens of those."""
    data = answer.data
    if not 200 <= answer.status < 300:
        return verdict(answer)
    if data.get("ok") is True:
        return Sent(detail="ok", ref=str(data.get("ts", "")))
    error = data.get("error")
    if error in _LATER:
        return TryLater(detail=answer.said, retry_after=answer.retry_after)
    if error in _THIS_MESSAGE:
        return Refused(detail=answer.said)
    return ChannelBroken(detail=answer.said)
