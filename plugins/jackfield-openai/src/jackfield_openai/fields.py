"""Fields: those of a request, as OpenAI's API has them."""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.models import CreateChatCompletionRequest
from jackfield.parameters import YES, Parameter

FIELDS = tuple(sorted(CreateChatCompletionRequest.__wire_fields__))
"""The names of all fields of a request."""
ALL: Mapping[str, Parameter] = dict.fromkeys(FIELDS, YES)
"""Each means what OpenAI says."""
