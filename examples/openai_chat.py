"""openai-python: an answer as it is written, and its tokens. ``python openai_chat.py MODEL``."""

import sys

from openai import OpenAI

stream = OpenAI().chat.completions.create(
    model=sys.argv[1],
    messages=[{"role": "user", "content": "What is the capital of France?"}],
    stream=True,
    stream_options={"include_usage": True},
)
for chunk in stream:
    for choice in chunk.choices:
        print(choice.delta.content or "", end="", flush=True)
    if chunk.usage:
        print(f"\n{chunk.usage.total_tokens} tokens")
