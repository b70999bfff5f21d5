"""What every table of the state is made from."""

import peewee


class Row(peewee.Model):
    """Base of all tables."""


class Numbered(Row):
    """Base of those whose rows have a number."""

    id = peewee.AutoField()
