from myna.corpus import language_of


def test_the_language_of_a_post_is_found_without_a_net() -> None:
    assert language_of("Chúng tôi rất vui được gặp các bạn hôm nay") == "vi"
    assert language_of("We are very glad to meet you all today") == "en"
    assert language_of("Wir freuen uns sehr, euch heute zu treffen") == "de"


def test_what_has_no_letters_has_no_language() -> None:
    assert language_of("👍 123 …") == "und"
