"""The native API: what it answers, to whom, and how it refuses."""

from typing import Any
from urllib.parse import quote

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from myna.network import ActionKind, Post, Purpose, now_ms


def test_anyone_reads_what_is_public_and_no_more(served: Any) -> None:
    assert served.get("/posts/home:0").json()["post"]["text"].startswith("The bridge")
    assert served.get("/posts/home:secret").status_code == 404
    assert served.get("/people/@lan").json()["id"] == "home:p0"
    thread = served.get("/posts/home:0/thread").json()
    assert [reply["id"] for reply in thread["replies"]] == ["home:answer"]
    assert served.get("/posts/home:answer/thread").json()["ancestors"][0]["id"] == "home:0"


def test_an_id_that_is_an_address_is_found(served: Any) -> None:
    id = "mastodon:https://far.example/users/a/statuses/1"
    for path in (id, quote(id, safe="")):
        assert served.get(f"/posts/{path}").json()["post"]["id"] == id
        assert served.get(f"/posts/{path}/thread").json()["post"]["id"] == id


def test_pages_go_on_by_their_cursor_until_the_end(served: Any) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        page = served.get("/people/home:p0/posts", params={"limit": 3, "cursor": cursor}).json()
        seen += [post["id"] for post in page["posts"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) >= 8
    first = served.get("/people", params={"limit": 2}).json()
    rest = served.get("/people", params={"limit": 2, "cursor": first["cursor"]}).json()
    assert [person["handle"] for person in first["people"] + rest["people"]] == ["lan", "minh", "an"]


def test_a_person_s_own_needs_their_key(served: Any) -> None:
    for path in ("/feed", "/interests", "/drafts", "/guard", "/consents", "/campaigns"):
        assert served.get(path).status_code == 401, path
        assert served.get(path, served.searcher).status_code == 403, path
        assert served.get(path, served.lan, params={"person": "home:p1"}).status_code == 403, path
        assert served.get(path, served.lan).status_code == 200, path
        assert served.get(path, served.operator, params={"person": "@minh"}).status_code == 200, path
    assert served.get("/feed", served.operator).status_code == 403


def test_a_feed_names_its_decision_which_tells_why_and_is_replayed(served: Any) -> None:
    feed = served.get("/feed", served.lan, params={"mode": "latest", "limit": 5}).json()
    assert len(feed["items"]) == 5
    decision = feed["decision"]
    assert served.get(f"/decisions/{decision}", served.lan).json()["kind"] == "feed"
    assert served.get(f"/decisions/{decision}/replay", served.lan).json()["same"] is True
    assert served.get(f"/decisions/{decision}").status_code == 404
    assert served.get(f"/decisions/{decision}", served.searcher).status_code == 404
    assert served.get(f"/decisions/{decision}", served.operator).status_code == 200
    more = served.get("/feed", served.lan, params={"mode": "latest", "limit": 5, "cursor": feed["cursor"]}).json()
    assert not {item["post"]["id"] for item in more["items"]} & {item["post"]["id"] for item in feed["items"]}


def test_a_key_gets_nothing_of_what_it_is_not_for(served: Any) -> None:
    """Neither directly nor off the decisions about its person; and what it searched for them is theirs to see."""
    secret, _ = served.myna.keys.make("finder", [Purpose.SEARCH], on_behalf_of="home:p0", write=True)
    finder = {"Authorization": f"Bearer {secret}"}
    secret, _ = served.myna.keys.make("reader", [Purpose.READ], on_behalf_of="home:p0")
    reader = {"Authorization": f"Bearer {secret}"}
    feed = served.get("/feed", served.lan, params={"mode": "latest"}).json()["decision"]
    found = served.get("/search", finder, params={"q": "bridge"}).json()["decision"]
    for path in ("/feed", "/interests", "/campaigns", f"/decisions/{feed}", f"/decisions/{feed}/replay"):
        assert served.get(path, finder).status_code == 403, path
    assert served.put("/interests/t1", {"hidden": True}, finder).status_code == 403
    for path in ("/suggest?q=br", "/search?q=bridge", f"/decisions/{found}"):
        assert served.get(path, reader).status_code == 403, path
        assert served.get(path, finder).status_code == 200, path
    assert served.get(f"/decisions/{found}", served.lan).json()["actor"] == "home:p0"


def test_search_answers_with_its_decision(served: Any) -> None:
    found = served.get("/search", params={"q": "bridge", "limit": 3}).json()
    assert found["hits"] and all("bridge" in hit["post"]["text"].lower() for hit in found["hits"])
    assert served.get(f"/decisions/{found['decision']}").status_code == 200
    assert served.post("/ask", {"question": "Is the bridge open?"}).json()["decision"]
    assert isinstance(served.get("/suggest", params={"q": "bri"}).json()["suggestions"], list)
    stray = served.get("/search", params={"q": "bridge", "cursor": "d0123"})
    assert stray.status_code == 409 and stray.headers["content-type"] == "application/problem+json"


def test_writing_is_for_the_key_s_person(served: Any) -> None:
    body = {"text": "Hello from a program", "reply_to": "home:1"}
    assert served.post("/posts", body).status_code == 401
    assert served.post("/posts", body, served.searcher).status_code == 403
    made = served.post("/posts", body, served.lan)
    assert made.status_code == 201 and made.json()["author_id"] == "home:p0"
    id = made.json()["id"]
    assert served.get(f"/posts/{id}").json()["post"]["reply_to"] == "home:1"
    assert served.delete(f"/posts/{id}", served.searcher).status_code == 404
    assert served.delete(f"/posts/{id}", served.lan).status_code == 204
    assert served.get(f"/posts/{id}").status_code == 404
    by_operator = served.post("/posts", {"text": "For minh", "person": "@minh"}, served.operator)
    assert by_operator.json()["author_id"] == "home:p1"


def test_actions_edges_and_reposts_are_kept(served: Any) -> None:
    assert served.post("/actions", {"post_id": "home:4", "kind": "like"}, served.lan).status_code == 201
    assert served.get("/posts/home:4", served.lan).json()["standing"]["liked"] is True
    assert served.myna.store.actions_on("home:4", ActionKind.LIKE)
    assert served.post("/edges", {"other_id": "home:p1", "kind": "follow"}, served.lan).json()["on"] is True
    assert served.get("/posts/home:secret", served.lan).status_code == 200
    assert served.post("/edges", {"other_id": "home:p1", "kind": "follow", "on": False}, served.lan).status_code == 201
    assert served.get("/posts/home:secret", served.lan).status_code == 404
    first = served.post("/posts/home:5/repost", {}, served.lan).json()
    assert first["id"] == served.post("/posts/home:5/repost", {}, served.lan).json()["id"]


def test_consents_hold_at_once(served: Any) -> None:
    assert served.post("/consents", {"subject": "home:p0", "purpose": "search", "allow": False}, served.lan).is_success
    assert served.get("/consents", served.lan).json()["purposes"]["search"] is False
    assert served.post("/consents", {"subject": "*", "purpose": "train", "allow": True}, served.lan).status_code == 403
    served.post("/consents", {"subject": "home:p0", "purpose": "search", "allow": True}, served.lan)


def test_a_draft_is_told_what_it_can_expect(received: Any) -> None:
    body = {"text": "otters 9", "person": "minh"}
    loved = received.post("/forecast", body, received.operator).json()["forecast"]
    plain = received.post("/forecast", body | {"text": "tea 9"}, received.operator).json()["forecast"]
    assert loved["low"] < loved["likes"] < loved["high"] and loved["likes"] > 2 * plain["likes"]
    assert loved["replies"] is None, "nobody ever replied here"
    assert received.post("/forecast", body).status_code == 401
    assert received.post("/forecast", body, received.lan).status_code == 403, "a key acts for its own person"


def test_where_nothing_is_known_of_reactions_the_forecast_is_null(served: Any) -> None:
    assert served.post("/forecast", {"text": "otters"}, served.lan).json() == {"forecast": None}


def test_a_draft_is_checked_held_rewritten_and_posted(served: Any) -> None:
    risk = served.post("/risk", {"text": "You are all idiots"}, served.lan).json()
    assert 0 <= risk["probability"] <= 1
    draft = served.post("/drafts", {"text": "Wait for it"}, served.lan).json()
    assert served.put(f"/drafts/{draft['id']}", {"text": "Waited"}, served.lan).json()["text"] == "Waited"
    assert served.post(f"/drafts/{draft['id']}/post", {}, served.lan).json()["text"] == "Waited"
    assert served.get("/drafts", served.lan).json() == {"drafts": []}
    gone = served.post("/drafts", {"text": "Never"}, served.lan).json()
    assert served.delete(f"/drafts/{gone['id']}", served.lan).status_code == 204
    assert served.put("/guard", {"guard": "advise"}, served.lan).json() == {"guard": "advise"}
    assert served.get("/guard", served.lan).json() == {"guard": "advise"}


def test_a_campaign_is_its_owner_s(served: Any) -> None:
    now = now_ms()
    body = {
        "payer": "Lan", "name": "Bridge", "post_id": "home:0", "bid": 200_000, "budget": 10_000_000,
        "starts_at": now, "ends_at": now + 86_400_000,
    }  # fmt: skip
    made = served.post("/campaigns", body, served.lan)
    assert made.status_code == 201, made.text
    id = made.json()["id"]
    assert served.client.patch(f"/api/v1/campaigns/{id}", json={"status": "active"}, headers=served.lan).is_success
    assert served.get(f"/campaigns/{id}/report", served.lan).json()["impressions"] == 0
    assert served.get(f"/campaigns/{id}", served.searcher).status_code == 404
    assert [each["id"] for each in served.get("/campaigns", served.operator).json()["campaigns"]] == [id]
    past = served.post("/campaigns", {**body, "starts_at": 1, "ends_at": 2}, served.lan)
    assert past.status_code == 409 and "past" in past.json()["detail"]
    assert served.get("/ads").json() == {"ads": []}


def test_keys_are_the_operator_s_and_end_when_revoked(served: Any) -> None:
    assert served.get("/keys", served.lan).status_code == 403
    made = served.post("/keys", {"name": "bot", "purposes": ["read"], "on_behalf_of": "@an"}, served.operator).json()
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert served.get("/posts/home:0", bearer).status_code == 200
    assert made["key"]["on_behalf_of"] == "home:p2"
    shown = served.get("/keys", served.operator)
    assert made["key"]["id"] in shown.text and made["secret"] not in shown.text
    assert served.delete(f"/keys/{made['key']['id']}", served.operator).status_code == 204
    assert served.get("/posts/home:0", bearer).status_code == 401


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer myna_0_0", "Basic YTpi", "nothing"])
def test_a_key_that_is_none_is_refused_also_where_none_is_needed(served: Any, header: str) -> None:
    answer = served.get("/posts/home:0", {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_errors_are_problem_details(served: Any) -> None:
    for answer, status in (
        (served.get("/posts/home:none"), 404),
        (served.get("/nowhere"), 404),
        (served.get("/people", params={"limit": 0}), 422),
        (served.post("/ask", {"question": 5}), 422),
        (served.client.post("/api/v1/ask", content=b"\xff{"), 422),
        (served.delete("/search"), 405),
        (served.get("/risk"), 405),
    ):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail", "instance"} <= set(answer.json())
        assert answer.json()["status"] == status
    assert set(served.get("/risk").headers["allow"].split(", ")) == {"POST"}


def test_what_fails_inside_is_logged_and_not_told(served: Any, caplog: pytest.LogCaptureFixture) -> None:
    def broken(request: Request) -> Response:
        raise RuntimeError("the secret cause")

    served.app.router.routes.insert(0, Route("/api/v1/x", broken))
    answer = served.get("/x")
    del served.app.router.routes[0]
    assert answer.status_code == 500 and "secret" not in answer.text
    assert "the secret cause" in caplog.text


def test_a_key_not_made_to_write_changes_nothing(served: Any) -> None:
    secret, _ = served.myna.keys.make("reader", [Purpose.READ], on_behalf_of="home:p0")
    reader = {"Authorization": f"Bearer {secret}"}
    before = served.myna.store.counts()
    assert served.post("/posts", {"text": "Not mine to say"}, reader).status_code == 403
    assert served.post("/drafts", {"text": "Nor to hold"}, reader).status_code == 403
    assert (
        served.post("/consents", {"subject": "home:p0", "purpose": "train", "allow": True}, reader).status_code == 403
    )
    assert served.delete("/people/home:p0", reader).status_code == 403
    assert served.myna.store.counts() == before


def test_the_operator_sees_how_the_network_is_doing(served: Any) -> None:
    assert served.get("/health").json()["ok"] is True
    assert served.get("/overview", served.lan).status_code == 403
    assert served.get("/overview", served.operator).json()["counts"]["people"] == 3


def test_a_person_can_be_deleted_by_themself_with_all_they_wrote(served: Any) -> None:
    served.myna.store.append([Post("home:last", "home:p2", now_ms(), "Last words")])
    secret, _ = served.myna.keys.make("an", [Purpose.READ], on_behalf_of="home:p2", write=True)
    assert served.delete("/people/home:p2", served.lan).status_code == 404
    assert served.delete("/people/home:p2", {"Authorization": f"Bearer {secret}"}).status_code == 204
    assert served.get("/people/home:p2").status_code == 404
    assert served.get("/posts/home:last").status_code == 404
