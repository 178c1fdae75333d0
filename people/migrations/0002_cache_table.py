"""The table of Django's database cache (login rate limits): made here, so that `migrate` is the whole set-up."""

from django.db import migrations

FORWARD = """
CREATE UNLOGGED TABLE cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX cache_expires ON cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, "DROP TABLE cache")]
