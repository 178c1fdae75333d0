"""How far apart reads of its key were when a session was last read: its horizon of silence follows that."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("charging", "0010_station_refuses_a_rule")]
    operations = [
        migrations.AddField(model_name="session", name="read_interval_s", field=models.FloatField(default=0.0))
    ]
