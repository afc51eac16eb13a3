"""Presets: the table of services, by the names that the setting ``preset`` takes.

What is here is what the documentation of each service says; where it says nothing, a field is sent as it is, and the
service judges. ``no`` is said of what a service refuses, and of what it would pass over in silence though the answer
would be another.
"""

from __future__ import annotations

from collections.abc import Mapping

from jackfield.parameters import no, partly
from jackfield_openai.deviations import (
    AS_SYSTEM,
    EXTRAS,
    FEW_MODELS,
    LIMIT,
    MEDIA,
    NO_EFFECT,
    NO_NAMES,
    PASSED_OVER,
    REFUSED,
    UNTOLD,
    USAGE_UNASKED,
    only,
)
from jackfield_openai.preset import Preset
from jackfield_openai.strict import GROQ, MISTRAL

PRESETS: Mapping[str, Preset] = {
    "cerebras": Preset(
        title="Cerebras",
        base_url="https://api.cerebras.ai/v1",
        key="CEREBRAS_API_KEY",
        sources=(
            "https://inference-docs.cerebras.ai/resources/openai",
            "https://inference-docs.cerebras.ai/capabilities/reasoning",
        ),
        parameters=dict.fromkeys(
            ("frequency_penalty", "logit_bias", "parallel_tool_calls", "presence_penalty", "service_tier"),
            REFUSED,
        ),
        roles=AS_SYSTEM,
        thoughts="reasoning",
        notes=("System messages weigh more than OpenAI's: they stand where the developer's do.",),
    ),
    "cohere": Preset(
        title="Cohere, compatibility API",
        base_url="https://api.cohere.ai/compatibility/v1",
        key="COHERE_API_KEY",
        sources=("https://docs.cohere.com/docs/compatibility-api",),
        parameters=only(
            *("frequency_penalty", "max_completion_tokens", "max_tokens", "messages", "model", "presence_penalty"),
            *("response_format", "seed", "stop", "stream", "temperature", "tools", "top_p"),
            reasoning_effort=partly("none and high"),
            stream_options=UNTOLD,
            tool_choice=UNTOLD,
        ),
        renamed=LIMIT,
    ),
    "deepseek": Preset(
        title="DeepSeek",
        base_url="https://api.deepseek.com",
        key="DEEPSEEK_API_KEY",
        sources=(
            "https://api-docs.deepseek.com/guides/thinking_mode",
            "https://api-docs.deepseek.com/quick_start/error_codes",
        ),
        parameters={
            **dict.fromkeys(("temperature", "presence_penalty", "frequency_penalty"), NO_EFFECT),
            **dict.fromkeys(("n", "parallel_tool_calls", "seed", "user"), UNTOLD),
            "response_format": partly("text and json_object; json_schema is not documented"),
            "reasoning_effort": partly("low, high and max; the others are taken as the nearest of these"),
        },
        renamed=LIMIT,
        roles=AS_SYSTEM,
        thoughts="reasoning_content",
        demands_thoughts=True,
        notes=(
            "Where an answer called tools, its `reasoning_content` has to be sent back: keep the message as it came.",
            "`finish_reason` may be `insufficient_system_resource`: the answer broke off, and may be asked for again.",
        ),
    ),
    "fireworks": Preset(
        title="Fireworks",
        base_url="https://api.fireworks.ai/inference/v1",
        key="FIREWORKS_API_KEY",
        sources=("https://docs.fireworks.ai/tools-sdks/openai-compatibility",),
        parameters={
            "stream_options": partly("the usage of a stream comes with its last choice"),
            "top_logprobs": partly("at most 5"),
            "reasoning_effort": partly("low, medium, high and none; not every model takes none"),
        },
        renamed=LIMIT,
        defaults={"context_length_exceeded_behavior": "error"},
        thoughts="reasoning_content",
        notes=("Unasked, the service would cut a prompt that is too long; here it is an error, as OpenAI has it.",),
    ),
    "github": Preset(
        title="GitHub Models",
        base_url="https://models.github.ai/inference",
        key="GITHUB_TOKEN",
        sources=("https://docs.github.com/en/github-models/quickstart",),
        notes=("The list of models is elsewhere, so that `jackfield models` fails.",),
    ),
    "groq": Preset(
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        key="GROQ_API_KEY",
        sources=("https://console.groq.com/docs/openai", "https://console.groq.com/docs/errors"),
        parameters={
            **dict.fromkeys(
                ("logit_bias", "logprobs", "metadata", "store", "top_logprobs"),
                no("the service refuses it: leave it out"),
            ),
            "n": partly("1 only"),
            "temperature": partly("0 is taken as 1e-8"),
        },
        unsaid=NO_NAMES,
        thoughts="reasoning",
        strict=GROQ,
    ),
    "huggingface": Preset(
        title="Hugging Face, Inference Providers",
        base_url="https://router.huggingface.co/v1",
        key="HF_TOKEN",
        sources=("https://huggingface.co/docs/inference-providers/index",),
        notes=("What a parameter does depends on the provider that the router takes.",),
    ),
    "llama.cpp": Preset(
        title="llama.cpp, llama-server",
        base_url="http://localhost:8080/v1",
        sources=("https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",),
        parameters={
            **dict.fromkeys((*MEDIA, *EXTRAS), PASSED_OVER),
            "function_call": no("use `tool_choice`"),
            "functions": no("use `tools`"),
            "reasoning_effort": partly("only where the template of the model knows it"),
            "tool_choice": partly("a hint, where the template of the model knows tools"),
        },
        renamed=LIMIT,
        thoughts="reasoning_content",
        notes=("A key is demanded only where the server was started with `--api-key`.",),
    ),
    "lm-studio": Preset(
        title="LM Studio",
        base_url="http://localhost:1234/v1",
        sources=(
            "https://lmstudio.ai/docs/developer/openai-compat/chat-completions",
            "https://lmstudio.ai/docs/developer/api-changelog",
        ),
        parameters=only(
            *("frequency_penalty", "logit_bias", "max_completion_tokens", "max_tokens", "messages", "model"),
            *("presence_penalty", "seed", "stop", "stream", "stream_options", "temperature", "tools", "top_p"),
            reasoning_effort=UNTOLD,
            response_format=partly("text and json_schema; json_object is not documented"),
            tool_choice=partly("none, auto and required; no named function"),
        ),
        renamed=LIMIT,
        thoughts="reasoning_content",
        notes=("A key is demanded only where it is switched on.",),
    ),
    "mistral": Preset(
        title="Mistral",
        base_url="https://api.mistral.ai/v1",
        key="MISTRAL_API_KEY",
        sources=(
            "https://docs.mistral.ai/api/endpoint/chat",
            "https://github.com/mistralai/client-python/blob/main/src/mistralai/client/models/chatcompletionrequest.py",
        ),
        parameters=only(
            *("frequency_penalty", "max_completion_tokens", "max_tokens", "messages", "metadata", "model", "n"),
            *("parallel_tool_calls", "prediction", "presence_penalty", "prompt_cache_key", "response_format", "seed"),
            *("stop", "stream", "temperature", "tool_choice", "tools", "top_p"),
            reasoning_effort=partly("none and high, more on some models"),
            stream_options=USAGE_UNASKED,
        ),
        renamed=LIMIT | {"seed": "random_seed"},
        roles=AS_SYSTEM,
        unsaid=NO_NAMES,
        stream_options=False,
        thoughts="content",
        strict=MISTRAL,
        notes=(
            "The last message has to be the user's or a tool's; the assistant's needs `prefix`, a field of its own.",
        ),
    ),
    "moonshot": Preset(
        title="Moonshot (Kimi)",
        base_url="https://api.moonshot.ai/v1",
        key="MOONSHOT_API_KEY",
        sources=("https://platform.moonshot.ai/docs/api/chat",),
        parameters=dict.fromkeys(
            ("frequency_penalty", "n", "presence_penalty", "temperature", "top_p"), partly("fixed for some models")
        ),
        thoughts="reasoning_content",
        notes=("Keys of api.moonshot.cn are others: set `base_url` for these.",),
    ),
    "nvidia": Preset(
        title="NVIDIA NIM",
        base_url="https://integrate.api.nvidia.com/v1",
        key="NVIDIA_API_KEY",
        sources=("https://docs.api.nvidia.com/nim/reference/", "https://build.nvidia.com/"),
        renamed=LIMIT,
        notes=("Which parameters are taken depends on the model.",),
    ),
    "ollama": Preset(
        title="Ollama",
        base_url="http://localhost:11434/v1",
        sources=("https://docs.ollama.com/api/openai-compatibility",),
        parameters=only(
            *("frequency_penalty", "max_completion_tokens", "max_tokens", "messages", "model", "presence_penalty"),
            *("response_format", "seed", "stop", "stream", "stream_options", "temperature", "tools", "top_p"),
            logprobs=partly("newer versions only; others pass over it"),
            top_logprobs=partly("newer versions only; others pass over it"),
            reasoning_effort=partly("low, medium, high and none"),
        ),
        renamed=LIMIT,
        thoughts="reasoning",
        notes=("The ids of answers are not unique.", "Images have to be data URLs."),
    ),
    "openrouter": Preset(
        title="OpenRouter",
        base_url="https://openrouter.ai/api/v1",
        key="OPENROUTER_API_KEY",
        sources=(
            "https://openrouter.ai/docs/api/reference/overview",
            "https://openrouter.ai/docs/api/reference/errors-and-debugging",
        ),
        parameters={"stream_options": partly("without effect: the usage of a stream is always told")},
        thoughts="reasoning",
        notes=(
            "Parameters that the chosen model does not take are passed over.",
            "`reasoning_details` of a message has to be sent back as it came: keep the message.",
            "The headers `HTTP-Referer` and `X-Title` name your application; set them in `headers`.",
        ),
    ),
    "perplexity": Preset(
        title="Perplexity",
        base_url="https://api.perplexity.ai",
        key="PERPLEXITY_API_KEY",
        sources=("https://docs.perplexity.ai/",),
        parameters={
            **dict.fromkeys(("tool_choice", "tools"), no("the service calls no tools: use another backend")),
            **dict.fromkeys(("logit_bias", "logprobs", "seed", "service_tier", "stop", "top_logprobs"), UNTOLD),
        },
        notes=("Each answer searches the web.", "There is no list of models."),
    ),
    "together": Preset(
        title="Together",
        base_url="https://api.together.ai/v1",
        key="TOGETHER_API_KEY",
        sources=(
            "https://docs.together.ai/docs/inference/openai-compatibility",
            "https://github.com/togethercomputer/together-py/blob/main/src/together/types/chat/completion_create_params.py",
        ),
        parameters=only(
            *("frequency_penalty", "function_call", "logit_bias", "max_completion_tokens", "max_tokens", "messages"),
            *("model", "n", "presence_penalty", "response_format", "seed", "stop", "stream", "temperature"),
            *("tool_choice", "tools", "top_p"),
            logprobs=no("give `extra_body` a number, as the service wants it"),
            reasoning_effort=partly("low, medium and high"),
            stream_options=USAGE_UNASKED,
        ),
        renamed=LIMIT,
        roles=AS_SYSTEM,
        arrays=("stop",),
        stream_options=False,
        thoughts="reasoning",
        notes=("`finish_reason` may be `eos`.",),
    ),
    "vllm": Preset(
        title="vLLM",
        base_url="http://localhost:8000/v1",
        sources=("https://docs.vllm.ai/en/latest/serving/online_serving/openai_compatible_server.html",),
        parameters={
            **dict.fromkeys((*MEDIA, *EXTRAS, "metadata"), PASSED_OVER),
            "tool_choice": partly("auto needs the server's options for it"),
            "user": partly("without effect"),
        },
        thoughts="reasoning",
        notes=("A key is demanded only where the server was started with `--api-key`.",),
    ),
    "xai": Preset(
        title="xAI",
        base_url="https://api.x.ai/v1",
        key="XAI_API_KEY",
        sources=("https://docs.x.ai/docs/guides/reasoning",),
        parameters={
            **dict.fromkeys(("frequency_penalty", "presence_penalty", "stop"), FEW_MODELS),
            "reasoning_effort": partly("not every model takes it"),
        },
        thoughts="reasoning_content",
    ),
}
"""By name."""
