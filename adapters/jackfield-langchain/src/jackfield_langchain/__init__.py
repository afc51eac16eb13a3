"""jackfield for LangChain: ``ChatJackfield``, a chat model over all that a jackfield configuration names."""

from jackfield_langchain.chat_model import ChatJackfield
from jackfield_langchain.errors import ContextOverflow

__all__ = ["ChatJackfield", "ContextOverflow"]
