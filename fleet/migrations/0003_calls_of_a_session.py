"""The requests about one session are found by their reason: its page must not walk through a month of calls."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("fleet", "0002_initial")]
    operations = [
        AddIndexConcurrently("apicall", models.Index(fields=["account", "why", "-started_at"], name="call_of_session")),
    ]
