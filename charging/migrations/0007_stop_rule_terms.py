"""A check over null passes: what a kind of rule demands must be there, not only be right if it is there."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("charging", "0006_session_readable"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="stoprule", name="stop_rule_amount"),
        migrations.RemoveConstraint(model_name="stoprule", name="stop_rule_minutes"),
        migrations.AddConstraint(
            model_name="stoprule",
            constraint=models.CheckConstraint(
                name="stop_rule_amount",
                condition=models.Q(
                    kind__in=("energy", "money", "minutes", "low_power"), amount__isnull=False, amount__gt=0
                )
                | (~models.Q(kind__in=("energy", "money", "minutes", "low_power")) & models.Q(amount=None)),
            ),
        ),
        migrations.AddConstraint(
            model_name="stoprule",
            constraint=models.CheckConstraint(
                name="stop_rule_minutes",
                condition=models.Q(kind__in=("low_power", "idle"), for_minutes__isnull=False, for_minutes__gt=0)
                | (~models.Q(kind__in=("low_power", "idle")) & models.Q(for_minutes=None)),
            ),
        ),
    ]
