from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from msgspec import structs

from scenario_runner.execution.check import Finding, probe
from scenario_runner.language.target import Target
from scenario_runner.mock_pbx import Client, Profile
from scenario_runner.mock_pbx.server.app import MockOptions, mock_server
from scenario_runner.pbx.drivers import Context
from tests.http.answering import answering, whole
from tests.http.meeting import target
from tests.http.test_against_mock import with_settings

SOME = (("341", "34414"), ("342", "34415"))


def found(
    change: Target | None = None, profile: Profile | None = None, ahead: int = 0
) -> list[Finding]:
    async def look() -> tuple[Finding, ...]:
        context = Context()
        context = replace(context, wall=lambda: Context().wall() - ahead)
        options = MockOptions(port=0, profile=profile or Profile())
        async with mock_server(options) as url:
            one = structs.replace(target(url), extensions=SOME) if change is None else change
            if change is not None:
                one = structs.replace(one, settings=with_settings(target(url)).settings)
            return await probe(one, context)

    return list(asyncio.run(asyncio.wait_for(look(), 20)))


def wrong(findings: list[Finding]) -> list[str]:
    return [finding.message for finding in findings if not finding.good]


def test_a_good_target() -> None:
    findings = found()
    assert wrong(findings) == []
    assert [finding.message.partition(":")[0] for finding in findings] == [
        "it is reachable and takes the credentials",
        "its clock and this machine's agree",
        "requests",
        "2 extensions can be used",
    ]


@pytest.mark.parametrize(
    ("ahead", "told"),
    [(180_000_000, "ahead of this machine's"), (-180_000_000, "behind this machine's")],
)
def test_clocks_that_differ(ahead: int, told: str) -> None:
    (message,) = wrong(found(ahead=ahead))
    assert message.startswith(("its clock is 3m", "its clock is 2m59s"))
    assert message.endswith(told)


def test_an_extension_that_is_not_there() -> None:
    change = structs.replace(target("http://x"), extensions=(*SOME, ("999", "1"), ("360", "")))
    findings = found(change)
    assert wrong(findings) == [
        "extension 999 (id 1) can't be used: not-found, Record not found",
        "extension 360 can't be used: not-found, Record not found",
    ]
    assert findings[-1].message == "2 extensions can be used"


def test_no_extensions_at_all() -> None:
    (message,) = wrong(found(structs.replace(target("http://x"), extensions=())))
    assert message.startswith("no extensions are named")


def test_credentials_that_are_not_known() -> None:
    findings = found(
        profile=Profile(clients=(Client(client_id="other", client_secret="other-secret"),))
    )
    assert [finding.good for finding in findings] == [True, False]
    assert wrong(findings)[0].endswith("the PBX gives no token: status 401, invalid_client")
    assert findings[-1].hint == "check client_id and client_secret in the targets file"


def test_a_limit_that_is_used_up() -> None:
    findings = found(profile=Profile(hourly_limit=1))
    assert wrong(findings)[0].startswith("requests: 0 of 1 requests are left for the next")


def test_nobody_there() -> None:
    async def look() -> tuple[Finding, ...]:
        return await probe(target("http://127.0.0.1:1"), quick_context())

    (finding,) = asyncio.run(look())
    assert finding.message.endswith("connection refused")


def quick_context() -> Context:
    async def sleep(_: float) -> None:
        await asyncio.sleep(0)

    return Context(sleep=sleep)


def test_something_else_there() -> None:
    page = b"<html><body>Welcome to nginx!</body></html>"

    async def look() -> tuple[Finding, ...]:
        async with answering(whole(page, "Content-Type: text/html\r\n")) as url:
            return await probe(target(url), quick_context())

    (finding,) = asyncio.run(look())
    assert finding.message.endswith("the answer (status 200) holds no access_token")
    assert finding.hint == "are 'url' and 'token_path' of the target right?"


def test_certificates_that_are_not_verified_are_shouted_about() -> None:
    async def look() -> tuple[Finding, ...]:
        context = replace(quick_context(), insecure=True)
        return await probe(target("https://127.0.0.1:1"), context)

    first, _ = asyncio.run(look())
    assert first.message.startswith("CERTIFICATES ARE NOT VERIFIED")
