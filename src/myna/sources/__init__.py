"""How facts arrive: one file per format, each record mapped or counted by reason.

from myna.sources import bring

brought = bring(store, "congress_tweets_2016")                      # a folder of Parquet, JSONL or CSV
brought = bring(store, "posts.jsonl", mapping={"author": "user"})   # other column names
brought = bring(store, "twitter-2023-02-18.zip")                    # an X archive
brought = bring(store, "archive-20230218.tar.gz")                   # a Mastodon archive
brought.new, brought.known, brought.skipped                         # what became of every record
"""

from myna.sources.bring import bring
from myna.sources.types import Brought, FileReport

__all__ = ["Brought", "FileReport", "bring"]
