"""Tools: functions that the model may call, tools of the service's own, and which of them it has to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jackfield.models import UNSET, CreateChatCompletionRequest
from jackfield.models.toolchoice import (
    ChatCompletionAllowedToolsChoice,
    ChatCompletionFunctionCallOption,
    ChatCompletionNamedToolChoice,
)
from jackfield.models.tools import ChatCompletionFunctions, ChatCompletionTool, FunctionObject, UnknownTool
from jackfield.parameters import Fitting

OWN = frozenset(
    {
        "codeExecution",
        "computerUse",
        "enterpriseWebSearch",
        "fileSearch",
        "googleMaps",
        "googleSearch",
        "googleSearchRetrieval",
        "retrieval",
        "urlContext",
    }
)
"""Tools of the service, given as ``{"type": "urlContext"}``, with their settings under the same name."""
_MODES = {"none": "NONE", "required": "ANY"}


def tools(request: CreateChatCompletionRequest, fitting: Fitting) -> dict[str, Any]:
    """``tools`` and ``toolConfig`` of a body.

    Raises:
        UnsupportedParameterError: a tool, or the choice among them, cannot be said.
    """
    functions, own = _functions(request, fitting), _own(request, fitting)
    written: list[dict[str, Any]] = [{"functionDeclarations": [_declared(function) for function in functions]}]
    written = [*(written if functions else ()), *own]
    config = _config(request, functions, fitting)
    body: dict[str, Any] = {"tools": written} if written else {}
    return body if config is None else {**body, "toolConfig": {"functionCallingConfig": config}}


def _functions(
    request: CreateChatCompletionRequest, fitting: Fitting
) -> list[FunctionObject | ChatCompletionFunctions]:
    found: list[FunctionObject | ChatCompletionFunctions] = []
    for number, tool in enumerate(_listed(request.tools)):
        if isinstance(tool, ChatCompletionTool):
            found.append(tool.function)
        elif not (isinstance(tool, UnknownTool) and tool.type in OWN):
            fitting.lacks(f"tools[{number}]", "give functions, or tools of the service such as googleSearch")
    return [*found, *_listed(request.functions)]


def _own(request: CreateChatCompletionRequest, fitting: Fitting) -> list[dict[str, Any]]:
    unknown = [tool for tool in _listed(request.tools) if isinstance(tool, UnknownTool) and tool.type in OWN]
    own = [{tool.type: tool.extra.get(tool.type, {})} for tool in unknown]
    return own + ([{"googleSearch": {}}] if _searches(request, fitting) else [])


def _searches(request: CreateChatCompletionRequest, fitting: Fitting) -> bool:
    options = request.web_search_options
    if options is UNSET:
        return False
    if options.user_location is not UNSET and options.user_location is not None:
        remedy = "leave it out, or give toolConfig.retrievalConfig in extra_body"
        fitting.lacks("web_search_options.user_location", remedy)
    if options.search_context_size not in {UNSET, "medium"}:
        fitting.lacks("web_search_options.search_context_size", "leave it out")
    return True


def _declared(function: FunctionObject | ChatCompletionFunctions) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": function.name}
    if function.description is not UNSET:
        declared["description"] = function.description
    if function.parameters is not UNSET and function.parameters:
        declared["parametersJsonSchema"] = function.parameters
    return declared


def _config(request: CreateChatCompletionRequest, functions: Sequence[Any], fitting: Fitting) -> dict[str, Any] | None:
    """How functions are to be called; None where nothing is to be said, which without functions is refused."""
    name, choice = "tool_choice", request.tool_choice
    if request.function_call is not UNSET:
        if choice is UNSET:
            name, choice = "function_call", request.function_call  # type: ignore[assignment]  # told apart below
        else:
            fitting.lacks("function_call", "give tool_choice alone")
    if not functions:
        if choice is not UNSET and not (isinstance(choice, str) and choice in {"auto", "none"}):
            fitting.lacks(name, "give functions")
        return None
    strict = any(getattr(function, "strict", None) is True for function in functions)
    if choice is UNSET or choice == "auto":
        return {"mode": "VALIDATED"} if strict else None if choice is UNSET else {"mode": "AUTO"}
    if isinstance(choice, str) and choice in _MODES:
        return {"mode": _MODES[choice]}
    return _named(choice, name, fitting)


def _named(choice: Any, name: str, fitting: Fitting) -> dict[str, Any] | None:
    if isinstance(choice, ChatCompletionNamedToolChoice):
        return {"mode": "ANY", "allowedFunctionNames": [choice.function.name]}
    if isinstance(choice, ChatCompletionFunctionCallOption):
        return {"mode": "ANY", "allowedFunctionNames": [choice.name]}
    if isinstance(choice, ChatCompletionAllowedToolsChoice):
        allowed = choice.allowed_tools
        names = [_name(tool) for tool in allowed.tools]
        mode = {"auto": "VALIDATED", "required": "ANY"}.get(allowed.mode)
        if mode is not None and None not in names:
            return {"mode": mode, "allowedFunctionNames": names}
    fitting.lacks(name, "give none, auto, required, or the names of functions")
    return None


def _name(tool: Mapping[str, Any]) -> str | None:
    """The function that an entry of ``allowed_tools`` names; None where it is another tool."""
    if tool.get("type", "function") != "function":
        return None
    function = tool.get("function", tool)
    name = function.get("name") if isinstance(function, Mapping) else None
    return name if isinstance(name, str) else None


def _listed(value: Any) -> Sequence[Any]:
    return () if value is UNSET or value is None else value
