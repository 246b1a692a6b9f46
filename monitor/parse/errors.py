"""How the strict reader declines."""

from __future__ import annotations


class Unusual(Exception):  # noqa: N818 - no error: another reader takes the document
    """The document is well-formed, but what it says is for feedparser to find out."""
