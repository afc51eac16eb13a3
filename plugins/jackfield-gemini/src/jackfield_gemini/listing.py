"""Listing: the models of the service, as it lists them, by OpenAI's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jackfield.errors import ValidationError
from jackfield.models.models import Model
from jackfield.wire import parse

_METHODS = "supportedGenerationMethods"


def listing(body: bytes) -> list[Model]:
    """The models in a body that answer by generateContent, without ``models/`` before their names.

    Raises:
        ValidationError: it is no list of models.
    """
    data = parse(body)
    models = data.get("models") if isinstance(data, dict) else None
    if not isinstance(models, list):
        raise ValidationError("models: expected array")
    return [_model(model, f"models[{number}]") for number, model in enumerate(models) if _answers(model)]


def _answers(model: Any) -> bool:
    methods = model.get(_METHODS) if isinstance(model, dict) else None
    return not isinstance(methods, list) or "generateContent" in methods


def _model(model: Any, place: str) -> Model:
    name = model.get("name") if isinstance(model, Mapping) else None
    if not isinstance(name, str):
        raise ValidationError(f"{place}.name: expected str")
    extra = {key: value for key, value in model.items() if key not in {"name", *Model.__wire_fields__}}
    return Model(id=name.removeprefix("models/"), owned_by="google", extra=extra)
