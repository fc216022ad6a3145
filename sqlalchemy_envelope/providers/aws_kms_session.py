"""Making boto3's KMS client: its own session, verified TLS, no retries that we don't time ourselves."""

import copy
import logging
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.session import get_session

from ..errors import ConfigurationError

__tracebackhide__ = True  # pytest prints no locals of these frames: they hold keys

Client = Any
"""boto3 makes the class of its clients at run time."""

_NO_CLIENT = (
    "boto3 can't make a client of KMS ({}): check AWS_PROFILE, AWS_CONFIG_FILE, AWS_ENDPOINT_URL_KMS and that"
    " AWS_ACCESS_KEY_ID comes with AWS_SECRET_ACCESS_KEY"
)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def client_maker(
    region: str, connections: int, connect_timeout: float, read_timeout: float
) -> Callable[[], Client]:
    """A function that makes a client with a session of its own, so that credentials are looked up again.

    It raises `ConfigurationError` where boto3's files or variables keep it from making one.
    """
    config = Config(
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        max_pool_connections=connections,
        retries={"mode": "standard", "total_max_attempts": 1},
        # Both of these only save time (a tenth of what a call costs boto3): what we send is checked by types
        # and tests, and the full user agent is put together anew for each call.
        parameter_validation=False,
        user_agent=f"sqlalchemy-envelope Boto3/{boto3.__version__} Botocore/{botocore.__version__}",
    )

    def make() -> Client:
        try:
            client = boto3.session.Session().client("kms", region_name=region, config=config)
        except (BotoCoreError, ValueError) as error:
            raise ConfigurationError(_NO_CLIENT.format(type(error).__name__)) from error
        return checked(client, region)

    return make


def remaker(client: Client) -> Callable[[], Client]:
    """A function that makes a client like one that the application gave, for use after a fork.

    The given one's sockets and locks belong to the parent, so only its settings and credentials are taken
    over (by a private name of botocore, which offers no public one).
    """

    def make() -> Client:
        session: Any = get_session()
        session._credentials = _unlocked(client._get_credentials())
        return boto3.session.Session(botocore_session=session).client(
            "kms",
            region_name=client.meta.region_name,
            endpoint_url=client.meta.endpoint_url,
            config=client.meta.config,
            verify=_verify(client),
        )

    return make


def checked(client: Client, region: str) -> Client:
    """The client, if it goes to the key's region, over TLS that it verifies. Loopback may do without."""
    meta = client.meta
    if meta.service_model.service_name != "kms":
        raise ConfigurationError("AwsKms(client=) takes a client of KMS: boto3.client('kms', ...)")
    if meta.region_name != region:
        raise ConfigurationError("the KMS client's region is not the one in the key's ARN")
    url = urlsplit(meta.endpoint_url)
    if url.hostname not in _LOOPBACK and (url.scheme != "https" or _verify(client) is False):
        raise ConfigurationError("KMS is called over verified TLS only: check AWS_ENDPOINT_URL_KMS, verify=")
    return client


def _verify(client: Client) -> Any:
    session = getattr(getattr(client, "_endpoint", None), "http_session", None)
    return getattr(session, "_verify", True)


def _unlocked(credentials: Any) -> Any:
    """The same credentials with a lock that no thread of the parent process holds."""
    again = copy.copy(credentials)
    if hasattr(again, "_refresh_lock"):
        again._refresh_lock = threading.Lock()
    return again


def _without_keys(record: logging.LogRecord) -> bool:
    """botocore logs each reply at DEBUG, and KMS replies with data keys in the clear (seen in 1.44)."""
    args = record.args if isinstance(record.args, tuple) else ()
    if any(isinstance(each, bytes | str) and "Plaintext" in str(each) for each in args):
        record.args = ("<hidden: a data key>",)
    return True


logging.getLogger("botocore.parsers").addFilter(_without_keys)
