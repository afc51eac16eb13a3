"""Explain: what a configuration means for a call, without making one."""
