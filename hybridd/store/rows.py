"""What every table of the state is made from."""

import peewee

# Instants are ms UTC and need 64 bits; prices and scores need double precision, which PostgreSQL's REAL has not.
# JSON is kept as text: the same bytes on every engine, so that hashes and round trips are exact.


class Row(peewee.Model):
    """Base of all tables."""


class Numbered(Row):
    """Base of those whose rows have a number."""

    id = peewee.AutoField()
