"""Tools for tests of plugins and hosts: the scripted driver, a plan without configuration, the echo provider."""

from __future__ import annotations

from jackfield.drivers.scripted import Reply, ScriptedBody, ScriptedDriver
from jackfield.testing.driver import make_call, plan, run_call, run_flow
from jackfield.testing.echo import Echo

__all__ = ["Echo", "Reply", "ScriptedBody", "ScriptedDriver", "make_call", "plan", "run_call", "run_flow"]
