"""The OpenAPI description holds: schemathesis asks every operation whatever it allows and what it does not."""

from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema


def failures(app: FastAPI, key: dict[str, str], only: str, examples: int, stateful: bool) -> tuple[set[str], list[str]]:
    """(operations asked, what was found wrong), all checks, in the phases examples, coverage, fuzzing, stateful."""
    config = SchemathesisConfig.from_dict(
        {
            "headers": key,
            "generation": {"max-examples": examples, "deterministic": True, "no-shrink": True},
            "phases": {"stateful": {"enabled": stateful}},
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config).include(path_regex=only)
    found: list[str] = []
    asked: set[str] = set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            asked.update(each.value.operation.label for each in event.recorder.cases.values())
            for case, checks in event.recorder.checks.items():
                for check in checks:
                    if check.failure_info is not None:
                        response = event.recorder.interactions[case].response
                        answered = response.text[:500] if response else ""
                        code = check.failure_info.code_sample[-1500:]
                        told = f"{event.recorder.label} {check.name}: {check.failure_info.failure}"
                        found.append(f"{told}\n{code}\n{answered}")
        if isinstance(event, events.NonFatalError | events.FatalError):
            found.append(str(event.info if isinstance(event, events.NonFatalError) else event.exception))
    return asked, found


def check(served: Any, key: dict[str, str], only: str, examples: int, stateful: bool = True) -> None:
    described = {
        f"{method.upper()} {path}"
        for path, each in served.app.openapi()["paths"].items()
        for method in each
        if path.startswith(only.removeprefix("^"))
    }
    asked, found = failures(served.app, key, only, examples, stateful)
    assert not found, "\n\n".join(dict.fromkeys(found))
    assert asked == described


def test_the_native_api_does_what_it_describes_for_the_operator(served: Any) -> None:
    check(served, served.operator, "^/api/", 1)


def test_the_native_api_does_what_it_describes_for_anyone(served: Any) -> None:
    check(served, {}, "^/api/", 1, stateful=False)


@pytest.mark.interop
def test_the_native_api_does_what_it_describes_for_a_person(served: Any) -> None:
    check(served, served.lan, "^/api/", 10)


@pytest.mark.interop
def test_openai_s_api_does_what_it_describes(trained: Any) -> None:
    check(trained, trained.operator, "^/v1/", 3)
