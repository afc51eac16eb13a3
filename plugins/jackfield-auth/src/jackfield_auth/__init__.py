"""jackfield-auth: middleware that give a backend its credentials, and give them to no one else."""

from __future__ import annotations

from jackfield_auth.header import Bearer, Header
from jackfield_auth.oauth2 import OAuth2

__all__ = ["Bearer", "Header", "OAuth2"]
