"""Record after a fork: what the parent has under way stands once in the file."""

from __future__ import annotations

import os

import pytest

from jackfield import Client
from jackfield.testing.faults import FaultServer

ASK = [{"role": "user", "content": "Hello, all of you."}]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # the server's thread is not the child's concern
def test_a_child_writes_nothing_of_what_its_parent_has_under_way(tmp_path):
    """It closes its client, and the parent's stream goes on; each exchange is recorded by the process that had it."""
    file = tmp_path / "recording.yaml"
    with FaultServer() as server:
        backend = {"provider": "openai", "base_url": server.url}
        middleware = [{"use": "record", "file": str(file)}]
        client = Client({"default_model": "b/slow?gap=0.02", "backends": {"b": backend}, "middleware": middleware})
        stream = client.create_chat_completion(messages=ASK, stream=True)
        next(stream)
        child = os.fork()
        if child == 0:
            client.create_chat_completion(messages=ASK, model="b/ok")
            client.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert list(stream)
        client.close()
    text = file.read_text(encoding="utf-8")
    assert text.count("request:") == 2
    assert "end: left" not in text
