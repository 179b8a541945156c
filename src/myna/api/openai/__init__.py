"""The part of OpenAI's API that a base model trained on a network's own posts can honestly answer, under /v1.

    client = openai.OpenAI(base_url="http://127.0.0.1:8420/v1", api_key="myna_…")
    client.completions.create(model="myna", prompt="The bridge", max_tokens=40)

models, completions, chat/completions (both also streamed), embeddings (numbers or base64).
"""

from myna.api.openai.routes import router

__all__ = ["router"]
