"""Refusal: what goes wrong, as a client is told: a status, an error object of OpenAI's shape, and headers.

Texts come from jackfield's errors, which were scrubbed when they were made, or are the gateway's own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from jackfield import errors
from jackfield.models import ErrorObject, ErrorResponse
from jackfield.wire import encode
from jackfield_gateway.database import StoreError

TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error"}
BUSY = "rate_limit_error"
SERVER = "server_error"
INVALID = "invalid_request_error"


class Refusal(Exception):  # noqa: N818 - a refusal of a request, and often no error at all
    """A request is not answered, or no further.

    Args:
        status: of HTTP.
        message: for people.
        type: kind of failure; that which OpenAI gives for the status where it is left out.
        code: for programs.
        param: the field at fault.
        headers: sent besides, names in lower case.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str | None = None,  # noqa: A002 - the wire's name
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.type = type or TYPES.get(status) or (BUSY if status == 429 else SERVER if status >= 500 else INVALID)
        self.headers: dict[str, str] = dict(headers or {})

    @property
    def body(self) -> bytes:
        """The JSON body, ``{"error": {"message", "type", "param", "code"}}``; the data of an event in a stream too."""
        told = ErrorObject(message=self.message, type=self.type, param=self.param, code=self.code)
        return encode(ErrorResponse(error=told))


def refusal_of(error: BaseException) -> Refusal:
    """What a client is told of an error of jackfield's.

    The service's own status and words pass where they are about the request. Where it refused the gateway's
    credential, which is not the client's matter, or could not be reached, the gateway is a bad one: 502, or 504 where
    time was over. What may be a fault of the program is 500 and says no more.
    """
    if isinstance(error, Refusal):
        return error
    if isinstance(error, errors.APIError):
        return _of_api(error)
    if isinstance(error, errors.DeadlineExceededError):
        return Refusal(504, error.message, code="deadline_exceeded", headers=_retried(error))
    if isinstance(error, errors.ValidationError):
        return Refusal(400, error.message, code="invalid_value")
    return _of_gateway(error)


def _of_gateway(error: BaseException) -> Refusal:
    if isinstance(error, errors.ClientClosedError | StoreError):
        closed = isinstance(error, errors.ClientClosedError)
        message, code = _CLOSED if closed else _NO_STORE
        return Refusal(503, message, code=code, headers={"retry-after": "1"})
    if isinstance(error, errors.ConfigError):  # a credential that is not there, say: trying again is in vain
        return Refusal(500, _UNFIT, code="backend_configuration", headers={"x-should-retry": "false"})
    return Refusal(500, "the gateway failed; its log tells more", code="internal_error")


def no_model() -> Refusal:
    """What is told of a name that leads nowhere, and of one that the client may not use: the same."""
    message = "the model does not exist, or you have no access to it"
    return Refusal(404, message, type=INVALID, code="model_not_found", param="model")


def _of_api(error: errors.APIError) -> Refusal:
    if isinstance(error, errors.NotFoundError) and error.status_code is None:
        return no_model()  # jackfield's own words name what there is
    headers = _retried(error)
    if error.retry_after is not None:
        headers["retry-after"] = str(max(0, math.ceil(error.retry_after)))
    status, type_, code, message = error.status_code, error.type, error.code, error.message
    if isinstance(error, errors.AuthenticationError):
        status, type_, code, message = 502, SERVER, "backend_authentication", _DENIED  # theirs show part of the key
    elif isinstance(error, errors.UnsupportedParameterError):
        status, type_, code = 400, INVALID, code or "unsupported_parameter"
    elif isinstance(error, errors.APIConnectionError):
        late = isinstance(error, errors.APITimeoutError)  # where a backend is, is not the client's matter
        status, code, message = _LATE if late else _UNREACHABLE
    elif isinstance(error, errors.RateLimitError):
        status = 429
    elif isinstance(error, errors.InvalidResponseError | errors.UnexpectedRedirectError):
        status, code, message = 502, code or _CODES.get(type(error), "backend_error"), _UNREADABLE
    elif isinstance(error, errors.StreamInterruptedError):
        status, code, message = 502, code or _CODES[type(error)], _CUT
    elif status is None or not 400 <= status <= 599:
        status, code = 502, code or _CODES.get(type(error), "backend_error")
    return Refusal(status, message, type=type_, code=code, param=error.param, headers=headers)


_CLOSED = ("the gateway is shutting down", "shutting_down")
_NO_STORE = ("the gateway's store does not answer", "store_unavailable")
_LATE = (504, "backend_timeout", "the backend did not answer in time")
_UNREACHABLE = (502, "backend_unreachable", "the backend cannot be reached, or broke the connection")
_UNFIT = "the gateway's configuration for this model does not hold; its log tells more"
_DENIED = "the backend refused the gateway's own credential"
_CUT = "the backend's answer broke off"
_UNREADABLE = "the backend gave no answer that can be read"
_CODES: dict[type[errors.APIError], str] = {
    errors.StreamInterruptedError: "stream_interrupted",
    errors.InvalidResponseError: "backend_invalid_response",
}


def _retried(error: errors.CallError) -> dict[str, str]:
    """The header by which clients leave off, where the gateway has tried again itself."""
    return {"x-should-retry": "false"} if len(error.attempts) > 1 else {}
