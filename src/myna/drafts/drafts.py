"""The guard of drafts: says how risky a text is and why, and keeps what should wait. It never posts and never bars."""

import hashlib
import hmac
import secrets
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from myna.decisions import Decision, DecisionLog
from myna.drafts.circumstances import circumstances
from myna.drafts.learning import learn
from myna.drafts.model import PRIOR, PROBES, Embed, Head, Model, forget, load, load_head, newest, save
from myna.drafts.morning import next_morning, zone_of
from myna.drafts.signals import SIGNALS, Span, merged, read
from myna.drafts.types import Draft, Guard, Risk
from myna.gate import Reader
from myna.i18n import N_
from myna.network import NotFound, Post, Problem, Progress, Records, Visibility, invalid, now_ms, quiet
from myna.people.types import Reason
from myna.private import keep_once

_LEAST = 0.3
"""The part of a logit below which a reason is not worth telling."""


class Drafts:
    """Checks drafts and keeps those that wait. Safe for many threads and processes."""

    def __init__(
        self, directory: Path, reader: Reader, log: DecisionLog, records: Records, embed: Embed | None = None
    ) -> None:
        self._directory, self._reader, self._log, self._embed = directory, reader, log, embed
        self._drafts, self._guards = records, records.of_kind("guards")
        self._lock = threading.Lock()
        self._loaded: dict[str, Model] = {}
        self._key = _secret(directory / "hash.key")
        log.replays("draft", self._replay)

    # -- the risk of a text ----------------------------------------------------------------------------------------

    def check(self, person_id: str, text: str, reply_to: str = "", now: int | None = None) -> Risk:
        """The risk of a text that this person is about to post, with its reasons; logged without the text."""
        now = now_ms() if now is None else now
        person = self._reader.person(person_id)
        _refuse_invalid(person.id, text, now, reply_to)
        around = circumstances(self._reader, person, reply_to, now)
        reading = read(text)
        model, words, meaning = self._scores(text)
        telling = [span for span, _ in model.telling_words(text)]
        input = {
            "at": now,
            "zone": person.timezone,
            "guard": str(self.guard(person.id)),
            "hash": hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest(),
            "length": len(text),
            "reply_to": reply_to,
            "features": reading.values | around.values,
            "words": round(words, 4),
            "meaning": round(meaning, 4),
            "hour": around.hour,
            "followers": around.followers,
            "spans": {name: [list(span) for span in spans] for name, spans in reading.spans.items()}
            | ({"words": [list(span) for span in telling]} if telling else {}),
        }
        output = judge(input, model.head)
        decision = self._log.write("draft", person.id, "draft", input, output, model.head.version, now)
        return Risk(
            output["probability"],
            tuple(_reason(reason) for reason in output["reasons"]),
            tuple((start, end) for start, end in output["spans"]),
            output["hold"],
            output["until"],
            decision,
        )

    def _scores(self, text: str) -> tuple[Model, float, float]:
        """The model that fits the embedding as it is now, and the words' and the embedding's part of the logit."""
        if self._embed is not None and newest(self._directory / "full") != PRIOR:
            # The probes go through with the text: a language model trained anew is noticed at once.
            vectors = np.asarray(self._embed([text, *PROBES]), np.float32)
            model = self._model("full")
            if model.fits(vectors[1:]):
                return model, float(model.word_scores([text])[0]), float(model.meaning_scores(vectors[:1])[0])
        model = self._model("plain")
        return model, float(model.word_scores([text])[0]), 0.0

    def _model(self, which: str) -> Model:
        directory = self._directory / which
        with self._lock:
            held = self._loaded.get(which)
            if held is None or held.head.version != newest(directory):
                held = self._loaded[which] = load(directory)
            return held

    def _replay(self, decision: Decision) -> dict[str, Any]:
        for which in ("full", "plain"):
            try:
                return judge(decision.input, load_head(self._directory / which, decision.model))
            except NotFound:
                if which == "plain":
                    raise
        raise AssertionError("one of two was returned or raised")

    # -- drafts that wait ------------------------------------------------------------------------------------------

    def hold(
        self,
        person_id: str,
        text: str,
        reply_to: str = "",
        quote_of: str = "",
        until: int | None = None,
        visibility: Visibility = Visibility.PUBLIC,
    ) -> Draft:
        """Keeps a text, by default until its author's next morning; durable on return. It never posts itself."""
        now = now_ms()
        person = self._reader.person(person_id)
        _refuse_invalid(person.id, text, now, reply_to, quote_of)
        if not text.strip():
            raise Problem("An empty draft is not kept; write something first.", 422)
        if until is None:
            until = next_morning(now, zone_of(person.timezone)[0])
        elif until and until <= now:
            raise Problem(
                "The time until which a draft is held has passed; give one to come, or 0 for no set time.", 422
            )
        risk = self.check(person.id, text, reply_to, now).probability
        id = f"{now:011x}{secrets.token_hex(6)}"
        draft = Draft(id, person.id, text, reply_to, quote_of, now, until, risk, visibility)
        self._drafts.put(id, _body(draft), owner=person.id)
        return draft

    def all(self, person_id: str) -> list[Draft]:
        """A person's drafts, those that come back first first."""
        found = [_draft(id, body) for id, body in self._drafts.all(person_id).items()]
        return sorted(found, key=lambda draft: (draft.until or 2**62, draft.created_at, draft.id))

    def due(self, person_id: str, now: int | None = None) -> list[Draft]:
        """Those whose time has come: to be shown to their author again."""
        now = now_ms() if now is None else now
        return [draft for draft in self.all(person_id) if 0 < draft.until <= now]

    def get(self, person_id: str, draft_id: str) -> Draft:
        """One draft of the person. Raises NotFound, also where it is somebody else's."""
        body = self._drafts.get(draft_id)
        if body is None or body["person_id"] != person_id:
            raise NotFound(f"You have no draft {draft_id!r}; it may have been posted or discarded already.")
        return _draft(draft_id, body)

    def take(self, person_id: str, draft_id: str) -> Draft:
        """Removes a draft and returns it, to be posted. Of many who take the same at once exactly one gets it."""
        self.get(person_id, draft_id)
        body = self._drafts.take(draft_id)
        if body is None:
            raise NotFound(f"You have no draft {draft_id!r}; it was posted or discarded a moment ago.")
        return _draft(draft_id, body)

    def save(self, person_id: str, draft_id: str, text: str) -> Draft:
        """Changes the text of a draft, and its risk with it. One taken meanwhile does not come back."""
        draft = self.get(person_id, draft_id)
        if not text.strip():
            raise Problem("A draft cannot be emptied; discard it instead.", 422)
        risk = self.check(person_id, text, draft.reply_to).probability
        body = self._drafts.change(draft_id, lambda old: {**old, "text": text, "risk": risk})
        if body is None:
            raise NotFound(f"You have no draft {draft_id!r}; it was posted or discarded a moment ago.")
        return _draft(draft_id, body)

    def discard(self, person_id: str, draft_id: str) -> None:
        """Throws a draft away. Raises NotFound if there is none."""
        self.take(person_id, draft_id)

    # -- the guard -------------------------------------------------------------------------------------------------

    def guard(self, person_id: str) -> Guard:
        """What the person wants of the guard; advice, before they said."""
        body = self._guards.get(person_id)
        return Guard.ADVISE if body is None else Guard(body["guard"])

    def set_guard(self, person_id: str, guard: Guard) -> None:
        """Sets what the person wants of the guard."""
        person = self._reader.person(person_id)
        self._guards.put(person.id, {"guard": str(Guard(guard))}, owner=person.id)

    # -- learning --------------------------------------------------------------------------------------------------

    def set_embed(self, embed: Embed | None) -> None:
        """Another embedding. Weights fitted to an earlier one are not used with it; `train` fits new ones."""
        self._embed = embed

    def train(self, progress: Progress = quiet) -> dict[str, Any]:
        """Learns from what the network's readers minded and from `labelled.*` in the folder; returns the metrics.

        {"trained", "examples", "minded", "auc", "loss", "threshold", "network_posts", "seconds"}. The new model
        holds from the next check on, in every process.
        """
        models, metrics = learn(self._reader, self._directory, self._embed, progress)
        for which, model in zip(("plain", "full"), models, strict=False):
            saved = save(self._directory / which, model)
        if len(models) == 1:
            forget(self._directory / "full")
        self._log.write("train", "myna", "train", {"part": "drafts"}, metrics, saved.head.version)
        return metrics


def judge(input: dict[str, Any], head: Head) -> dict[str, Any]:
    """What is said of a draft: a pure function of the logged input and the model's head; a replay calls it again."""
    features: dict[str, float] = input["features"]
    probability = head.probability(features, input["words"], input["meaning"])
    spans: dict[str, list[Span]] = input["spans"]
    zone, known = zone_of(input["zone"])
    reasons = []
    shown: list[Span] = []
    parts = {
        signal.name: head.slope * head.weights.get(signal.name, 0.0) * features.get(signal.name, 0.0)
        for signal in SIGNALS
    }
    if "attack" in features:  # an insult that is aimed at somebody is told once
        parts["attack"] += parts.pop("insult", 0.0)
    for signal in SIGNALS:
        if parts.get(signal.name, 0.0) >= _LEAST:
            values = {"late": {"hour": f"{input['hour']}:00"}, "audience": {"followers": str(input["followers"])}}
            evidence = [input["reply_to"]] if signal.name == "heat" else []
            reasons.append(_told(signal.reason, values.get(signal.name, {}), evidence, parts[signal.name]))
            shown += [(start, end) for start, end in spans.get(signal.name, ())]
    words = head.slope * input["words"]
    if words >= _LEAST and spans.get("words"):
        reasons.append(_told(_WORDS, {}, [], words))
        shown += [(start, end) for start, end in spans["words"]]
    meaning = head.slope * input["meaning"]
    if meaning >= _LEAST:
        reasons.append(_told(_MEANING, {}, [], meaning))
    reasons.sort(key=lambda reason: -reason["contribution"])
    hold = input["guard"] == Guard.HOLD and probability >= head.threshold
    if not known:
        reasons.append(_told(_ZONE, {"zone": input["zone"]}, [], 0.0))
    return {
        "probability": probability,
        "hold": hold,
        "threshold": head.threshold,
        "until": next_morning(input["at"], zone),
        "reasons": reasons,
        "spans": [list(span) for span in merged(shown)],
    }


_WORDS = N_("Posts with these words were minded by readers more often than others.")
_MEANING = N_("Posts that say something like it were minded by readers more often than others.")
_ZONE = N_("Your time zone {zone} is not known here, so your morning is taken in UTC; set it in your profile.")


def _told(text: str, values: dict[str, str], evidence: list[str], contribution: float) -> dict[str, Any]:
    return {"text": text, "values": values, "evidence": evidence, "contribution": round(contribution, 4)}


def _reason(told: dict[str, Any]) -> Reason:
    return Reason(told["text"], told["values"], tuple(told["evidence"]), told["contribution"])


def _refuse_invalid(person_id: str, text: str, now: int, reply_to: str = "", quote_of: str = "") -> None:
    if reason := invalid(Post("home:draft", person_id, now, text, reply_to=reply_to, quote_of=quote_of)):
        raise Problem(f"This draft cannot be kept or checked: {reason}.", 422)


def _body(draft: Draft) -> dict[str, Any]:
    return {name: value for name, value in asdict(draft).items() if name != "id"}


def _draft(id: str, body: dict[str, Any]) -> Draft:
    return Draft(id, **{**body, "visibility": Visibility(body["visibility"])})


def _secret(path: Path) -> bytes:
    """A random key of this installation, made once: whoever reads the log cannot try out short texts on the hashes."""
    keep_once(path, secrets.token_bytes(32))
    return path.read_bytes()
