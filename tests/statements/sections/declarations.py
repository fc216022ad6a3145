"""What a column may be declared with."""

from sqlalchemy_envelope import ConfigurationError

from ..catalogue import refused, section, works

with section("Declaring a column"):
    works(
        "declare(Column('x', EncryptedText())).c.keys()",
        "declare(Column('x', EncryptedText(), nullable=False)).c.keys()",
        "declare(Column('x', EncryptedBytes(dek='k'))).c.keys()",
        "declare(Column('x', EncryptedText(dek='k')), Column('y', EncryptedText(dek='k'))).c.keys()",
        "declare(Column('x', EncryptedText()), Column('x_dek', LargeBinary)).c.keys()",
        "declare(Column('x', EncryptedText(context='person.ssn'))).c.keys()",
        "declare(Column('x', EncryptedText(), default='value')).c.keys()",
        "declare(Column('x', EncryptedText(), default=lambda: 'value')).c.keys()",
        "declare(Column('x', EncryptedText(accept=Version.V2))).c.keys()",
        declares=True,
    )
    refused(
        "declare(Column('x', EncryptedText(), primary_key=True))",
        "declare(Column('x', EncryptedText(), unique=True))",
        "declare(Column('x', EncryptedText(), index=True))",
        "declare(Column('x', EncryptedText(), sa.ForeignKey('other.id')))",
        "declare(Column('x', EncryptedText(), server_default='value'))",
        "declare(Column('x', EncryptedText(), server_default=text('now()')))",
        "declare(Column('x', EncryptedText(), server_onupdate=sa.FetchedValue()))",
        "declare(Column('x', EncryptedText(), default=func.upper('value')))",
        "declare(Column('x', EncryptedText(), default=select(literal('value')).scalar_subquery()))",
        "declare(Column('x', EncryptedText(), default=lambda context: context.get_current_parameters()['id']))",
        "declare(Column('x', EncryptedText(), onupdate='value'))",
        "declare(Column('x', EncryptedText(), onupdate=func.upper('value')))",
        "declare(Column('x', EncryptedText(), sa.Computed('1')))",
        "declare(Column('x', EncryptedText(context='a.b')), Column('y', EncryptedText(context='a.b')))",
        "declare(Column('x', EncryptedText(context='nodot')))",
        "declare(Column('x', EncryptedText(dek='k')), Column('y', EncryptedText(dek='k', accept=Version.V2)))",
        "declare(Column('x', EncryptedText()), Column('x_dek', Text))",
        "declare(Column('x', EncryptedText(accept='v2')))",
        "declare(Column('x', EncryptedText()), UniqueConstraint('x'))",
        "declare(Column('x', EncryptedText()), Index('of_x', 'x'))",
        declares=True,
        error=ConfigurationError,
    )
