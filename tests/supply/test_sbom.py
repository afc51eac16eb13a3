"""The bill of materials of a distribution: all that it needs, and nothing else."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from importlib.metadata import distributions as installed
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from builds import NAMES
from walkthrough import ROOT, distributions

pytestmark = pytest.mark.skipif(find_spec("cyclonedx") is None, reason="tox -e sbom runs these")


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    """The script that writes bills."""
    spec = importlib.util.spec_from_file_location("sbom", ROOT / ".ci" / "sbom.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """As pip reports it: all that is installed here, more than any distribution needs. The hashes are made up."""
    items = {}
    for one in installed():
        name = canonicalize_name(one.name)
        metadata = {"name": one.name, "version": one.version, "requires_dist": list(one.requires or [])}
        metadata["license_expression"] = one.metadata["License-Expression"]
        metadata["license"] = one.metadata["License"]
        metadata["classifier"] = one.metadata.get_all("Classifier") or []
        digest = hashlib.sha256(name.encode()).hexdigest()
        items[name] = {"metadata": metadata, "download_info": {"archive_info": {"hashes": {"sha256": digest}}}}
    return items


def test_the_bill_of_the_core_names_its_dependencies(sbom: ModuleType, report: dict[str, Any]) -> None:
    """Its six, with what they need themselves, and no extra; each with its version, licence and hash."""
    bill = json.loads(sbom.bill("jackfield", report))
    direct = {canonicalize_name(Requirement(text).name) for text in distributions()["jackfield"]["dependencies"]}
    edges = {edge["ref"]: set(edge.get("dependsOn", [])) for edge in bill["dependencies"]}
    main = bill["metadata"]["component"]

    assert {one["name"] for one in bill["components"]} == direct | {"typing_extensions"}
    assert edges[main["bom-ref"]] == {one["purl"] for one in bill["components"] if one["name"] in direct}
    assert main["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    for one in bill["components"]:
        assert one["purl"] == f"pkg:pypi/{canonicalize_name(one['name'])}@{one['version']}"
        assert one["licenses"]
        assert one["hashes"] == [
            {"alg": "SHA-256", "content": hashlib.sha256(canonicalize_name(one["name"]).encode()).hexdigest()}
        ]


@pytest.mark.parametrize("name", NAMES)
def test_every_distribution_has_a_bill_that_is_valid(sbom: ModuleType, report: dict[str, Any], name: str) -> None:
    """``bill`` checks it against the schema; each bill names the core, or is the core's."""
    bill = json.loads(sbom.bill(name, report))

    assert bill["specVersion"] == "1.6"
    assert "jackfield" in {bill["metadata"]["component"]["name"], *(one["name"] for one in bill["components"])}


def test_a_bill_follows_the_extras_that_are_asked_for(sbom: ModuleType, report: dict[str, Any]) -> None:
    """The gateway asks for the core with two of them, another plugin for the core alone."""
    names = [
        {one["name"] for one in json.loads(sbom.bill(name, report))["components"]}
        for name in ("jackfield-gateway", "jackfield-retry")
    ]

    assert {"aiohttp", "click"} <= names[0]
    assert names[1].isdisjoint({"aiohttp", "click"})


def test_the_same_dependencies_make_the_same_bytes(
    sbom: ModuleType, report: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither clock nor chance has a part in it; another hash makes another serial number."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    first, second = sbom.bill("jackfield", report), sbom.bill("jackfield", dict(reversed(report.items())))
    changed = {
        **report,
        "attrs": {**report["attrs"], "download_info": {"archive_info": {"hashes": {"sha256": "0" * 64}}}},
    }

    assert first == second
    assert json.loads(first)["metadata"]["timestamp"] == "2020-02-02T00:00:00+00:00"
    assert json.loads(first)["serialNumber"] != json.loads(sbom.bill("jackfield", changed))["serialNumber"]

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert json.loads(sbom.bill("jackfield", report))["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"


def test_a_bill_that_is_not_valid_is_not_written(sbom: ModuleType, report: dict[str, Any]) -> None:
    """The schema is asked: a hash that is none is told."""
    broken = {**report, "attrs": {**report["attrs"], "download_info": {"archive_info": {"hashes": {"sha256": "no"}}}}}

    with pytest.raises(ValueError, match="jackfield"):
        sbom.bill("jackfield", broken)
