"""A hand-made language model of 0.4 MB, written as GGUF by the standard library: nothing was trained or downloaded.

It has the llama architecture, and one layer. Its output matrix is a table of bigrams: which token follows which. Its
attention averages over the prompt and so tells one thing, whether the prompt offers tools whose result is not there
yet. What it says is fixed; the tokenizing, the sampling, the grammars and the wire around it are the engine's own.

====================================  =========================================================
prompt                                answer
====================================  =========================================================
plain chat                            ``REPLY``
with ``tools``                        one tool call, as short as its schema allows
with ``tools`` and a tool's result    ``REPLY``
with ``response_format``              the shortest JSON that the schema allows
====================================  =========================================================

Run it to write a file: ``python tiny_model.py tiny.gguf``.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

REPLY = "Hello from a tiny llama model on this real server."
_WORDS = ("Hello", " from", " a", " tiny", " llama", " model", " on", " this", " real", " server", ".")
CONTEXT = 8192
"""Tokens that the model says it was made for."""

TEMPLATE = """\
{%- macro turn(role, text) -%}{{- '<|im_start|>' ~ role ~ '\\n' ~ text ~ '<|im_end|>\\n' -}}{%- endmacro -%}
{%- if tools -%}
{{- '<|im_start|>system\\nThe functions are:\\n<tools>\\n' -}}
{%- for tool in tools %}{{ tool | tojson ~ '\\n' }}{% endfor -%}
{{- 'Call one like this:\\n<tool_call>\\n{"name": "NAME", "arguments": {}}\\n</tool_call><|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages -%}
{%- if message.role == 'tool' -%}
{{- turn('user', '<tool_response>\\n' ~ message.content ~ '\\n</tool_response>') -}}
{%- elif message.role == 'assistant' -%}
{{- '<|im_start|>assistant\\n' ~ (message.content or '') -}}
{%- for called in message.tool_calls or [] -%}
{%- set function = called.function or called -%}
{%- if message.content or not loop.first %}{{ '\\n' }}{% endif -%}
{{- '<tool_call>\\n{"name": "' ~ function.name ~ '", "arguments": ' -}}
{%- if function.arguments is string %}{{ function.arguments }}{% else %}{{ function.arguments | tojson }}{% endif -%}
{{- '}\\n</tool_call>' -}}
{%- endfor -%}
{{- '<|im_end|>\\n' -}}
{%- else -%}
{{- turn(message.role, message.content) -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif -%}
"""

# -- the vocabulary ------------------------------------------------------------------------------------------------

_UNKNOWN, _CONTROL, _USER, _BYTE = 2, 3, 4, 6  # kinds of tokens, as GGUF numbers them
_VOCABULARY: list[tuple[str, int]] = [
    ("<unk>", _UNKNOWN),
    ("<s>", _CONTROL),
    ("</s>", _CONTROL),
    *((f"<0x{byte:02X}>", _BYTE) for byte in range(256)),
    ("<|im_start|>", _CONTROL),
    ("<|im_end|>", _CONTROL),
    *((word, _USER) for word in ("<tool_call>", "</tool_call>", "<tools>", "<tool_response>")),
    *((word, _USER) for word in _WORDS if len(word) > 1),
]
_ID = {text: number for number, (text, _) in enumerate(_VOCABULARY)}
_SIZE = len(_VOCABULARY)
_OFFERED = _SIZE  # the place of an embedding that holds "tools are offered, and no result is there"
_WIDTH = -(-(_SIZE + 1) // 32) * 32
_HEAD = _INNER = 32


def _byte(char: str) -> int:
    return _ID[f"<0x{ord(char):02X}>"]


class _Matrix:
    """A matrix of half-precision numbers, nearly all of them zero."""

    def __init__(self, rows: int, columns: int) -> None:
        self.shape = (columns, rows)  # GGUF counts the fastest dimension first
        self.numbers = [[0.0] * columns for _ in range(rows)]

    def data(self) -> bytes:
        pack = struct.Struct(f"<{self.shape[0]}e").pack
        return b"".join(pack(*row) for row in self.numbers)


def _embeddings() -> _Matrix:
    """Each token is a direction of its own."""
    matrix = _Matrix(_SIZE, _WIDTH)
    for token, row in enumerate(matrix.numbers):
        row[token] = 1.0
    return matrix


def _bigrams() -> _Matrix:
    """``numbers[next][current]``: how much ``next`` is wanted after ``current``."""
    matrix = _Matrix(_SIZE, _WIDTH)
    rows = matrix.numbers

    def want(token: int, weight: float, after: Iterable[int]) -> None:
        for current in after:
            rows[token][current] += weight

    anything, newline, end = range(_SIZE), _byte("\n"), _ID["<|im_end|>"]
    # No text that is not printable; and when a grammar forbids the reply, close whatever can be closed.
    for code in (*range(33), *range(127, 256)):
        want(_byte(chr(code)), -1.0, anything)
    for char, weight in {'"': 0.6, "}": 0.55, "]": 0.5, ",": 0.3, ":": 0.3, "{": 0.3, "0": 0.2}.items():
        want(_byte(char), weight, anything)
    want(end, 0.7, anything)
    # The reply follows the line end of the generation prompt.
    before = newline
    for word in _WORDS:
        token = _ID[word] if word in _ID else _byte(word)
        want(token, 2.0, [before])
        before = token
    want(end, 2.0, [before])
    # A tool call follows it where tools are offered; then nothing more.
    want(_ID["<tool_call>"], -1000.0, (token for token in anything if token != newline))
    want(_ID["<tool_call>"], 40.0, [_OFFERED])
    want(newline, 60.0, [_ID["<tool_call>"]])
    want(_ID["</tool_call>"], 5.0, [_byte("}")])
    want(end, 50.0, [_ID["</tool_call>"]])
    return matrix


def _tensors() -> dict[str, tuple[int, tuple[int, ...], bytes]]:
    """Kind (0 single, 1 half precision), shape and bytes of each tensor."""
    ones = struct.pack(f"<{_WIDTH}f", *[1.0] * _WIDTH)
    value, output = _Matrix(_HEAD, _WIDTH), _Matrix(_WIDTH, _HEAD)
    value.numbers[0][_ID["<tools>"]], value.numbers[0][_ID["<tool_response>"]] = 1.0, -2.0
    output.numbers[_OFFERED][0] = 10.0
    matrices = {
        "token_embd": _embeddings(),
        "output": _bigrams(),
        # Without queries and keys, attention is the plain average over all tokens so far.
        "blk.0.attn_q": _Matrix(_HEAD, _WIDTH),
        "blk.0.attn_k": _Matrix(_HEAD, _WIDTH),
        "blk.0.attn_v": value,
        "blk.0.attn_output": output,
        "blk.0.ffn_gate": _Matrix(_INNER, _WIDTH),
        "blk.0.ffn_up": _Matrix(_INNER, _WIDTH),
        "blk.0.ffn_down": _Matrix(_WIDTH, _INNER),
    }
    tensors = {f"{name}.weight": (1, matrix.shape, matrix.data()) for name, matrix in matrices.items()}
    norms = ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")
    return tensors | {f"{name}.weight": (0, (_WIDTH,), ones) for name in norms}


# -- the file format: GGUF, version 3 ------------------------------------------------------------------------------

_ALIGNMENT = 32
_Value = str | int | float | bool | Sequence[str] | Sequence[int] | Sequence[float]


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _typed(value: _Value) -> tuple[int, bytes]:
    """The number of a value's type, and its bytes."""
    if isinstance(value, str):
        return 8, _string(value)
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    items = [_typed(item) for item in value]
    kind = 5 if items[0][0] == 4 else items[0][0]  # numbers in a list are signed: the engine insists
    return 9, struct.pack("<IQ", kind, len(items)) + b"".join(raw for _, raw in items)


def _padded(raw: bytes) -> bytes:
    return raw + b"\0" * (-len(raw) % _ALIGNMENT)


def _metadata(template: str) -> dict[str, _Value]:
    return {
        "general.architecture": "llama",
        "general.name": "tiny",
        "general.file_type": 1,
        "llama.context_length": CONTEXT,
        "llama.embedding_length": _WIDTH,
        "llama.block_count": 1,
        "llama.feed_forward_length": _INNER,
        "llama.attention.head_count": 1,
        "llama.attention.head_count_kv": 1,
        "llama.attention.key_length": _HEAD,
        "llama.attention.value_length": _HEAD,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": _HEAD,
        "llama.vocab_size": _SIZE,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.pre": "default",
        "tokenizer.ggml.tokens": [text for text, _ in _VOCABULARY],
        "tokenizer.ggml.scores": [0.0] * _SIZE,
        "tokenizer.ggml.token_type": [kind for _, kind in _VOCABULARY],
        "tokenizer.ggml.bos_token_id": _ID["<s>"],
        "tokenizer.ggml.eos_token_id": _ID["<|im_end|>"],
        "tokenizer.ggml.unknown_token_id": _ID["<unk>"],
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.add_space_prefix": False,
        "tokenizer.chat_template": template,
    }


def write_tiny_model(path: Path, template: str = TEMPLATE) -> Path:
    """Write the model to ``path`` and return it; takes about 0.1 s.

    Args:
        path: of the GGUF file.
        template: the chat template (Jinja) to put into it.
    """
    metadata, tensors = _metadata(template), _tensors()
    head = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(metadata))]
    for key, value in metadata.items():
        kind, raw = _typed(value)
        head += [_string(key), struct.pack("<I", kind), raw]
    offset = 0
    for name, (kind, shape, raw) in tensors.items():
        head += [_string(name), struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)]
        offset += len(_padded(raw))
    path.write_bytes(_padded(b"".join(head)) + b"".join(_padded(raw) for _, _, raw in tensors.values()))
    return path


if __name__ == "__main__":
    print(write_tiny_model(Path(sys.argv[1])))  # noqa: T201 - a program
