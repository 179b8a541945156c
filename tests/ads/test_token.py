"""Link tokens: only what was signed here is read, and nothing leads where it must not."""

import stat
import threading

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from myna.ads.token import BadToken, Keyring, Link, destination

LINK = Link("https://example.org/tea?x=1&y=a%20b#top", "c1", "d1", 1_700_000_000_000)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keyring(tmp_path_factory.mktemp("keys"))


def test_reads_back_what_it_signed(keys):
    assert keys.read(keys.sign(LINK)) == LINK


@settings(max_examples=300)
@given(st.data())
def test_any_change_of_one_character_is_refused(keys, data):
    token = keys.sign(LINK)
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(min_codepoint=33, max_codepoint=126).filter(lambda c: c != token[place]))
    with pytest.raises(BadToken):
        keys.read(token[:place] + other + token[place + 1 :])


@given(st.text(max_size=300))
@example("..")
@example("a.b.c")
@example("https://evil.example/")
def test_any_text_is_refused(keys, text):
    with pytest.raises(BadToken):
        keys.read(text)


def test_token_of_another_network_is_refused(keys, tmp_path):
    with pytest.raises(BadToken):
        keys.read(Keyring(tmp_path).sign(LINK))


def test_after_a_rotation_old_links_work_and_new_ones_use_the_new_key(tmp_path):
    serving, signing = Keyring(tmp_path), Keyring(tmp_path)
    old = signing.sign(LINK)
    kid = Keyring(tmp_path).rotate()
    new = signing.sign(LINK)
    assert new.startswith(kid) and not old.startswith(kid)
    assert serving.read(old) == serving.read(new) == LINK


def test_a_key_rotated_out_no_longer_signs(tmp_path):
    keys = Keyring(tmp_path)
    old = keys.sign(LINK)
    for _ in range(4):
        keys.rotate(keep=2)
    with pytest.raises(BadToken):
        Keyring(tmp_path).read(old)


def test_key_file_is_private_and_made_once_by_many(tmp_path):
    tokens = []
    threads = [threading.Thread(target=lambda: tokens.append(Keyring(tmp_path).sign(LINK))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stat.S_IMODE((tmp_path / "link-keys").stat().st_mode) == 0o600
    assert len(set(tokens)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["link-keys"]


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)", "data:text/html,x", "//evil.example", "/path", "ftp://example.org", "http://",
        "https:///x", "http://exa mple.org",
        "http://user:pw@example.org/", "http://good.example@evil.example/", "http://good.example\\@evil.example/",
        "http://example.org/a b", "http://example.org/\r\nSet-Cookie:x", "http://example.org:port/",
        "http://[::1", "http://" + "a" * 3000, "http://.example.org/", "http://example.org\x00/",
    ],
)  # fmt: skip
def test_refuses_what_is_no_plain_web_address(url):
    assert destination(url) is None


@pytest.mark.parametrize(
    ("url", "form"),
    [
        ("https://example.org", "https://example.org"),
        ("HTTP://Example.org:8080/x", "http://example.org:8080/x"),
        ("https://münchen.example/straße?q=ü", "https://xn--mnchen-3ya.example/stra%C3%9Fe?q=%C3%BC"),
        ("http://[::1]:8420/post/home:1", "http://[::1]:8420/post/home:1"),
    ],
)
def test_brings_addresses_into_the_form_of_a_header(url, form):
    assert destination(url) == form


@settings(suppress_health_check=[HealthCheck.filter_too_much])
@given(st.text(max_size=60).map(lambda rest: "http://a.example/" + rest) | st.text(max_size=60))
def test_the_form_is_stable_and_fit_for_a_header(url):
    form = destination(url)
    if form is not None:
        assert destination(form) == form
        assert form.isascii() and form.isprintable() and " " not in form
        assert form.startswith(("http://", "https://"))
