"""What every scene is given: the rows, the schema, the KMS, and engines as an application would make them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.orm import Session

from sqlalchemy_envelope import AwsKms, DirectKeyring, Envelope, Reuse, TieredKeyring, attach

from .chinook import Chinook
from .kms import CONNECTIONS, Kms

SHARED = Reuse(values=100, seconds=300)
"""One data key for a hundred values: what the invoices are written with."""


@dataclass
class World:
    """The stage's inventory. `files`: the server's own, where it is ours to look into."""

    url: URL
    schema: str
    kms: Kms
    chinook: Chinook
    quick: bool
    files: Path | None = None

    @contextmanager
    def engine(self, reuse: Reuse | None = None, kms: AwsKms | None = None) -> Iterator[Engine]:
        """An engine with an envelope whose keyring has seen nothing yet, like a process that just started."""
        with self.bare_engine() as engine:
            yield attach(engine, self.envelope(reuse, kms))

    @contextmanager
    def tiers(self) -> Iterator[tuple[Engine, TieredKeyring]]:
        """An engine with a keyring of tiers that has seen nothing yet, and that keyring."""
        keyring = TieredKeyring(AwsKms(self.kms.arn, self.kms.client), concurrency=CONNECTIONS)
        with self.bare_engine() as engine:
            yield attach(engine, Envelope(keyring)), keyring

    def envelope(self, reuse: Reuse | None = None, kms: AwsKms | None = None) -> Envelope:
        """One that has seen nothing yet."""
        provider = kms or AwsKms(self.kms.arn, self.kms.client)
        return Envelope(DirectKeyring(provider, concurrency=CONNECTIONS, reuse=reuse))

    @contextmanager
    def bare_engine(self) -> Iterator[Engine]:
        """An engine without an envelope: SQLAlchemy, and no more."""
        engine = create_engine(self.url)
        try:
            yield engine.execution_options(schema_translate_map={None: self.schema})
        finally:
            engine.dispose()

    @contextmanager
    def session(self, reuse: Reuse | None = None) -> Iterator[Session]:
        """A session on such an engine; SQL that is written by hand finds the tables too."""
        with self.engine(reuse) as engine, Session(engine) as session:
            self.search_path(session)
            yield session

    def search_path(self, session: Session) -> None:
        """For this transaction only, so that nothing stays behind on a pooled connection."""
        session.execute(text(f'SET LOCAL search_path TO "{self.schema}"'))
