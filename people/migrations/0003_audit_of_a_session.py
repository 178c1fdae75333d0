"""The audit entries of one session are found by its id, as their subject or in their details."""

from django.db import migrations, models
from django.db.models.fields.json import KeyTransform


class Migration(migrations.Migration):
    dependencies = [("people", "0002_cache_table")]
    operations = [
        migrations.AddIndex("auditentry", models.Index(fields=["subject"], name="audit_subject")),
        migrations.AddIndex("auditentry", models.Index(KeyTransform("session", "details"), name="audit_session")),
    ]
