"""For `env.py`: encrypted columns in revisions, and columns on their way from plaintext to encrypted.

    import sqlalchemy_envelope.alembic

    context.configure(..., render_item=sqlalchemy_envelope.alembic.render_item)

Importing it adds `op.encrypt_column`, `op.decrypt_column` and the single steps (docs/migrations.md), lets
autogenerate propose them, and has it compare the CHECK constraint of a pair on a table that exists already.
`op.create_key_store` and `op.drop_key_store` are for the tables of key-encryption keys; `op.rewrap_keys`,
`op.rotate_key`, `op.rewrap_column` and `op.reencrypt_column` rotate (docs/rotation.md). `op.add_blind_index`
and `op.drop_blind_index` are for an index of a column that is encrypted already.

Keys are asked for only by a step that needs them: `context.configure(envelope=...)`, an `Envelope` or a
function that makes one, else `Envelope.from_env()`.

An `alembic.plugins` entry point would do so unasked, but breaks `import alembic` on 1.18 to 1.20.
"""

from .comparing import compare_guards
from .effects import perform
from .ignoring import ignore_our_tables
from .indexing import AddBlindIndexOp, BlindIndexOperation, DropBlindIndexOp
from .indexing_effects import perform_on_index
from .key_store import CreateKeyStoreOp, DropKeyStoreOp, KeyStoreOperation
from .key_store_effects import perform_on_key_store
from .operation import MoveOperation
from .operations import DecryptColumnOp, EncryptColumnOp
from .proposing import propose_moves
from .rendering import render_item, render_operation
from .rotation import ReencryptColumnOp, RewrapColumnOp, RewrapKeysOp, RotateKeyOp, RotationOperation
from .rotation_effects import perform_rotation
from .steps import (
    AddEncryptedPairOp,
    AssertEncryptedOp,
    BackfillColumnOp,
    CreateInvalidateTriggerOp,
    DropEncryptedPairOp,
    DropInvalidateTriggerOp,
    DropPlaintextOp,
    NullPlaintextOp,
    RestorePlaintextOp,
    SwapEncryptedOp,
    UnswapEncryptedOp,
)

__all__ = [
    "AddBlindIndexOp",
    "AddEncryptedPairOp",
    "AssertEncryptedOp",
    "BackfillColumnOp",
    "BlindIndexOperation",
    "CreateInvalidateTriggerOp",
    "CreateKeyStoreOp",
    "DecryptColumnOp",
    "DropBlindIndexOp",
    "DropEncryptedPairOp",
    "DropInvalidateTriggerOp",
    "DropKeyStoreOp",
    "DropPlaintextOp",
    "EncryptColumnOp",
    "KeyStoreOperation",
    "MoveOperation",
    "NullPlaintextOp",
    "ReencryptColumnOp",
    "RestorePlaintextOp",
    "RewrapColumnOp",
    "RewrapKeysOp",
    "RotateKeyOp",
    "RotationOperation",
    "SwapEncryptedOp",
    "UnswapEncryptedOp",
    "compare_guards",
    "ignore_our_tables",
    "perform",
    "perform_on_index",
    "perform_on_key_store",
    "perform_rotation",
    "propose_moves",
    "render_item",
    "render_operation",
]
