"""Whether this machine reaches anybody: when no host answers, it is not the feeds that are to blame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.fetch.schedule import NETWORK, is_own_host
from monitor.model import FetchFailed

if TYPE_CHECKING:
    from monitor.model import FetchResult

_ENOUGH: Final = 3


class Reach:
    """Counts the hosts that could not be reached since one was."""

    def __init__(self) -> None:
        self._silent: set[str] = set()

    @property
    def offline(self) -> bool:
        """Whether three hosts or more were tried in vain since the last that answered anything at all."""
        return len(self._silent) >= _ENOUGH

    def note(self, host: str, result: FetchResult) -> None:
        """A host of the user's own says nothing about the way to others."""
        if not isinstance(result, FetchFailed) or result.problem not in NETWORK:
            if self._silent and not is_own_host(host):
                self._silent.clear()
        elif len(self._silent) < _ENOUGH and not is_own_host(host):
            self._silent.add(host)
