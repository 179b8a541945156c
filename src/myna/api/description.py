"""The OpenAPI description: FastAPI's own, with our errors in the place of its."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from myna.api.errors import OPENAI, ProblemDetails


def describe(app: FastAPI) -> None:
    """Has the app describe itself so that what it says of its errors is true."""

    def description() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _description(app)
        return app.openapi_schema

    app.openapi = description  # type: ignore[method-assign]


def _description(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.routes, tags=app.openapi_tags
    )
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    schemas["ProblemDetails"] = ProblemDetails.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path, operations in found["paths"].items():
        for operation in operations.values():
            if path.startswith(OPENAI):
                operation["responses"].pop("422", None)
    return found
