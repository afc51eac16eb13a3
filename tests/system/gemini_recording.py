"""Make ``data/gemini.yaml``: the host program's ten conversations with Gemini, recorded by jackfield.

``python tests/system/gemini_recording.py``. There is no key for tests, so it is no service that answers: a server on
127.0.0.1 gives what the service was recorded to say, or what is made after its documentation; each file in
``plugins/jackfield-gemini/tests/data`` names its source. The requests are jackfield's own, and the test replays strictly.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATA = HERE.parent.parent / "plugins" / "jackfield-gemini" / "tests" / "data"
RECORDING = HERE / "data" / "gemini.yaml"
ANSWERS = {
    "Reply with exactly OK.": ("chat", 0),
    "Count from 1 to 30": ("stream", 0),
    "What is the capital of my country?": ("tools", 0),
    "Compute 3 + 4 and 10 - 2.": ("parallel", 0),
    "largest city in Mexico": ("schema", 0),
    "Which colour?": ("image", 0),
    "What comes next?": ("chat", 0),
    "Grüße": ("unicode", 0),
    "much too long": ("error_context", 0),
    "Tell a long story.": ("long", 0),
}
"""What the first message of the user says, to the file and the exchange in it that answers."""


def answer(body: bytes) -> dict[str, Any]:
    """The recorded response to a request."""
    contents = json.loads(body)["contents"]
    said = json.dumps(contents[0], ensure_ascii=False)
    name, number = next(answer for words, answer in ANSWERS.items() if words in said)
    results = any("functionResponse" in part for part in contents[-1]["parts"])
    exchanges: list[Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))["exchanges"]
    response: dict[str, Any] = exchanges[number + results]["response"]
    return response


class Handler(http.server.BaseHTTPRequestHandler):
    """Says what the service said."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer, in the blocks of the recording."""
        response = answer(self.rfile.read(int(self.headers["content-length"])))
        blocks = (
            [json.dumps(response["json"]).encode()] if "json" in response else [b.encode() for b in response["blocks"]]
        )
        self.send_response(response["status"])
        self.send_header("content-type", response["headers"]["content-type"])
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for block in [*blocks, b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
            self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing of it."""


def record(recording: Path) -> None:
    """Have the ten conversations, and record them."""
    recording.unlink(missing_ok=True)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = {
            "default_model": "gemini/gemini-2.5-flash",
            "backends": {
                "gemini": {"provider": "gemini", "base_url": f"http://127.0.0.1:{server.server_address[1]}/v1beta"}
            },
            "middleware": [{"use": "record", "file": str(recording)}],
        }
        file = recording.with_suffix(".toml")
        file.write_text(toml(config), encoding="utf-8")
        try:
            environ = os.environ | {"JACKFIELD_CONFIG": str(file)}
            subprocess.run([sys.executable, str(HERE / "ten.py")], env=environ, check=True)
        finally:
            file.unlink()
            server.shutdown()


def toml(config: dict[str, Any]) -> str:
    """The configuration as TOML."""
    backend, (layer,) = config["backends"]["gemini"], config["middleware"]
    return (
        f'default_model = "{config["default_model"]}"\n[backends.gemini]\nprovider = "{backend["provider"]}"\n'
        f'base_url = "{backend["base_url"]}"\n[[middleware]]\nuse = "{layer["use"]}"\nfile = "{layer["file"]}"\n'
    )


if __name__ == "__main__":
    RECORDING.parent.mkdir(exist_ok=True)
    record(RECORDING)
