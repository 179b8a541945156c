"""Making a network and its models: demo, import, world, train, rebuild."""

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from myna.app import Myna
from myna.app.making import Made, Maker, demo_home, of_drafts, of_ranking, of_reception
from myna.app.manifest import read_manifest
from myna.cli.opening import Database, Home, Json, network, settings
from myna.cli.show import answer, bar, err, table, watch, when
from myna.network import Problem, Purpose

_WHAT = ("language", "ranking", "drafts", "reception")


def add(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(demo)
    app.command("import")(import_)
    app.command()(world)
    app.command()(train)
    app.command()(rebuild)


def demo(
    home: Home = None,
    database: Database = None,
    source: Annotated[Path | None, typer.Option("--from", help="Real posts instead of a simulated network.")] = None,
    people: Annotated[int, typer.Option(min=2, help="People to simulate.")] = 1000,
    posts: Annotated[int, typer.Option(min=0, help="Posts to simulate.")] = 40_000,
    seed: int = 1,
    minutes: Annotated[float, typer.Option(min=0.05, help="Time to train the language model.")] = 3.0,
    port: Annotated[int | None, typer.Option(min=0, max=65535)] = None,
    serving: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the pages when all is made.")] = True,
    json: Json = False,
) -> None:
    """Makes a whole network, trains its models, builds its index and serves it.

    Stopped anywhere, the next start goes on. The posts are simulated, or with --from your own: a folder or file of the
    neutral format, an X archive or a Mastodon archive. You are the operator of this network, so importing real posts
    here also records your yes to train on them; `myna import` alone does not.
    """
    chosen = demo_home(home, source)
    if not (settings(chosen).home / "models" / "language" / "current").exists():
        _with_fast_memory()
    with network(chosen, database, existing=False) as myna:
        maker = Maker(myna, source, people, posts, seed, minutes)
        steps: list[Made] = []
        with myna.embedding.remembering():
            for title, step in maker.steps():
                if maker.done(step):
                    continue
                with bar(title) as progress:
                    made = step(progress)
                maker.finish(step, made)
                steps.append(made)
                err.print(f"  {made.note} ({made.seconds:.0f} s)", markup=False)
    if not serving:
        answer({"home": settings(chosen).home, "made": steps}, json, f"The network is in {settings(chosen).home}.")
        return
    from myna.cli.serve import run

    run(settings(chosen, database, port=port, demo=True))


def import_(
    path: Annotated[Path, typer.Argument(help="A file, folder or archive.")],
    home: Home = None,
    database: Database = None,
    source: Annotated[str, typer.Option("--source", help="Name of the network the posts are from.")] = "",
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="Our column=their column, as often as needed.")
    ] = None,
    allow: Annotated[
        list[Purpose] | None, typer.Option("--allow", help="What else these posts may be used for: train.")
    ] = None,
    json: Json = False,
) -> None:
    """Brings posts in: neutral JSONL, Parquet or CSV, an X archive, a Mastodon archive.

    Exit code 1 if a file could not be read to its end.
    """
    from myna.sources import bring

    mapping = {}
    for pair in map_ or []:
        ours, _, theirs = pair.partition("=")
        if not ours or not theirs:
            raise Problem(f"--map takes OUR_NAME=THEIR_NAME, not {pair!r}.")
        mapping[ours.strip()] = theirs.strip()
    with network(home, database, existing=False) as myna:
        with bar("Importing") as progress:
            brought = bring(myna.store, path, source, mapping, progress, allow=tuple(allow or ()))
        found = brought.to_dict()
        myna.log.write("import", "operator", "", {"path": path.name}, found)
    if json:
        answer(found, json)
    else:
        _report(found, Purpose.TRAIN in (allow or ()))
    if brought.problems:
        sys.exit(1)


def _report(found: dict[str, Any], trained_on: bool) -> None:
    """Prints what became of each file."""
    rows = [
        (
            file["name"],
            file["role"],
            f"{file['read']:,}",
            f"{file['new']:,}",
            f"{file['known']:,}",
            f"{sum(file['skipped'].values()):,}",
        )
        for file in found["files"]
    ]
    table(rows, "file", "holds", ">records", ">new", ">known", ">left out")
    for file in found["files"]:
        for line in _remarks(file):
            answer(None, False, f"  {file['name']}: {line}")
    if found["ignored"]:
        named = ", ".join(found["ignored"][:5]) + (" …" if len(found["ignored"]) > 5 else "")
        answer(None, False, f"  not opened: {len(found['ignored']):,} files ({named})")
    if not trained_on:
        answer(None, False, "These posts will not be trained on. To allow it: the same command with --allow train.")


def _remarks(file: dict[str, Any]) -> Iterator[str]:
    """What else there is to say of a file that was brought in."""
    if file["problem"]:
        yield file["problem"]
    for reason, count in sorted(file["skipped"].items(), key=lambda item: -item[1]):
        yield f"{count:,} left out: {reason}" + (f" (first {file['first'][reason]})" if reason in file["first"] else "")
    if file["merged"]:
        yield f"{file['merged']:,} put with what another record says"
    for note, count in sorted(file["notes"].items(), key=lambda item: -item[1]):
        yield f"{count:,} × {note}"
    if file["unused"]:
        yield f"columns not used: {', '.join(file['unused'])}"


def world(
    out: Annotated[Path, typer.Option("--out", help="Folder to write.")],
    people: Annotated[int, typer.Option(min=2)] = 1000,
    posts: Annotated[int, typer.Option(min=0)] = 40_000,
    seed: int = 1,
    json: Json = False,
) -> None:
    """Writes a simulated network in the neutral format. The same numbers and seed give the same bytes."""
    from myna.world import generate

    with bar("Simulating") as progress:
        made = generate(people, posts, seed, progress)
    with bar("Writing") as progress:
        made.write(out, progress)
    files = {path.name: path.stat().st_size for path in sorted(out.iterdir())}
    answer({"out": out, "files": files}, json, *(f"{out / name}  {size:,} bytes" for name, size in files.items()))


_MINUTES = 5.0


def _with_fast_memory() -> None:
    """Starts this command again where the settings that training on a CPU wants of the allocator are not there yet:
    it reads them when a process starts."""
    from myna.app.language import allocator_environment

    if wanted := allocator_environment():
        sys.stdout.flush()
        sys.stderr.flush()
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | wanted)


def train(
    kind: Annotated[str, typer.Argument(help="`chat`: teaches the version in use to answer.", show_default="")] = "",
    home: Home = None,
    database: Database = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.05, help="The one dial: time for the language model.", show_default="5")
    ] = None,
    gpu_days: Annotated[float | None, typer.Option(min=0.0, help="Instead: days of all devices together.")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Instead: tokens to read.")] = None,
    params: Annotated[int | None, typer.Option(min=1, help="Parameters, else the budget's best.")] = None,
    layers: Annotated[int | None, typer.Option(min=1)] = None,
    width: Annotated[int | None, typer.Option(min=32)] = None,
    context: Annotated[int | None, typer.Option(min=2, help="Tokens read at once.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Windows of `context` tokens a step.")] = None,
    rate: Annotated[float, typer.Option(help="A factor on the learning rates.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="A version's manifest.json: the same run, to the same bits.")
    ] = None,
    examples: Annotated[
        Path | None, typer.Option("--examples", help="For chat: conversations of your own, JSONL of messages.")
    ] = None,
    corpus: Annotated[
        Path | None, typer.Option("--corpus", help="A folder of `myna corpus` to train on, instead of all posts.")
    ] = None,
    init: Annotated[
        Path | None, typer.Option("--init", help="Go on from open weights: a Qwen3's folder, as transformers saves it.")
    ] = None,
    lora: Annotated[
        int | None,
        typer.Option(
            "--lora", min=1, help="With --init: train adapters of this rank, not all weights.", show_default="by memory"
        ),
    ] = None,
    forget: Annotated[
        list[str] | None, typer.Option("--forget", help="A post's id: back to before it was learned, and on without.")
    ] = None,
    slices: Annotated[int, typer.Option(min=0, help="Go through the posts in time order, in so many parts.")] = 0,
    shard: Annotated[bool, typer.Option("--shard", help="Divide the model among the processes (FSDP2).")] = False,
    lighthouse: Annotated[
        str, typer.Option("--lighthouse", help="HOST:PORT of torchft's: train as one of several replicas.")
    ] = "",
    what: Annotated[
        list[str] | None, typer.Option("--what", help="language, ranking, drafts, reception; all without it.")
    ] = None,
    json: Json = False,
) -> None:
    """Trains the models on what the gate permits. Killed anywhere, the same command goes on.

    The budget is one of --minutes, --gpu-days and --tokens; all else follows from it, or is given. On several
    processes or machines: `torchrun --nproc-per-node 2 -m myna train --what language`.
    """
    if kind not in ("", "chat"):
        raise Problem(f"`myna train {kind}` is not known; there are `myna train` and `myna train chat`.")
    if init and (kind or forget or manifest or params or layers or width):
        raise Problem(
            "--init takes size and tokens from the weights; it does not go with chat, --forget, --manifest, --params, "
            "--layers or --width."
        )
    if lora and not init:
        raise Problem("--lora goes with --init DIR: adapters need weights beside which they learn.")
    if corpus and (kind or forget or manifest):
        raise Problem("--corpus does not go with chat, --forget or --manifest, which have their text already.")
    if lighthouse and (forget or manifest or shard):
        raise Problem("--lighthouse does not go with --forget, --manifest or --shard: these give the same bits again.")
    chosen = ["language"] if kind or forget or init or corpus or lighthouse else what or list(_WHAT)
    if unknown := set(chosen) - set(_WHAT):
        raise Problem(
            f"There is no model {', '.join(sorted(unknown))}; --what takes language, ranking, drafts or reception."
        )
    if not (minutes or gpu_days or tokens):
        minutes = _MINUTES
    given = {
        **{"minutes": minutes, "gpu_days": gpu_days, "tokens": tokens, "parameters": params, "layers": layers},
        **{"width": width, "context": context, "batch": batch, "rate": rate, "seed": seed},
        "shard": shard,
        "slices": slices,
    }
    if "language" in chosen:
        _with_fast_memory()
    results = {}
    with network(home, database) as myna:
        if "language" in chosen:
            results["language"] = _train_language(
                *(myna, given, manifest, bool(kind), examples, forget or [], init, lora or 0, corpus, lighthouse)
            )
        if "ranking" in chosen:
            with bar("Training the ranking model") as progress:
                results["ranking"] = myna.feeds.train(progress)
        if "drafts" in chosen:
            with bar("Training the draft guard") as progress:
                results["drafts"] = myna.drafts.train(progress)
        if "reception" in chosen:
            with bar("Training the forecast of reactions") as progress:
                results["reception"] = myna.reception.train(progress)
    say = {"language": _of_language, "ranking": of_ranking, "drafts": of_drafts, "reception": of_reception}
    answer(results, json, *(f"{name}: {say[name](found)}" for name, found in results.items()))


def _train_language(
    myna: Myna,
    given: Mapping[str, Any],
    manifest: Path | None,
    chat: bool,
    examples: Path | None,
    forget: list[str],
    init: Path | None,
    lora: int,
    corpus: Path | None,
    lighthouse: str,
) -> dict[str, Any]:
    from myna.training import Dial

    if manifest is None:
        dial = Dial(**{name: value for name, value in given.items() if value is not None})
    else:
        dial = Dial(**read_manifest(manifest)["dial"])
    with watch("Training the language model") as (progress, tell):
        return myna.language.train(
            *(dial.check(), progress),
            tell=tell,
            manifest=manifest,
            chat=chat,
            examples=examples,
            forget=forget,
            init=init,
            lora=lora,
            folder=corpus,
            lighthouse=lighthouse,
        )


def _of_language(found: Mapping[str, Any]) -> str:
    bits = found["bits_per_byte"]
    return (
        f"model {found['version']}, {found['parameters']:,} parameters, {found['tokens']:,} tokens of "
        f"{found['documents']:,} posts, {found['seconds']:,.0f} s"
        + ("" if bits is None else f"; {bits:.3f} bits per byte on unseen posts")
    )


def rebuild(
    home: Home = None,
    database: Database = None,
    minutes: Annotated[float, typer.Option(min=0.05, help="For the language model, if it is lost.")] = 3.0,
    json: Json = False,
) -> None:
    """Makes all derived state again from the two logs alone: models that are lost, interests, index, feed."""
    with network(home, database) as myna:
        results = {}
        with myna.embedding.remembering():
            for title, step in Maker(myna, None, 0, 0, 0, minutes).derived(anew=True):
                with bar(title) as progress:
                    made = step(progress)
                results[made.step] = made.note
                err.print(f"  {made.note} ({made.seconds:.0f} s)", markup=False)
    answer(results, json, f"Rebuilt at {when_now()}.")


def when_now() -> str:
    """Now, as text."""
    from myna.network import now_ms

    return when(now_ms())
