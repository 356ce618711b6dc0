"""Opens a target of the RingMe dialect over HTTP."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from random import Random
from typing import TYPE_CHECKING, assert_never

from scenario_runner.pbx.rate import Metered
from scenario_runner.pbx.ringme.client import HttpTransport
from scenario_runner.pbx.ringme.connection import Carrier, MakeFeed, RingMe
from scenario_runner.pbx.ringme.dialers import (
    CallbackCallers,
    Callers,
    ControlCallers,
    Looking,
    WaitCallers,
)
from scenario_runner.pbx.ringme.events import Deliveries, Feed, PollingFeed, SubscribedFeed
from scenario_runner.pbx.ringme.receiver import receiving
from scenario_runner.pbx.ringme.rest import Patience, previewed
from scenario_runner.pbx.ringme.settings import Credentials, RingMeSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from scenario_runner.language.target import Target
    from scenario_runner.masking import Mask
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.protocol import Connection, Leftover
    from scenario_runner.pbx.ringme.access import RestAccess
    from scenario_runner.pbx.ringme.receiver import EventReceiver
    from scenario_runner.pbx.ringme.rest import Rest

_AGAIN = 3


@asynccontextmanager
async def open_ringme(
    target: Target, access: RestAccess, context: Context
) -> AsyncIterator[Connection]:
    """Open the target: connections, and a receiver of events where one is set up.

    Raises TargetError where that can't be. At the end the limit of requests is told.
    """
    if context.insecure and access.url.startswith("https://"):
        text = f"CERTIFICATES ARE NOT VERIFIED: anybody between here and {target.host} can read"
        context.notice("insecure", f"{text} and change everything, the credentials included")
    if context.insecure and access.is_overheard:
        text = f"NOTHING IS ENCRYPTED: anybody between here and {target.host} can read"
        context.notice("insecure", f"{text} and change everything, the credentials included")
    async with AsyncExitStack() as stack:
        transport = HttpTransport(access, target.name, insecure=context.insecure)
        stack.push_async_callback(transport.close)
        metered = Metered(transport)
        stack.callback(_tell_limit, metered, context)
        receiver = None
        if access.events is not None:
            receiver = await stack.enter_async_context(receiving(access.events))
        carrier = Carrier(
            transport=previewed(metered, context.preview),
            gate=asyncio.Semaphore(access.max_at_once),
            patience=Patience(_AGAIN, random=Random(context.seed), sleep=context.sleep),
            hide=partial(_hide, context.mask),
        )
        feed = _feed(access, receiver, context)
        yield RingMe(settings_of(target, access), carrier, _callers(access, context), feed)


def _hide(mask: Mask, token: str) -> None:
    mask.add(token, name="a token")


def _tell_limit(metered: Metered, context: Context) -> None:
    if metered.limit is not None and metered.limit.near:
        context.notice("rate-limit", f"requests: {metered.limit}")


def settings_of(target: Target, access: RestAccess) -> RingMeSettings:
    """Return the driver's settings for a target; a number without an id is its own id."""
    allowed = target.allow.random_bridge
    return RingMeSettings(
        name=target.name,
        credentials=Credentials(
            client_id=access.client_id,
            client_secret=access.client_secret,
            username=access.username,
            password=access.password,
        ),
        api_root=access.api_path,
        token_path=access.token_path,
        extension_ids={number: own or number for number, own in target.extensions},
        reasons=target.reasons,
        slots=target.slots,
        park_timeout=target.park_timeout,
        shared=True,
        random_bridge=not target.protected if allowed is None else allowed,
        empty_slot_404=access.profile.empty_slot == "not-found",
    )


def _callers(access: RestAccess, context: Context) -> Callers:
    look = Looking(sleep=context.sleep)
    match access.calls:
        case "callback":
            return CallbackCallers(look, access.profile.pickup)
        case "wait":
            return WaitCallers(look, context.announce)
        case "control":
            return ControlCallers()
        case _:
            assert_never(access.calls)


class _CheckedFeed:
    """A subscribed feed whose deliveries are looked at."""

    def __init__(self, feed: Feed, deliveries: Deliveries) -> None:
        self._feed = feed
        self._deliveries = deliveries

    async def watch(self, extension_id: str, rest: Rest, within: int) -> None:
        """See to it that this extension's events come."""
        await self._feed.watch(extension_id, rest, within)

    async def look(self, extension_id: str, rest: Rest, within: int) -> None:
        """See what came of something that was done."""
        await self._feed.look(extension_id, rest, within)

    def parked(self, call_api_id: str) -> None:
        """A call was parked."""
        self._feed.parked(call_api_id)

    async def stop(self, rest: Rest, within: int) -> tuple[Leftover, ...]:
        """End all watching, and tell what must have been lost."""
        self._deliveries.finish()
        return await self._feed.stop(rest, within)


def _feed(access: RestAccess, receiver: EventReceiver | None, context: Context) -> MakeFeed:
    def polled(heard: Callable[[str], None]) -> Feed:
        worry = partial(context.notice, "events-unseen")
        return PollingFeed(heard, context.sleep, worry)

    if receiver is None:
        return polled

    def subscribed(heard: Callable[[str], None]) -> Feed:
        deliveries = Deliveries(heard, context)
        mailbox = receiver.mailbox()
        feed = SubscribedFeed(mailbox, deliveries, context.journal, access.profile.event_method)
        return _CheckedFeed(feed, deliveries)

    return subscribed
