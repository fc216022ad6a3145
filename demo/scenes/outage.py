"""A KMS out of reach: nothing is written, nothing is read, and nothing falls back to plain text."""

import socket

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sqlalchemy_envelope import AwsKms, KeyProviderError

from ..kms import client_of
from ..models import Customer
from ..stage import Stage, caught
from ..world import World


def play(stage: Stage, world: World) -> None:
    """Write and read with a client whose server is not there."""
    stage.scene("An outage", "The same application, and a KMS that nobody reaches.")
    unreachable = AwsKms(world.kms.arn, client_of(_port_of_nobody()), time_budget=0.5)
    with world.engine(kms=unreachable) as engine, Session(engine) as session:
        before = session.scalar(select(func.count(Customer.customer_id)))
        session.add(Customer(customer_id=1000, country="Norway", first_name="x", last_name="y", email="z"))
        writing = caught(KeyProviderError, session.flush)
        session.rollback()
        reading = caught(KeyProviderError, lambda: session.scalars(select(Customer)).all())
        after = session.scalar(select(func.count(Customer.customer_id)))
    stage.promise(
        f"writing: {writing}; nothing is stored",
        writing is not None and writing.retryable and before == after,
    )
    stage.promise(
        f"reading: {reading}; both say that later may be better (retryable)",
        reading is not None and reading.retryable,
    )


def _port_of_nobody() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
