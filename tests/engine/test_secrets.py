from __future__ import annotations

import pytest

from tests.running import run_text

TOKEN = 'hun"ter2/ü&x'


@pytest.mark.parametrize(
    "steps",
    [
        (
            "request: {get: '/extension/34414/current_calls?x=$secret.TOKEN'}\n"
            "            expect: {status: 418}"
        ),
        (
            "request: {put: /extension/34414/valet_park/x, json: {action: [$secret.TOKEN]}}\n"
            "            expect: {message: $secret.TOKEN}"
        ),
        "request: {post: /extension/34414/callback, form: {phone: $secret.TOKEN}}",
        "request: {get: /nowhere, headers: {X-A: $token}}",
        "check: {that: $token, equals: other}",
        "check: {that: $target.name, equals: $secret.TOKEN}",
    ],
)
def test_a_secret_is_in_no_event_however_it_is_written(steps: str) -> None:
    ran = run_text(
        f"""
        scenario: secrets
        vars: {{token: before-$secret.TOKEN-after}}
        steps:
          - check: {{that: $token, not: x}}
          - {steps}
        """,
        environment={"TOKEN": TOKEN},
    )
    assert ran.verdicts == ["failed"]
    text = repr(ran.events)
    assert "hun" not in text
    assert "ter2" not in text
    assert "***" in text


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"TOKEN": "abc"}, "the secret $secret.TOKEN has fewer than 4 letters and can't be masked"),
        ({}, "the environment variable TOKEN is not set"),
    ],
)
def test_what_is_no_secret_is_told_where_it_is_read(environment: dict[str, str], said: str) -> None:
    ran = run_text(
        """
        scenario: secrets
        steps:
          - check: {that: $secret.TOKEN, equals: x}
        """,
        environment=environment,
    )
    assert ran.verdicts == ["errored"]
    (failure,) = ran.failures
    assert failure.message == said
    assert failure.hint
    assert (failure.span.line, failure.span.column) == (4, 19)
