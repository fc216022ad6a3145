"""The single steps of a move as data: a big table takes them in several revisions, with deployments between.

What they do is told in `effects.py`. Each finds the move by its record, and may run again.
"""

from typing import TypeVar

from alembic.operations import Operations

from .operation import MoveOperation

Step = TypeVar("Step", bound=MoveOperation)


def _registered(step: type[Step]) -> type[Step]:
    """As `op.<name>`; Alembic takes the documentation from the function, which all steps share."""
    step.step.__func__.__doc__ = step.__doc__  # type: ignore[attr-defined]
    Operations.register_operation(step.name, "step")(step)
    return step


@_registered
class AddEncryptedPairOp(MoveOperation):
    """Add the empty pair beside its column, and record the move."""

    name = "add_encrypted_pair"

    def reverse(self) -> MoveOperation:
        """The pair goes again."""
        return self.other(DropEncryptedPairOp)


@_registered
class DropEncryptedPairOp(MoveOperation):
    """Drop pair, trigger and gate, and end the move; refused where a value lies in the pair alone."""

    name = "drop_encrypted_pair"

    def reverse(self) -> MoveOperation:
        """An empty pair again."""
        return self.other(AddEncryptedPairOp)


@_registered
class CreateInvalidateTriggerOp(MoveOperation):
    """Create the trigger that sets a row back to pending where one that doesn't know the pair changed it."""

    name = "create_invalidate_trigger"

    def reverse(self) -> MoveOperation:
        """No trigger."""
        return self.other(DropInvalidateTriggerOp)


@_registered
class DropInvalidateTriggerOp(MoveOperation):
    """Drop the trigger: from here on every writer writes both, or the pair alone."""

    name = "drop_invalidate_trigger"

    def reverse(self) -> MoveOperation:
        """The trigger again."""
        return self.other(CreateInvalidateTriggerOp)


@_registered
class BackfillColumnOp(MoveOperation):
    """Encrypt what is pending, in batches with commits of their own, and verify it. Needs keys."""

    name = "backfill_column"


@_registered
class AssertEncryptedOp(MoveOperation):
    """Raise where rows are pending or nothing was verified; counts only, no keys."""

    name = "assert_encrypted"

    def reverse(self) -> MoveOperation:
        """It changes nothing, and holds on the way back too."""
        return self.other(AssertEncryptedOp)


@_registered
class SwapEncryptedOp(MoveOperation):
    """Make the pair the truth, in one short transaction; in place it takes the column's name too."""

    name = "swap_encrypted"

    def reverse(self) -> MoveOperation:
        """Plaintext is the truth again."""
        return self.other(UnswapEncryptedOp)


@_registered
class UnswapEncryptedOp(MoveOperation):
    """Make the plaintext the truth again, after filling in what it lacks. Needs keys where it lacks any."""

    name = "unswap_encrypted"

    def reverse(self) -> MoveOperation:
        """The pair is the truth again."""
        return self.other(SwapEncryptedOp)


@_registered
class NullPlaintextOp(MoveOperation):
    """Set the plaintext to NULL where the pair has it, in batches; refused before the move is verified."""

    name = "null_plaintext"

    def reverse(self) -> MoveOperation:
        """The values back from the pair."""
        return self.other(RestorePlaintextOp)


@_registered
class RestorePlaintextOp(MoveOperation):
    """Bring the plaintext column back and fill it from the pair, which stays the truth. Needs keys."""

    name = "restore_plaintext"

    def reverse(self) -> MoveOperation:
        """NULL again."""
        return self.other(NullPlaintextOp)


@_registered
class DropPlaintextOp(MoveOperation):
    """Null out what is left of the plaintext and drop its column; refused before the move is verified."""

    name = "drop_plaintext"

    def reverse(self) -> MoveOperation:
        """The column again, filled from the pair."""
        return self.other(RestorePlaintextOp)
