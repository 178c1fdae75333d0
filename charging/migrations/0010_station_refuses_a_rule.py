"""A station may say that it has no rule of a kind, whatever its site says."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("charging", "0009_readings_by_age_open_corrections"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="stoprule",
            name="stop_rule_time",
        ),
        migrations.RemoveConstraint(
            model_name="stoprule",
            name="stop_rule_amount",
        ),
        migrations.RemoveConstraint(
            model_name="stoprule",
            name="stop_rule_minutes",
        ),
        migrations.AddField(
            model_name="stoprule",
            name="is_none",
            field=models.BooleanField(default=False),
        ),
        migrations.AddConstraint(
            model_name="stoprule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("amount__gt", 0),
                        ("amount__isnull", False),
                        ("is_none", False),
                        ("kind__in", ("energy", "money", "minutes", "low_power")),
                    ),
                    models.Q(
                        models.Q(
                            models.Q(("kind__in", ("energy", "money", "minutes", "low_power")), _negated=True),
                            ("is_none", True),
                            _connector="OR",
                        ),
                        ("amount", None),
                    ),
                    _connector="OR",
                ),
                name="stop_rule_amount",
            ),
        ),
        migrations.AddConstraint(
            model_name="stoprule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("for_minutes__gt", 0),
                        ("for_minutes__isnull", False),
                        ("is_none", False),
                        ("kind__in", ("low_power", "idle")),
                    ),
                    models.Q(
                        models.Q(
                            models.Q(("kind__in", ("low_power", "idle")), _negated=True),
                            ("is_none", True),
                            _connector="OR",
                        ),
                        ("for_minutes", None),
                    ),
                    _connector="OR",
                ),
                name="stop_rule_minutes",
            ),
        ),
        migrations.AddConstraint(
            model_name="stoprule",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("at_time__isnull", False), ("is_none", False), ("kind", "clock")),
                    models.Q(
                        models.Q(models.Q(("kind", "clock"), _negated=True), ("is_none", True), _connector="OR"),
                        ("at_time", None),
                    ),
                    _connector="OR",
                ),
                name="stop_rule_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="stoprule",
            constraint=models.CheckConstraint(
                condition=models.Q(("is_none", False), ("station__isnull", False), _connector="OR"),
                name="stop_rule_none_at_a_station",
            ),
        ),
    ]
