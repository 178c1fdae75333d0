"""Readings are pruned by age, open corrections are counted on every page. Made beside the writers: readings are many."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("charging", "0008_looks_and_claims_are_no_change")]
    operations = [
        AddIndexConcurrently("reading", models.Index(fields=["received_at"], name="reading_by_age")),
        AddIndexConcurrently(
            "correction",
            models.Index(fields=["session"], name="correction_open", condition=models.Q(("decision", ""))),
        ),
    ]
