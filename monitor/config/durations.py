"""A duration as a type of settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

from monitor.durations import parse_duration

Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
