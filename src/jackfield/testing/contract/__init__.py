"""The contract kit: classes of tests that a plugin's own tests subclass, to prove that it keeps the contract."""
