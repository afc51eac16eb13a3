"""Checkup: what stands between a program and the answers of its backends, looked at one by one.

- ``row``: ``Row``, one finding: what was looked at, how it is, and what to do about it.
- ``scope``: ``Scope``, how far a checkup goes.
- ``checkup``: ``checkup()``, all findings, in order; ``jackfield doctor`` prints them.
- ``configuration``, ``plugins``, ``secrets``, ``network``, ``service``: what is looked at.
- ``verdict``: from what was found to a row; no I/O.
- ``build``: a backend with its layers, as far as they can be built.
- ``bounded``: a function that may block, for so long.
"""

from __future__ import annotations

from jackfield.checkup.checkup import checkup
from jackfield.checkup.row import Row
from jackfield.checkup.scope import Scope

__all__ = ["Row", "Scope", "checkup"]
