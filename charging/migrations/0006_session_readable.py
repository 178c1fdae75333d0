"""The sessions that are read, found without a look at the millions that are over (charging/read_queue.py)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("charging", "0005_reading_estimated")]
    operations = [
        migrations.AddIndex(
            model_name="session",
            index=models.Index(
                fields=["station"],
                name="session_readable",
                condition=(
                    models.Q(state__in=("pending", "charging", "suspended", "stopping", "stopped"))
                    | models.Q(hurry=True)
                )
                & models.Q(vendor_session_id__isnull=False),
            ),
        ),
    ]
