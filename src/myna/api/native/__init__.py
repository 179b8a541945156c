"""The native API, /api/v1: everything a person or program can do here, described by OpenAPI.

One file for each kind of thing: people, posts, reading (feed, search, answers), drafts, ads, operation (why, keys, …).
"""

from fastapi import APIRouter

from myna.api.errors import documented
from myna.api.native import ads, drafts, operation, people, posts, reading

router = APIRouter(prefix="/api/v1", responses=documented(401, 403, 404, 409, 422, 503))
for part in (posts, people, reading, drafts, ads, operation):
    router.include_router(part.router)

__all__ = ["router"]
