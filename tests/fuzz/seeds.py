"""Seeds: the inputs that a target starts with, kept as text, one a line.

A line is a Python expression of bytes literals, joined by ``+`` and repeated by ``*``: ``b"[" * 5000 + b"x"``. Lines
that begin with ``#`` say what the next ones are for. Each crash that was found stands there too.
"""

from __future__ import annotations

import ast
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"


def seeds(target: str) -> list[bytes]:
    """The seeds of a target.

    Raises:
        ValueError: a line is no such expression.
    """
    lines = (CORPUS / f"{target}.txt").read_text(encoding="ascii").splitlines()
    return [_value(ast.parse(line, mode="eval").body) for line in lines if line and not line.startswith("#")]


def written(data: bytes) -> str:
    """The line for an input."""
    return repr(bytes(data))


def _value(node: ast.expr) -> bytes:
    match node:
        case ast.Constant(value=bytes(data)):
            return data
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _value(left) + _value(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=ast.Constant(value=int(times))):
            return _value(left) * times
    raise ValueError(f"no seed: {ast.unparse(node)}")
