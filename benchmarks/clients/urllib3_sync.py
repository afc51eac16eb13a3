"""Hand-written, and the measure of all: ``PoolManager.request`` and json; for streams ``read1`` and one split."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import urllib3
from payloads import KEY

if TYPE_CHECKING:
    from clients import Fields


class Client:
    """What a host would write without any library for language models."""

    def __init__(self, base_url: str) -> None:
        self.url = base_url + "/chat/completions"
        self.headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        self.pool = urllib3.PoolManager(maxsize=1000)

    def call(self, model: str, fields: Fields) -> str:
        """Make one call."""
        body = json.dumps({"model": model, **fields}).encode()
        response = self.pool.request("POST", self.url, body=body, headers=self.headers)
        if response.status != HTTPStatus.OK:
            raise RuntimeError(f"HTTP {response.status}: {response.data[:200]!r}")
        content: str = json.loads(response.data)["choices"][0]["message"]["content"]
        return content

    def stream(self, model: str, fields: Fields) -> int:
        """Read one stream."""
        characters = 0
        rest = b""
        response = self.open(model, fields)
        while block := response.read1(65536):
            *events, rest = (rest + block).split(b"\n\n")
            for event in events:
                data = event.removeprefix(b"data: ")
                if data != b"[DONE]":
                    for choice in json.loads(data)["choices"]:
                        characters += len(choice["delta"].get("content") or "")
        response.release_conn()
        return characters

    def hold(self, model: str, fields: Fields) -> object:
        """Open one stream."""
        response = self.open(model, fields)
        json.loads(response.read1(65536).removeprefix(b"data: "))
        return response

    def open(self, model: str, fields: Fields) -> urllib3.BaseHTTPResponse:
        """Send the request of a stream and read the head of the answer."""
        body = json.dumps({"model": model, "stream": True, **fields}).encode()
        response = self.pool.request("POST", self.url, body=body, headers=self.headers, preload_content=False)
        if response.status != HTTPStatus.OK:
            raise RuntimeError(f"HTTP {response.status}: {response.data[:200]!r}")
        return response
