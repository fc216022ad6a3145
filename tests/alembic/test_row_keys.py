"""Autogenerate of columns that share a sibling: moved into a group one by one, and out of it."""

from sqlalchemy import Column, Text

from sqlalchemy_envelope import Context, EncryptedText

from .project import Project, model
from .test_autogenerate import downgrade_of, upgrade_of

SHARED = "dek='row_dek', shared=True"


def test_columns_move_into_a_group(project: Project) -> None:
    """One operation each; afterwards nothing is left to do, there and on the way back."""
    project.customers()
    project.execute("alter table customer add phone text")
    project.execute("update customer set phone = 'phone ' || id where id < 3")
    both = model(Column("email", EncryptedText("row_dek")), Column("phone", EncryptedText("row_dek")))
    written = project.generate(both)
    assert upgrade_of(written) == [
        f"op.encrypt_column('customer', '{name}', {SHARED})" for name in ("email", "phone")
    ]
    project.upgrade()
    project.check(both)
    alone = Context("customer", "email", "row_dek")
    one = model(Column("email", EncryptedText("row_dek", alone)), Column("phone", Text))
    assert any("op.decrypt_column('customer', 'phone'" in line for line in upgrade_of(project.generate(one)))
    project.upgrade()
    project.check(one)


def test_a_new_column_joins_a_group(project: Project) -> None:
    """The guard of the column that was alone is renewed."""
    project.customers(email="text")
    one = model(Column("email", EncryptedText()))
    project.generate(one)
    project.upgrade()
    project.revision("op.drop_plaintext('customer', 'email')")
    project.upgrade()
    both = model(Column("email", EncryptedText()), Column("phone", EncryptedText("email_dek")))
    written = project.generate(both)
    assert sum("customer_email_envelope" in line for line in upgrade_of(written)) == 2
    assert downgrade_of(written)
    project.upgrade()
    project.check(both)
