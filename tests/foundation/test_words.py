"""What the server says to people: every code in every language, the same facts in it, and the language that was asked for."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

import antiphon
from antiphon.awareness.consent.model import TopicExists
from antiphon.foundation.errors import AntiphonError, Invalid
from antiphon.foundation.http import PUBLIC, Body, answer, describe, get, post, status_of
from antiphon.foundation.http.problems import CODES
from antiphon.foundation.words import LANGUAGES, TAGS, Language, catalogue, language_of, rule_in, sentence_in

SPOKEN: tuple[Language, ...] = ("ru", "zh")
SOURCE = Path(antiphon.__file__).parent
NOT_WORDED = {"foundation/config.py", "foundation/lake", "foundation/leases.py"}
"""Where rules are an operator's: settings and the lake speak English."""


def _all(cls: type[AntiphonError] = AntiphonError) -> Iterator[type[AntiphonError]]:
    for below in cls.__subclasses__():
        if below.__module__.startswith("antiphon."):
            yield below
        yield from _all(below)


@pytest.fixture(scope="module")
def codes() -> dict[str, str]:
    """Every code an answer can have, and its English sentence. What becomes a 500 never shows its own."""
    for module in pkgutil.walk_packages(antiphon.__path__, "antiphon."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    shown = {cls for cls in _all() if not cls.__module__.startswith(("antiphon.sandbox", "antiphon.cli"))}
    found = {cls.code: cls.__doc__ or "" for cls in shown if status_of(cls.__new__(cls)) != 500}
    return dict.fromkeys([*CODES.values(), "refused", "internal"], "") | found


def _names(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", SPOKEN)
def test_every_code_has_a_sentence_with_the_same_facts(codes: dict[str, str], language: Language) -> None:
    sentences = catalogue(language).sentences
    assert set(codes) - set(sentences) == set(), "codes without a sentence"
    assert set(sentences) - set(codes) == set(), "sentences of no code"
    assert {code for code, english in codes.items() if _names(english) != _names(sentences[code])} == set()
    assert all(text.strip() == text and text for text in sentences.values())


@pytest.mark.parametrize("language", SPOKEN)
def test_no_code_is_twice_in_a_catalogue(language: Language) -> None:
    rooms = msgspec.json.decode((SOURCE / "foundation" / "words" / f"{language}.json").read_bytes())["sentences"]
    every = [code for room in rooms.values() for code in room]
    assert len(every) == len(set(every))


def test_every_language_has_the_same_rules_with_the_same_names() -> None:
    files = [msgspec.json.decode((SOURCE / "foundation" / "words" / f"{one}.json").read_bytes())["rules"] for one in SPOKEN]
    assert set(files[0]) == set(files[1])
    assert [rule for file in files for rule, said in file.items() if not _names(said) <= _names(rule)] == []


def _wording(node: ast.expr) -> str | None:
    """The text of a literal, with 7 for whatever is filled in."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in parts)
        case ast.BinOp(left=left, op=ast.Add()):
            return (_wording(left) or "") + "7"
        case _:
            return None


def _stated(codes: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Every rule the code states where it breaks, and the file it is in."""
    makers = {cls.__name__ for cls in _all() if status_of(cls.__new__(cls)) < 500} | {"refuse", "BadFilter"}
    for path in sorted(SOURCE.rglob("*.py")):
        file = path.relative_to(SOURCE).as_posix()
        if file.startswith(("sandbox/", "cli/", *NOT_WORDED)):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "id", getattr(node.func, "attr", None))
            if name in makers and node.args and (text := _wording(node.args[0])) and text != "7":
                yield file, text


def test_every_rule_the_code_states_is_in_the_catalogues(codes: dict[str, str]) -> None:
    stated = list(_stated(codes))
    assert len(stated) > 80
    assert [one for one in stated if rule_in("ru", one[1]) is None] == []


def test_a_rule_is_found_with_what_is_in_it() -> None:
    assert rule_in("ru", "at most 300 values") == "не больше 300 значений"
    assert (
        rule_in("zh", "must be a text or list trait, and 'plan' is number") == "须为 text or list 类型的属性，而 'plan' 是 number"
    )
    assert rule_in("ru", "no such rule") is None
    assert rule_in("en", "must be a number") is None


def test_facts_are_as_they_are_but_words_of_ours_are_said() -> None:
    assert sentence_in("ru", "topic-exists", {"topic": "template"}) == "Тема template уже есть."
    assert sentence_in("ru", "campaign-part-unknown", {"what": "template", "id": 5}) == "Не найдено: шаблон 5."
    assert sentence_in("ru", "topic-exists", {}) is None  # a fact that is missing leaves the English
    assert sentence_in("ru", "topic-exists", {"topic": "{0.__class__}"}) == "Тема {0.__class__} уже есть."


def test_languages() -> None:
    assert language_of(None) == "en" and language_of("") == "en" and language_of("xx;q=nonsense,zh;q=0.2") == "zh"
    assert language_of("ru;q=0") == "en" and language_of("en;q=0.1, ru;q=0.8") == "ru"
    assert language_of("zh-Hans-CN,zh;q=0.9") == "zh" and language_of("fr, de") == "en"
    assert set(TAGS) == set(LANGUAGES)


class Named(Body, frozen=True, kw_only=True):
    name: str


@get("/taken", permission=PUBLIC)
async def taken() -> dict[str, str]:
    raise TopicExists(topic="news", field="name")


@get("/rule", permission=PUBLIC)
async def rule(known: bool) -> dict[str, str]:
    raise Invalid("must be a number" if known else "something nobody has worded", field="age")


@get("/broken", permission=PUBLIC)
async def broken() -> dict[str, str]:
    raise RuntimeError("inside")


@post("/named", permission=PUBLIC)
async def named(data: Named) -> dict[str, str]:
    return {"name": data.name}


async def _ask(client: AsyncTestClient[Any], path: str, language: str | None = None, body: Any = None) -> tuple[Any, str, str]:
    headers = {"accept-language": language} if language else {"accept-language": ""}
    asked = await (client.post(path, json=body, headers=headers) if body is not None else client.get(path, headers=headers))
    return asked.json(), asked.headers["content-language"], asked.headers["vary"]


async def test_a_problem_speaks_the_language_that_was_asked_for() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        app = Litestar([taken, rule, broken, named], exception_handlers={Exception: answer}, openapi_config=None)
    async with AsyncTestClient(app) as client:
        body, language, vary = await _ask(client, "/taken", "ru-RU,ru;q=0.9")
        assert (body["detail"], body["code"], body["field"]) == ("Тема news уже есть.", "topic-exists", "name")
        assert (language, vary) == ("ru", "accept-language")
        body, language, _ = await _ask(client, "/taken", "zh-CN")
        assert (body["detail"], language) == ("已有名为 news 的主题。", "zh-Hans")
        body, language, _ = await _ask(client, "/taken")
        assert (body["detail"], language) == ("There already is a topic named news.", "en")
        body, _, _ = await _ask(client, "/rule?known=true", "ru")
        assert body["detail"] == "нужно число"
        body, _, _ = await _ask(client, "/rule?known=false", "ru")
        assert body["detail"] == "Введённое нарушает правило (something nobody has worded)"
        body, _, _ = await _ask(client, "/rule?known=perhaps", "ru")
        assert body["field"] == "known" and "ожидается `bool`" in body["detail"] and "ожидается" in body["errors"][0]["rule"]
        body, _, _ = await _ask(client, "/named", "ru", {"nome": "x"})
        assert (body["detail"], body["field"]) == ("поле `nome` неизвестно", "nome")
        body, _, _ = await _ask(client, "/nowhere", "ru")
        assert body["detail"] == "Такого нет."
        body, _, _ = await _ask(client, "/broken", "zh")
        assert body["detail"] == "我们这边出了问题。" and "inside" not in str(body)


def test_senders_of_events_are_answered_in_english() -> None:
    assert inspect.signature(describe).parameters["language"].default == "en"
    shown, headers = describe(Invalid())
    assert shown.detail == "The input breaks a rule." and "content-language" not in headers


@pytest.mark.parametrize("language", SPOKEN)
def test_what_is_found_wrong_with_a_journey_is_said_whole(language: Language) -> None:
    """The first finding is part of the sentence by which a journey is refused."""
    from antiphon.execution.journeys.findings import SENTENCES

    for code, english in SENTENCES.items():
        if english == "{rule}":
            continue
        filled = english.format(**dict.fromkeys(_names(english), "7"))
        said = rule_in(language, filled)
        assert said is not None and said != filled and "{" not in said, code
        whole = sentence_in(language, "journey-invalid", {"count": 2, "first": filled})
        assert whole is not None and whole.endswith(said) and filled not in whole
