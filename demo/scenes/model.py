"""What the application says: a type in the model, and one line where the engine is made."""

import inspect

from rich.padding import Padding
from rich.text import Text
from sqlalchemy import inspect as inspect_mapped

from ..models import Base, Customer
from ..stage import SECRET, Stage
from ..world import World

ATTACH = "engine = attach(create_engine(url), Envelope(DirectKeyring(AwsKms(key_arn))))"


def play(stage: Stage, world: World) -> None:
    """Show the model, make the tables."""
    stage.scene("The model", "A column is encrypted by its type. That is all that the application says:")
    lines = inspect.getsource(Customer).splitlines()
    code = Text("\n".join(each.strip() for each in lines if "mapped_column(" in each) + f"\n\n{ATTACH}")
    code.highlight_regex(r"EncryptedText\(\)|attach|Envelope\(.*\)\)\)", f"bold {SECRET}")
    stage.show(Padding(code, (0, 0, 1, 2)))
    with world.engine() as engine:
        Base.metadata.create_all(engine)
    stored, mapped = set(Customer.__table__.c.keys()), set(inspect_mapped(Customer).columns.keys())
    stage.promise(
        "the table has a second column for each, email_dek and so on, for its wrapped data key; "
        "the mapped class has not",
        "email_dek" in stored and not any(each.endswith("_dek") for each in mapped),
    )
