"""pydantic-ai: an answer that has the shape of a class. ``python pydantic_ai_chat.py MODEL``."""

import sys

from pydantic import BaseModel
from pydantic_ai import Agent, NativeOutput
from pydantic_ai.models.openai import OpenAIChatModel


class City(BaseModel):
    name: str
    country: str


agent = Agent(OpenAIChatModel(sys.argv[1]), output_type=NativeOutput(City))
result = agent.run_sync("What is the largest city in Mexico?")
print(repr(result.output))
