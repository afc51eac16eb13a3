"""Middleware that break the contract, each in one way, in their flows."""

from __future__ import annotations

import attrs

from jackfield import (
    APIError,
    AuthenticationError,
    CallCancelled,
    DeadlineExceededError,
    HttpRequest,
    NotFoundError,
    Send,
    Sleep,
    StreamInterruptedError,
    hookimpl,
)
from jackfield.models import CreateChatCompletionResponse


def plugin(cls: type) -> type:
    """An attrs class that a plugin may be."""
    return attrs.define(eq=False, slots=False)(cls)


@plugin
class Forgetful:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        yield request


@plugin
class Soothing:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except NotFoundError:
            return (yield attrs.evolve(request, model="other/m"))


@plugin
class Translating:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except AuthenticationError as error:
            raise RuntimeError("log in first") from error


@plugin
class Wrapping:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except Exception as error:
            if error.__class__.__module__.startswith("jackfield.errors"):
                raise
            raise ValueError("something went wrong") from None


@plugin
class Foreign:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except APIError as error:
            raise RuntimeError("the backend failed") from error


@plugin
class Relabelling:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except NotFoundError as error:
            raise AuthenticationError("who are you", status_code=401) from error


@plugin
class Trusting:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except NotFoundError as error:
            error.status_code += 0  # there is always one, is there not
            raise


@plugin
class Whitewashing:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except StreamInterruptedError:
            if call.partial is None:
                raise
            return call.partial


@plugin
class Contented:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except StreamInterruptedError as error:
            if error.partial is None:
                raise
            return error.partial


@plugin
class Stubborn:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except StreamInterruptedError:
            return (yield request)


@plugin
class Swallowing:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except CallCancelled:
            return call.partial


@plugin
class Polite:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except BaseException as error:
            if isinstance(error, CallCancelled):
                yield Sleep(0.1)
            raise


@plugin
class Late:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        try:
            return (yield request)
        except DeadlineExceededError:
            return (yield attrs.evolve(request, max_completion_tokens=1))


@plugin
class Streaming:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        if call.stream:
            assert call.partial.choices
        return response


@plugin
class Stamping:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        request.metadata["seen_by"] = "stamping"
        return (yield request)


@plugin
class Labelling:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        call.labels["seen"] = "yes"
        return (yield request)


@plugin
class Cooling:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield attrs.evolve(request, temperature=0))


@plugin
class Rewriting:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        response = yield request
        response.usage.__dict__["prompt_tokens"] = 0
        return response


@plugin
class HostOnly:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        assert "/" in request.model
        return (yield request)


@plugin
class Singleton:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        assert "started" not in call.state
        call.state["started"] = True
        return (yield request)


@plugin
class Canned:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        yield Sleep(1)
        return CreateChatCompletionResponse(id="canned", created=0, model="m", choices=[])


@plugin
class Vain:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        return (yield "the answer, please")


@plugin
class Fetching:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        yield Send(HttpRequest("GET", "https://elsewhere.example/"))
        return (yield request)


@plugin
class Persistent:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        while True:
            try:
                return (yield request)
            except NotFoundError:
                continue


@plugin
class Spinning:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        while not call.state.get(self):
            yield Sleep(0)
        return (yield request)


@plugin
class Renaming:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        request.model = "other/m"
        return (yield request)


@plugin
class Adding:
    @hookimpl
    def wrap_chat_completion(self, request, call):
        request.messages.append({"role": "user", "content": "be brief"})
        return (yield request)
