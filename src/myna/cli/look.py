"""Asking a network: generate, search, ask, feed, why, delete, consent."""

import sys
from contextlib import closing
from typing import Annotated

import typer

from myna.cli.opening import As, Database, Home, Json, actor, network
from myna.cli.show import answer, err, out, when
from myna.feed.types import Mode
from myna.gate import OPERATOR
from myna.i18n import translate
from myna.network import Person, Post, Purpose
from myna.people.types import Reason


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (generate, search, ask, feed, why, delete, consent):
        app.command()(command)


def _line(post: Post, handles: dict[str, str], width: int = 100) -> str:
    text = " ".join(post.text.split())
    return f"@{handles.get(post.author_id, post.author_id)}  {text[:width]}{'…' if len(text) > width else ''}"


def _say(reason: Reason) -> str:
    return translate("en", reason.text, **reason.values)


def generate(
    prompt: Annotated[str, typer.Argument(help="How the text begins.")] = "",
    home: Home = None,
    database: Database = None,
    tokens: Annotated[int, typer.Option("--tokens", min=1, max=4096)] = 60,
    temperature: Annotated[float, typer.Option(min=0.0, max=5.0)] = 0.8,
    top_p: Annotated[float, typer.Option("--top-p", min=0.01, max=1.0)] = 0.95,
    seed: int | None = None,
    lang: Annotated[str, typer.Option("--lang", help="Language to write in, e.g. de.")] = "",
    register: Annotated[int | None, typer.Option(min=0, max=3, help="0 formal to 3 informal.")] = None,
    reaction: Annotated[int | None, typer.Option(min=0, max=4, help="0 badly to 4 best received.")] = None,
    topic: Annotated[str, typer.Option("--topic", help="A word or hashtag that many wrote of.")] = "",
    json: Json = False,
) -> None:
    """Lets the network's own model write."""
    with network(home, database) as myna:
        how = (prompt, tokens, temperature, top_p, seed, (), (), lang, register, reaction, topic)
        # Closed before the network is, also by Ctrl-C: what was written by then is a decision too.
        with closing(myna.language.generate(*how, OPERATOR)) as pieces:
            if json:
                value = {"model": myna.language.version, "prompt": prompt, "text": "".join(pieces)}
                answer({**value, "decision": pieces.decision}, json)
                return
            out.print(prompt, end="", markup=False)
            for piece in pieces:
                out.print(piece, end="", markup=False)
                sys.stdout.flush()
            out.print()
        err.print(f"decision {pieces.decision}")


def search(
    query: Annotated[str, typer.Argument(help="Words and operators, e.g. 'bridge from:lan since:2026-11-01'.")],
    home: Home = None,
    database: Database = None,
    as_: As = "",
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
    latest: Annotated[bool, typer.Option("--latest", help="Newest first.")] = False,
    cursor: str = "",
    json: Json = False,
) -> None:
    """Finds posts."""
    with network(home, database) as myna:
        myna.search.follow()
        found = myna.search_posts(actor(myna, as_), query, limit, cursor, "latest" if latest else "top")
        handles = _handles(myna.reader.people([hit.post.author_id for hit in found.hits]))
        lines = [f"{when(hit.post.created_at)}  {_line(hit.post, handles)}" for hit in found.hits]
        if found.relaxed:
            lines.insert(0, "Few posts hold all of these words; these hold some, or mean something near:")
        answer(found, json, *lines, f"{found.total:,} found · decision {found.decision}")


def ask(question: str, home: Home = None, database: Database = None, as_: As = "", json: Json = False) -> None:
    """Answers a question with what people here wrote, word for word, and says so where nobody did."""
    with network(home, database) as myna:
        myna.search.follow()
        found = myna.ask(actor(myna, as_), question)
        cited = [c.post for c in found.citations] + [hit.post for hit in found.closest]
        handles = _handles(myna.reader.people([post.author_id for post in cited]))
        lines = [
            f"“{c.text}”\n    @{handles.get(c.post.author_id, '?')}, {when(c.post.created_at)}, {c.post.id}"
            for c in found.citations
        ]
        if found.abstained:
            lines = ["No post here answers this. The closest:", *(_line(hit.post, handles) for hit in found.closest)]
        value = {
            "question": found.question,
            "abstained": found.abstained,
            "citations": [
                {"text": c.text, "post": c.post, "start": c.start, "end": c.end, "score": c.score}
                for c in found.citations
            ],
            "closest": found.closest,
            "decision": found.decision,
        }
        answer(value, json, *lines, f"decision {found.decision}")


def feed(
    person: Annotated[str, typer.Argument(help="A @handle or person id.")],
    home: Home = None,
    database: Database = None,
    mode: Mode = Mode.FOR_YOU,
    limit: Annotated[int, typer.Option(min=1, max=100)] = 10,
    cursor: str = "",
    json: Json = False,
) -> None:
    """A person's feed, each post with its reasons."""
    with network(home, database) as myna:
        myna.feeds.follow()
        page = myna.feed(myna.person(person).id, mode, limit, cursor)
        handles = _handles(myna.reader.people([item.post.author_id for item in page.items]))
        lines = []
        for item in page.items:
            lines.append(("[ad] " if item.ad else "") + _line(item.post, handles))
            lines.append("    " + " · ".join(_say(reason) for reason in item.reasons[:3]))
        answer(page, json, *lines, f"decision {page.decision}")


def why(
    decision: str,
    home: Home = None,
    database: Database = None,
    replay: Annotated[bool, typer.Option("--replay", help="Compute it again and compare the bytes.")] = False,
    json: Json = False,
) -> None:
    """Why Myna decided something: the reasons of a feed, a search, an auction, a refusal."""
    with network(home, database) as myna:
        found = myna.why(decision)
        lines = [f"{found['kind']} of {when(found['at'])} for {found['actor'] or 'nobody in particular'}"]
        if found["model"]:
            lines.append(f"model: {found['model']}")
        lines += [f"  {translate('en', r['text'], **r.get('values', {}))}" for r in found["reasons"]]
        if not found["reasons"]:
            lines += [f"  {key}: {value}" for key, value in found["output"].items()]
        if replay:
            again = myna.replay(decision)
            found["replay"] = {"same": again.same, "bytes": len(again.again)}
            lines.append(f"replayed: {'the same' if again.same else 'DIFFERENT'} {len(again.again):,} bytes")
        answer(found, json, *lines)


def delete(
    id: Annotated[str, typer.Argument(help="A post or person id.")],
    home: Home = None,
    database: Database = None,
    as_: As = "",
    json: Json = False,
) -> None:
    """Deletes a post, or a person with all they wrote. Cannot be undone; a tombstone remains."""
    with network(home, database) as myna:
        myna.delete(actor(myna, as_), id)
        # A running server drops its copies by itself; where none runs, nobody else would before the next start.
        myna.follow()
        answer({"deleted": id}, json, f"Deleted {id}.")


def consent(
    subject: Annotated[str, typer.Argument(help="A post id, person id, SOURCE:* or *.")],
    purpose: Purpose,
    allow: Annotated[bool, typer.Option("--yes/--no")],
    home: Home = None,
    database: Database = None,
    as_: As = "",
    json: Json = False,
) -> None:
    """Says yes or no to a purpose: as the author with --as, else as the operator."""
    with network(home, database) as myna:
        given = myna.consent(actor(myna, as_) if as_ else OPERATOR, subject, purpose, allow)
        answer(given, json, f"{given.by} says {'yes' if allow else 'no'} to {purpose} for {subject}.")


def _handles(people: dict[str, Person]) -> dict[str, str]:
    return {id: person.handle for id, person in people.items()}
