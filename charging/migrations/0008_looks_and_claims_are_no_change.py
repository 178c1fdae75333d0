"""A write that only says who looks, or who is reading, changes nothing that a page shows: it notes no change."""

from django.db import migrations

FORWARD = """
CREATE OR REPLACE FUNCTION charging_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    rest charging_session%ROWTYPE;
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.watched_until IS DISTINCT FROM OLD.watched_until
            OR NEW.read_claimed_until IS DISTINCT FROM OLD.read_claimed_until) THEN
        rest := NEW;
        rest.watched_until := OLD.watched_until;
        rest.read_claimed_until := OLD.read_claimed_until;
        IF rest IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    NEW.changed_xid := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;
"""
BACKWARD = """
CREATE OR REPLACE FUNCTION charging_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("charging", "0007_stop_rule_terms")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
