"""Search and answers: operators, ranking, permission before ranking, citations.

    search = Search(home / "search", reader, log, embed, embed_version)
    search.follow()                                          # a thread calls it again and again
    results = search.search(person_actor("home:1"), 'bridge from:lan since:2026 -is:reply')
    for hit in results.hits:
        print(hit.post.text, hit.highlights)
    search.ask(person_actor("home:1"), "When does the bridge open?").citations

`parse` and `describe` turn a query into its parts and show them back; `analyze` is the one analyzer.
"""

from myna.search.analyzer import analyze
from myna.search.follower import Embed
from myna.search.query import OPERATORS, describe, parse
from myna.search.search import Search
from myna.search.types import Answer, Chip, Citation, Hit, Query, Results

__all__ = [
    "OPERATORS",
    "Answer",
    "Chip",
    "Citation",
    "Embed",
    "Hit",
    "Query",
    "Results",
    "Search",
    "analyze",
    "describe",
    "parse",
]
