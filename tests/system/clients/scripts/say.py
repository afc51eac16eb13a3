"""What the client scripts share: what is asked, and how it is told what came of it.

A script is given OPENAI_BASE_URL and OPENAI_API_KEY, has all conversations of the acceptance with one client library,
and writes a line of JSON for each: ``{"case": NAME, ...}``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

BASE_URL, KEY = os.environ["OPENAI_BASE_URL"], os.environ["OPENAI_API_KEY"]
ME = sys.argv[1]
HELLO = [{"role": "user", "content": "Hello."}]
BROKEN = {"temperature": "hot"}
TOO_LONG = [{"role": "user", "content": "much too long " * 600}]
QUICKLY = 0.5
"""Seconds after which a client that is told to be impatient gives up."""
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_left = 0.0


def held(how: str) -> list[dict[str, str]]:
    """Messages whose answer does not come to its end."""
    return [{"role": "user", "content": f"hold:{ME}-{how}"}]


def say(case: str, ask: Callable[[], dict[str, Any]]) -> None:
    """Tell what came of a case."""
    try:
        told = ask()
    except Exception as error:
        told = failure(error)
    sys.stdout.write(json.dumps({"case": case, **told}) + "\n")
    sys.stdout.flush()


def failure(error: Exception) -> dict[str, Any]:
    """What a client library tells of a failure."""
    names = ("status_code", "code", "type", "param", "request_id")
    parents = [parent.__name__ for parent in type(error).__mro__]
    return {"raised": parents, "message": str(error), **{name: getattr(error, name, None) for name in names}}


def leaving() -> dict[str, Any]:
    """Tell that an answer is left now."""
    global _left  # noqa: PLW0603 - one time for the whole script
    _left = time.time()
    return {"at": _left}


def linger() -> None:
    """Live on for longer than the gateway may take to notice: the end of a process closes its connections too."""
    time.sleep(max(0.0, _left + 1.5 - time.time()))
