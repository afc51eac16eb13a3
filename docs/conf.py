"""Settings of Sphinx for the documentation of jackfield."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "jackfield"
author = "the jackfield maintainers"
copyright = "the jackfield maintainers"  # noqa: A001 - the name that Sphinx reads
release = version = version_of("jackfield")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"jackfield {release}"
exclude_patterns = ["_build"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
# The README's links within the repository lead to files that are no pages.
suppress_warnings = ["myst.xref_missing"]

autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_class_signature = "mixed"
napoleon_google_docstring = True
napoleon_use_ivar = True
