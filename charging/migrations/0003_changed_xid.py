"""Every write of a session notes its transaction, so that readers of changes can miss none (docs/algorithms)."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION charging_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changed_xid := pg_current_xact_id()::text::bigint;
    RETURN NEW;
END $$;
CREATE TRIGGER session_note_change BEFORE INSERT OR UPDATE ON charging_session
    FOR EACH ROW EXECUTE FUNCTION charging_note_change();
"""
BACKWARD = """
DROP TRIGGER session_note_change ON charging_session;
DROP FUNCTION charging_note_change();
"""


class Migration(migrations.Migration):
    dependencies = [("charging", "0002_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
