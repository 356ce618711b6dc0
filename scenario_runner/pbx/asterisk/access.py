"""How an Asterisk is reached and logged in to: over TLS or plain, by a challenge or a password.

With a challenge the password itself is never sent.
"""

from __future__ import annotations

import hashlib
import ssl
from typing import TYPE_CHECKING

from scenario_runner.errors import BadCredentials, TargetError
from scenario_runner.http.hosts import is_this_machine
from scenario_runner.pbx.asterisk.ami import action_text
from scenario_runner.pbx.tracked.hub import CONNECTING
from scenario_runner.pbx.tracked.wire import Endpoint

if TYPE_CHECKING:
    from scenario_runner.pbx.asterisk.ami import Ami, Fields
    from scenario_runner.pbx.asterisk.settings import AsteriskSettings
    from scenario_runner.pbx.drivers import Context
    from scenario_runner.pbx.tracked.hub import Tracing


def endpoint(settings: AsteriskSettings, context: Context) -> Endpoint:
    """Return where Asterisk listens; a warning where its certificate is not verified.

    Raises TargetError where `ca_file` holds no certificates.
    """
    if not settings.tls:
        return Endpoint(settings.host, settings.port)
    if context.insecure:
        text = f"CERTIFICATES ARE NOT VERIFIED: anybody between here and {settings.host} can read"
        context.notice("insecure", f"{text} and change everything, the credentials included")
    return Endpoint(settings.host, settings.port, _tls(settings, insecure=context.insecure))


def _tls(settings: AsteriskSettings, *, insecure: bool) -> ssl.SSLContext:
    try:
        tls = ssl.create_default_context(cafile=settings.ca_file or None)
    except (OSError, ValueError) as error:
        text = f"the certificates in {settings.ca_file} can't be read: {error}"
        raise TargetError(text, hint="ca_file is a file of certificates in PEM format") from error
    if insecure:
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    return tls


async def log_in(ami: Ami, settings: AsteriskSettings, trace: Tracing, *, insecure: bool) -> None:
    """Log in with events; raises BadCredentials."""
    user = ("Username", settings.username)
    fields = (user, *await _proof(ami, settings, insecure=insecure), ("Events", "on"))
    reply = await ami.send("Login", fields, CONNECTING)
    if reply.refused:
        trace(action_text("Login", fields), reply)
        raise BadCredentials(
            f"Asterisk does not let '{settings.username}' in: {reply.words}",
            hint="check username and password against Asterisk's manager.conf",
        )


async def _proof(ami: Ami, settings: AsteriskSettings, *, insecure: bool) -> Fields:
    """Return what shows that the password is known: the answer to a challenge, or itself."""
    reply = await ami.send("Challenge", (("AuthType", "MD5"),), CONNECTING)
    challenge = reply.first.get("Challenge")
    if challenge:
        # The protocol knows no other digest.
        asked = (challenge + settings.password).encode()
        key = hashlib.md5(asked, usedforsecurity=False).hexdigest()
        return (("AuthType", "MD5"), ("Key", key))
    if not (settings.tls or insecure or is_this_machine(settings.host)):
        raise BadCredentials(
            f"the password would go to {settings.host} unencrypted: its manager interface "
            "offers neither TLS nor an MD5 challenge",
            hint="use TLS (`tls: true`), or add --insecure if that is all right",
        )
    return (("Secret", settings.password),)
