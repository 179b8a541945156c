"""From permitted posts to training text: cleaning, near-duplicates, tokenizer, token shards.

corpus = build_corpus(reader, home / "corpus")     # what the gate admits, cleaned, each text once
corpus.tokens, corpus.documents                    # (tokens,) uint16 on disk; where each document begins
corpus.tokenizer.encode(clean("Hi @lan!"))
corpus.drop(["home:17"])                           # a deleted post's tokens are overwritten where they lie
"""

from myna.corpus.build import build_corpus, drop_from_all, keep_to_permitted
from myna.corpus.canaries import PLANTED, Canary, make_canaries
from myna.corpus.cleaning import clean, has_words, readable
from myna.corpus.controls import (
    REACTIONS,
    REGISTERS,
    controls_of,
    informality,
    kept,
    lang_token,
    reaction_token,
    register_of,
    register_token,
    topic_token,
    vocabulary_of,
)
from myna.corpus.documents import gather, permitted
from myna.corpus.duplicates import repeats
from myna.corpus.exporting import Exported, export_corpus
from myna.corpus.languages import language_of, languages_of
from myna.corpus.open_tokenizer import AnyTokenizer, OpenTokenizer, load_tokenizer
from myna.corpus.parquet import folder_hash, read_documents
from myna.corpus.reactions import with_reactions
from myna.corpus.shards import Corpus, persist, remove_other_corpora, write_corpus
from myna.corpus.ties import ties
from myna.corpus.tokenizer import (
    END,
    PAD,
    QUOTE,
    REPLY,
    SPECIAL,
    Streaming,
    Tokenizer,
    train_tokenizer,
    vocabulary_size,
)
from myna.corpus.topics import find_topics, topics_of
from myna.corpus.types import Description, Document, Gathered, Joint, Passage

__all__ = [
    "END",
    "PAD",
    "PLANTED",
    "QUOTE",
    "REACTIONS",
    "REGISTERS",
    "REPLY",
    "SPECIAL",
    "AnyTokenizer",
    "Canary",
    "Corpus",
    "Description",
    "Document",
    "Exported",
    "Gathered",
    "Joint",
    "OpenTokenizer",
    "Passage",
    "Streaming",
    "Tokenizer",
    "build_corpus",
    "clean",
    "controls_of",
    "drop_from_all",
    "export_corpus",
    "find_topics",
    "folder_hash",
    "gather",
    "has_words",
    "informality",
    "keep_to_permitted",
    "kept",
    "lang_token",
    "language_of",
    "languages_of",
    "load_tokenizer",
    "make_canaries",
    "permitted",
    "persist",
    "reaction_token",
    "read_documents",
    "readable",
    "register_of",
    "register_token",
    "remove_other_corpora",
    "repeats",
    "ties",
    "topic_token",
    "topics_of",
    "train_tokenizer",
    "vocabulary_of",
    "vocabulary_size",
    "with_reactions",
    "write_corpus",
]
