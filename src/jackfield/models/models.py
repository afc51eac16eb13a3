"""Models that a backend lists, and the object with which it tells a failure."""

from __future__ import annotations

from jackfield.models.base import Array, WireValue, always_written, wire

__all__ = ["ErrorObject", "ErrorResponse", "Model", "ModelList"]


@wire(kw_only=True)
class Model(WireValue):
    """A model. OpenAI API schema ``Model``.

    Attributes:
        id: its name in requests.
        created: seconds since 1970; 0 where the server does not tell.
        object: ``model``.
        owned_by: whose it is; empty where the server does not tell.
        shutdown_date: ``YYYY-MM-DD``, from which it is gone.
    """

    id: str
    created: int = 0
    object: str = "model"
    owned_by: str = ""
    shutdown_date: str | None = None


@wire(kw_only=True)
class ModelList(WireValue):
    """The models of a backend. OpenAI API schema ``ListModelsResponse``."""

    object: str = "list"
    data: Array[Model]


@wire(kw_only=True)
class ErrorObject(WireValue):
    """A failure, in the backend's words. OpenAI API schema ``Error``.

    Attributes:
        message: for people.
        type, code: for programs; some servers give a number as code.
        param: the parameter at fault.
    """

    message: str = ""
    type: str | None = always_written()
    param: str | None = always_written()
    code: str | int | None = always_written()


@wire(kw_only=True)
class ErrorResponse(WireValue):
    """A body that tells a failure. OpenAI API schema ``ErrorResponse``."""

    error: ErrorObject
