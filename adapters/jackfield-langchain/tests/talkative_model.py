"""The hand-made model of ``tests/system``, with a few wishes more: under a grammar it has something to say.

The standard tests of LangChain ask for a number that is 3, for texts that are not empty, one of them Chinese and one
Japanese, and, without a schema, for the JSON of a joke. Grammar, tokenizing and wire are the engine's own.
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

JOKE = '{"setup": "Why?", "punchline": "Cats."}'
TEXT = "\u4f60\u3053"
"""What every text is that the grammar leaves free."""


def _module() -> dict[str, Any]:
    source = Path(__file__).parents[3] / "tests" / "system" / "tiny_model.py"
    return runpy.run_path(str(source))


def write(path: Path) -> Path:
    """Write the model to ``path`` and return it."""
    tiny = _module()
    inner = tiny["write_tiny_model"].__globals__
    plain = inner["_bigrams"]
    inner["_VOCABULARY"].append((JOKE, inner["_USER"]))
    inner["_ID"][JOKE] = inner["_SIZE"]
    inner["_SIZE"] += 1
    inner["_OFFERED"] = inner["_SIZE"]
    inner["_WIDTH"] = -(-(inner["_SIZE"] + 1) // 32) * 32

    def bigrams() -> Any:
        matrix = plain()
        rows, byte = matrix.numbers, inner["_byte"]
        for row in (rows[byte("3")],):
            for current in range(inner["_SIZE"]):
                row[current] += 0.25
        before = byte('"')
        for code in TEXT.encode():
            rows[byte(chr(code))][before] += 4.0
            before = byte(chr(code))
        joke = rows[inner["_ID"][JOKE]]
        for current in range(inner["_SIZE"]):
            joke[current] -= 5.0
        joke[byte("\n")] += 5.9
        return matrix

    inner["_bigrams"] = bigrams
    return Path(tiny["write_tiny_model"](path))
