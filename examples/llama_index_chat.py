"""LlamaIndex: an answer as it is written. ``python llama_index_chat.py MODEL``."""

import os
import sys

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(
    model=sys.argv[1],
    api_base=os.environ["OPENAI_BASE_URL"],
    api_key=os.environ["OPENAI_API_KEY"],
    is_chat_model=True,
    is_function_calling_model=True,
)
for part in llm.stream_chat([ChatMessage(role="user", content="What is the capital of France?")]):
    print(part.delta or "", end="", flush=True)
print()
