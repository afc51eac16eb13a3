"""Drivers: the only code that does things. One runs a call in a thread, one in a task, one in a test's imagination."""
