"""Write a software bill of materials for every wheel of a directory, beside it: ``python sbom.py DIRECTORY``.

One CycloneDX file a distribution: itself, and all that is installed with it today (no extras), with licences and the
hashes of the archives. pip resolves all wheels together, so no index is asked for a distribution of this repository.
The same resolution gives the same bytes: the date is that of ``SOURCE_DATE_EPOCH``, and the serial number is made of
the content.
"""

# ruff: noqa: INP001 - a script, no package

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

Report = Mapping[str, Mapping[str, Any]]
"""What pip would install, by canonical name: the items of its installation report."""
BEGINNING = 1580601600
"""The date where ``SOURCE_DATE_EPOCH`` is not set, 2020-02-02: that of the files in the wheels."""


def resolve(wheels: Iterable[Path]) -> Report:
    """What pip would install for these wheels in an empty environment like this one.

    Raises:
        subprocess.CalledProcessError: pip fails.
    """
    with tempfile.TemporaryDirectory() as work:
        report = Path(work) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--report", str(report), *map(str, wheels)]
        subprocess.run(command, check=True)  # noqa: S603 - our own arguments
        items = json.loads(report.read_text(encoding="utf-8"))["install"]
    return {canonicalize_name(item["metadata"]["name"]): item for item in items}


def needed(name: str, extras: frozenset[str], report: Report) -> set[tuple[str, frozenset[str]]]:
    """What a distribution asks for here, with some of its extras: canonical names, each with its extras."""
    wanted = map(Requirement, report[name]["metadata"].get("requires_dist", []))
    return {
        (canonicalize_name(one.name), frozenset(map(canonicalize_name, one.extras)))
        for one in wanted
        if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *extras))
    }


def edges(name: str, report: Report) -> dict[str, set[str]]:
    """A distribution without extras and all that it needs, directly or not; with each the names of what it asks for."""
    found: dict[str, set[str]] = {}
    left, seen = {(name, frozenset[str]())}, set()
    while left:
        seen.add(one := left.pop())
        wanted = needed(*one, report)
        found.setdefault(one[0], set()).update(other for other, _ in wanted)
        left |= wanted - seen
    return found


def bill(name: str, report: Report) -> str:
    """The bill of one distribution, as JSON that is valid by the schema of CycloneDX 1.6.

    Raises:
        ValueError: it is not valid.
    """
    asked = edges(name, report)
    components = {one: _component(report[one]) for one in sorted(asked)}
    bom = Bom(components=[component for one, component in components.items() if one != name])
    bom.metadata.component = components[name]
    bom.metadata.timestamp = dt.datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", BEGINNING)), dt.UTC)
    for one, component in components.items():
        bom.register_dependency(component, [components[other] for other in sorted(asked[one])])
    told = "".join(f"{one.purl}{[str(digest) for digest in one.hashes]}" for one in components.values())
    bom.serial_number = uuid.UUID(bytes=hashlib.sha256(told.encode()).digest()[:16], version=4)
    text = JsonV1Dot6(bom).output_as_string(indent=2) + "\n"
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        raise ValueError(f"{name}: {wrong!r}")
    return text


def _component(item: Mapping[str, Any]) -> Component:
    metadata = item["metadata"]
    name, version = metadata["name"], metadata["version"]
    purl = PackageURL("pypi", None, canonicalize_name(name), version)
    digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=str(purl),
        purl=purl,
        description=metadata.get("summary"),
        licenses=_licences(metadata),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
    )


def _licences(metadata: Mapping[str, Any]) -> list[License]:
    """The SPDX expression where there is one; else what older metadata say."""
    told = metadata.get("license_expression") or metadata.get("license") or ""
    if told and "\n" not in told:  # some put the whole text there
        return [LicenseFactory().make_from_string(told)]
    prefix = "License :: OSI Approved :: "
    names = [text.removeprefix(prefix) for text in metadata.get("classifier", []) if text.startswith(prefix)]
    return [LicenseFactory().make_with_name(name) for name in names]


def main() -> int:
    """Write ``NAME-VERSION.cdx.json`` for each wheel of the directory named on the command line; 1 if there is none."""
    directory = Path(sys.argv[1])
    wheels = sorted(directory.glob("*.whl"))
    if not wheels:
        return 1
    report = resolve(wheels)
    for wheel in wheels:
        stem, version, *_ = wheel.name.split("-")
        text = bill(canonicalize_name(stem), report)
        (directory / f"{stem}-{version}.cdx.json").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
