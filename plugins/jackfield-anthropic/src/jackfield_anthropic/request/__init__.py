"""From a request in OpenAI's words to the body of ``POST /messages``."""
