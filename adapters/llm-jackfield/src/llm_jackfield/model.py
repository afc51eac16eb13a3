"""The models that ``llm`` knows: one class for each way to ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator

import llm
from llm.parts import StreamEvent

from llm_jackfield import answer, attachments, clients
from llm_jackfield.failure import FailedError, told
from llm_jackfield.options import Options
from llm_jackfield.request import asked


class _Shared:
    """What is the same in both ways.

    Args:
        model_id: llm's name of the model.
        name: jackfield's.
    """

    can_stream = True
    supports_schema = True
    supports_tools = True
    attachment_types: set[str] | frozenset[str] = attachments.TYPES

    def __init__(self, model_id: str, name: str) -> None:
        self.model_id, self.name = model_id, name

    def __str__(self) -> str:
        return f"Jackfield: {self.model_id}"

    def get_key(self, explicit_key: str | None = None) -> None:
        """No key: the configuration says which one a backend gets. These are llm's key models to hear of ``--key``.

        Raises:
            FailedError: a key was given; to ask with another one would be a surprise, and another's bill.
        """
        if explicit_key is not None:
            raise FailedError("keys of jackfield's models are in its configuration: --key is not for them")


class Jackfield(_Shared, llm.KeyModel):
    """A model of the configuration."""

    Options = Options  # type: ignore[assignment]  # llm lets a model have its own

    def execute(
        self,
        prompt: llm.Prompt,
        stream: bool,
        response: llm.Response,
        conversation: llm.Conversation | None = None,  # noqa: ARG002 - the prompt has it all
        key: str | None = None,  # noqa: ARG002 - see get_key
    ) -> Iterator[StreamEvent]:
        """Ask, and tell the answer as it comes.

        Raises:
            FailedError: it failed; the cause is jackfield's error.
        """
        with told():
            fields = asked(self.name, prompt)
            client = clients.client()
            if stream:
                with client.create_chat_completion(**fields, stream=True) as chunks:
                    for chunk in chunks:
                        yield from answer.piece(chunk)
                    whole = chunks.response
            else:
                whole = client.create_chat_completion(**fields, stream=False)
                yield from answer.whole(whole)
            yield from answer.conclude(whole, response)


class AsyncJackfield(_Shared, llm.AsyncKeyModel):
    """The same for tasks."""

    Options = Options  # type: ignore[assignment]  # as above

    async def execute(
        self,
        prompt: llm.Prompt,
        stream: bool,
        response: llm.AsyncResponse,
        conversation: llm.AsyncConversation | None = None,  # noqa: ARG002 - the prompt has it all
        key: str | None = None,  # noqa: ARG002 - see get_key
    ) -> AsyncGenerator[StreamEvent, None]:
        """Ask, and tell the answer as it comes; see ``Jackfield.execute``."""
        with told():
            fields = await asyncio.to_thread(asked, self.name, prompt)  # attachments are read
            client = clients.aclient()
            if stream:
                async with client.create_chat_completion(**fields, stream=True) as chunks:
                    async for chunk in chunks:
                        for event in answer.piece(chunk):
                            yield event
                    whole = chunks.response
            else:
                whole = await client.create_chat_completion(**fields, stream=False)
                for event in answer.whole(whole):
                    yield event
            for event in answer.conclude(whole, response):
                yield event
