"""There is something to learn: languages, topics, entities with facts, threads that answer, and a rich vocabulary."""

import math
import re
import unicodedata
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from myna.world import World
from myna.world.columns import Columns
from myna.world.content import QUOTE, REPLY, REPOST
from myna.world.grammar import LANGS, language, topics
from myna.world.streams import stream
from myna.world.text import hashtags, tag_of
from myna.world.types import Act

_WORD = re.compile(r"\w+")


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


@pytest.mark.parametrize("code", LANGS)
def test_every_rule_of_every_language_can_be_said_without_gaps(code: str):
    grammar = language(code)
    n = 16 * 40
    topic = np.arange(n) % 16
    given = {name: np.full(n, name, dtype=object) for name in ("E", "V", "here")}
    columns = Columns(grammar, stream(1, code), given, {}, topic, np.arange(n) % 30, np.arange(n) % 2)
    for act in Act:
        if act is not Act.REPOST:
            for text in columns.say(act.name.lower(), np.arange(n)):
                assert not re.search(r"[{}]|%s|  | [.,!?]|\.\.", text), text
                assert text
                assert text == unicodedata.normalize("NFC", text)
    for pool in grammar.pools.values():
        assert len(pool.literal)


def test_all_languages_have_all_topics_with_facts_and_words():
    assert len(topics()) >= 16
    for code in LANGS:
        grammar = language(code)
        for number in range(len(topics())):
            assert len(grammar.facts[number]) >= 2
            assert grammar.pools["thing"].count[number] >= 12
            assert grammar.pools["good"].count[number] >= 3
            assert grammar.pools["news"].count[number] >= 4


def test_the_languages_are_all_there_and_written_in_their_own_letters(world: World):
    said = {code: [] for code in LANGS}
    for lang, text in zip(world.posts.lang.tolist(), world.written.text, strict=True):
        if text:
            said[LANGS[lang]].append(text)
    for code, texts in said.items():
        assert len(texts) > 600, code
    assert np.mean([bool(re.search("[ぁ-んァ-ン一-龯]", text)) for text in said["ja"]]) > 0.99
    assert np.mean([bool(re.search("[ăâđêôơưàáảãạèéẻẽẹìíòóùúýộệếốữợ]", text.lower())) for text in said["vi"]]) > 0.9
    assert np.mean([bool(re.search("[äöüß]", text.lower())) for text in said["de"]]) > 0.4


def test_posts_are_as_long_as_posts_are(world: World):
    lengths = np.array([len(text) for text in world.written.text if text])
    assert 80 < lengths.mean() < 140
    assert np.percentile(lengths, 95) > 2.5 * np.percentile(lengths, 10)
    assert lengths.max() < 600


def test_the_vocabulary_is_rich_and_falls_off_as_zipf_has_it(world: World):
    counts = np.array(sorted(Counter(word for text in world.written.text for word in _words(text)).values()))[::-1]
    assert len(counts) > 10_000
    ranks = np.arange(10, 2000)
    slope = np.polyfit(np.log(ranks), np.log(counts[ranks]), 1)[0]
    assert -1.4 < slope < -0.7


def test_what_comes_next_can_be_learned(world: World):
    """An interpolated trigram model needs well under the bits of a unigram model on the last tenth of English."""
    texts = [
        _words(text) for text, lang in zip(world.written.text, world.posts.lang, strict=True) if text and lang == 0
    ]
    cut = len(texts) * 9 // 10
    one, two, three, before = Counter(), Counter(), Counter(), Counter()
    for words in texts[:cut]:
        row = ["", "", *words]
        one.update(words)
        two.update(pairwise(row[1:]))
        three.update(zip(row, row[1:], row[2:], strict=False))
        before.update(row[1:-1])
        before.update(pairwise(row[:-1]))
    total = sum(one.values())
    unigram = trigram = 0.0
    count = 0
    for words in texts[cut:]:
        row = ["", "", *words]
        for a, b, c in zip(row, row[1:], row[2:], strict=False):
            p1 = (one[c] + 0.1) / (total + 0.1 * (len(one) + 5000))
            p2 = two[b, c] / before[b] if before[b] else p1
            p3 = three[a, b, c] / before[a, b] if before[a, b] else p2
            unigram -= math.log2(p1)
            trigram -= math.log2(0.1 * p1 + 0.3 * p2 + 0.6 * p3)
            count += 1
    assert trigram / count < 0.6 * unigram / count


def test_topics_can_be_told_apart_by_their_words(world: World):
    """Naive Bayes on words finds the planted topic of posts it has not seen."""
    rows = [row for row, text in enumerate(world.written.text) if text and world.posts.lang[row] == 0]
    cut = len(rows) * 4 // 5
    counts = [Counter() for _ in topics()]
    for row in rows[:cut]:
        counts[world.posts.topic[row]].update(set(_words(world.written.text[row])))
    size = np.array([sum(count.values()) for count in counts])
    vocabulary = len(set().union(*counts))
    right = 0
    for row in rows[cut:]:
        score = np.log(size)
        for word in set(_words(world.written.text[row])):
            score = score + np.log(
                [(count[word] + 0.2) / (total + 0.2 * vocabulary) for count, total in zip(counts, size, strict=True)]
            )
        right += int(score.argmax()) == world.posts.topic[row]
    assert right / len(rows[cut:]) > 0.8


def test_a_search_for_an_entity_s_name_finds_posts_about_it(world: World):
    name, _ = Counter(
        world.subjects.names[entity]
        for entity, lang in zip(world.posts.entity, world.posts.lang, strict=True)
        if lang == 0
    ).most_common(1)[0]
    found = [row for row, text in enumerate(world.written.text) if name.lower() in text.lower()]
    about = [row for row in found if world.subjects.names[world.posts.entity[row]] == name]
    assert len(found) > 10
    assert len(about) > 0.95 * len(found)


def test_replies_come_later_than_what_they_answer_and_stay_with_its_subject(world: World):
    posts = world.posts
    replies = np.flatnonzero(posts.how == REPLY)
    assert len(replies) > 0.08 * len(posts)
    parent = posts.parent[replies]
    assert (posts.created_at[replies] > posts.created_at[parent]).all()
    assert (posts.author[replies] != posts.author[parent]).all()
    assert (posts.entity[replies] == posts.entity[parent]).all()
    assert (posts.topic[replies] == posts.topic[parent]).all()
    assert (posts.lang[replies] == posts.lang[parent]).mean() > 0.97
    deep = posts.how[parent] == REPLY
    assert deep.mean() > 0.1


def test_questions_are_answered_with_the_fact_that_was_asked_for(world: World):
    posts = world.posts
    answers = np.flatnonzero((posts.act == Act.ANSWER) & (posts.how == REPLY))
    asked = answers[posts.act[posts.parent[answers]] == Act.ASK]
    assert len(asked) > 50
    right = 0
    for row in asked.tolist():
        parent = posts.parent[row]
        assert posts.fact[row] == posts.fact[parent]
        value = str(world.subjects.values[posts.entity[parent], posts.fact[parent]])
        right += value.lower() in world.written.text[row].lower()
    # The rest are typos and authors who write without marks.
    assert right / len(asked) > 0.85


def test_reposts_have_no_text_and_quotes_have_some(world: World):
    posts = world.posts
    for row in np.flatnonzero(posts.how == REPOST).tolist():
        assert world.written.text[row] == ""
        assert posts.how[posts.parent[row]] != REPOST
    quotes = np.flatnonzero(posts.how == QUOTE)
    assert len(quotes) > 20
    assert all(world.written.text[row] for row in quotes.tolist())


def test_what_people_talk_about_moves_on(world: World):
    posts = world.posts
    heat = world.subjects.heat
    assert (heat.max((1, 2)) > 0.3).mean() > 0.5
    assert heat[-1].argmax() != heat[0].argmax()
    events = posts.event[posts.event >= 0]
    assert len(set(events.tolist())) > 50
    day = (posts.created_at - world.start) // 86_400_000
    for event, count in Counter(events.tolist()).most_common(5):
        assert count > 10
        days = day[posts.event == event]
        assert days.max() - days.min() < 20


def test_hashtags_are_taken_from_texts_as_readers_see_them():
    assert hashtags("see #HeronRovers and #サッカー, not a#b https://x.example.org/#top") == ["HeronRovers", "サッカー"]
    assert tag_of("Heron Rovers") == "HeronRovers"
    assert tag_of("Reiher-Elf") == "ReiherElf"


def test_links_lead_nowhere_real_and_numbers_reach_nobody(world: World):
    for text, url in zip(world.written.text, world.written.url, strict=True):
        if url:
            assert text.endswith(url)
        for host in re.findall(r"https?://([^/\s]+)", text):
            assert host.lower().endswith((".example.org", ".example.com"))
