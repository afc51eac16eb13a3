"""Middleware that break the contract, each in one way, in what they make of chunks and answers."""

from __future__ import annotations

import attrs

from broken_flows import plugin
from jackfield import hookimpl


@plugin
class Losing:
    @hookimpl
    def on_chunk(self, chunk, call):
        number = call.state[self] = call.state.get(self, 0) + 1
        return [] if number == 3 else None


@plugin
class Echoing:
    @hookimpl
    def on_chunk(self, chunk, call):
        return [chunk, chunk] if chunk.choices and chunk.choices[0].delta.tool_calls else None


@plugin
class Reordering:
    @hookimpl
    def on_chunk(self, chunk, call):
        held = call.attempt.state.pop(self, None)
        if held is not None:
            return [chunk, held]
        if chunk.choices and chunk.choices[0].delta.content:
            call.attempt.state[self] = chunk
            return []
        return None


@plugin
class Appending:
    @hookimpl
    def end_of_stream(self, call):
        return [call.attempt.state.get(self)] if self in call.attempt.state else []

    @hookimpl
    def on_chunk(self, chunk, call):
        call.attempt.state[self] = chunk


@plugin
class ByChunk:
    word: str = "fox"

    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        choices = [
            attrs.evolve(choice, message=attrs.evolve(choice.message, content=self.clean(choice.message.content)))
            for choice in response.choices
        ]
        return attrs.evolve(response, choices=choices)

    @hookimpl
    def on_chunk(self, chunk, call):
        choices = [
            attrs.evolve(choice, delta=attrs.evolve(choice.delta, content=self.clean(choice.delta.content)))
            for choice in chunk.choices
        ]
        return [attrs.evolve(chunk, choices=choices)]

    def clean(self, text):
        return text and text.replace(self.word, "***")


@plugin
class Footer:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        (choice,) = response.choices
        message = attrs.evolve(choice.message, content=choice.message.content + " (an advertisement)")
        return attrs.evolve(response, choices=[attrs.evolve(choice, message=message)])


@plugin
class Thrifty:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        return attrs.evolve(response, usage=None, extra={})


@plugin
class Hoarding:
    @hookimpl
    def on_chunk(self, chunk, call):
        held = call.state.setdefault(self, [])
        held.append(chunk)
        return []

    @hookimpl
    def end_of_stream(self, call):
        return call.state.pop(self, ())


@plugin
class Greeting:
    @hookimpl
    def on_chunk(self, chunk, call):
        if self in call.state:
            return None
        call.state[self] = True
        return [attrs.evolve(chunk, id="hello"), chunk]


@plugin
class Fussy:
    @hookimpl
    def on_chunk(self, chunk, call):
        raise ZeroDivisionError("division by zero")


@plugin
class Shouting:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        if call.stream:
            return response
        (choice,) = response.choices
        message = attrs.evolve(choice.message, content=choice.message.content.upper())
        return attrs.evolve(response, choices=[attrs.evolve(choice, message=message)])

    @hookimpl
    def on_chunk(self, chunk, call):
        return [attrs.evolve(chunk, choices=[self.shout(choice) for choice in chunk.choices])]

    def shout(self, choice):
        content = choice.delta.content
        return attrs.evolve(choice, delta=attrs.evolve(choice.delta, content=content and content.upper()))


@plugin
class Lowering:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        assert "secret" not in request.messages[-1].content.lower()
        return (yield request)


@plugin
class Stripping:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        assert response.choices[0].message.content.strip()
        return response


@plugin
class Pricing:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        assert response.usage.total_tokens > 0
        return response


@plugin
class Choosing:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        return attrs.evolve(response, choices=response.choices[:1])


@plugin
class FirstChoice:
    @hookimpl
    def on_chunk(self, chunk, call):
        return [] if chunk.choices and chunk.choices[0].index else None


@plugin
class Deduplicating:
    @hookimpl
    def on_chunk(self, chunk, call):
        before = call.attempt.state.get(self)
        call.attempt.state[self] = chunk
        return [] if chunk == before else None
