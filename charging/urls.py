"""The routes of charging."""

from django.urls import URLPattern, URLResolver, path

from charging.views import bulk_stop, control, exceptions, hooks, live, receipt, session, sessions, stop_rules

urlpatterns: list[URLPattern | URLResolver] = [
    path("hooks/sessions/<str:token>", hooks.hook_session, name="hook_session"),
    path("hooks/jobs/<str:token>", hooks.hook_job, name="hook_job"),
    path("hooks/exceptions/<str:token>", hooks.hook_exception, name="hook_exception"),
    path("", live.live, name="live"),
    path("live/rows", live.live_rows, name="live_rows"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/csv", sessions.sessions_csv, name="sessions_csv"),
    path("sessions/start", control.session_start, name="session_start"),
    path("sessions/stop", bulk_stop.sessions_stop, name="sessions_stop"),
    path("sessions/stop/result", bulk_stop.sessions_stop_result, name="sessions_stop_result"),
    path("sites/<int:pk>/sessions/stop", bulk_stop.site_sessions_stop, name="site_sessions_stop"),
    path("sessions/<uuid:public_id>/rules", stop_rules.session_rules_part, name="session_rules_part"),
    path("sessions/<uuid:public_id>/rules/edit", stop_rules.session_rules_edit, name="session_rules_edit"),
    path("sessions/<uuid:public_id>/rules/remove", stop_rules.session_rule_remove, name="session_rule_remove"),
    path("stations/<int:pk>/rules", stop_rules.station_rules, name="station_rules"),
    path("stations/<int:pk>/rules/edit", stop_rules.station_rules_edit, name="station_rules_edit"),
    path("sites/<int:pk>/rules", stop_rules.site_rules, name="site_rules"),
    path("sites/<int:pk>/rules/edit", stop_rules.site_rules_edit, name="site_rules_edit"),
    path("sessions/<uuid:public_id>/", session.session, name="session"),
    path("sessions/<uuid:public_id>/now", session.session_now, name="session_now"),
    path("sessions/<uuid:public_id>/stop", control.session_stop, name="session_stop"),
    path("sessions/<uuid:public_id>/decide", control.session_decide, name="session_decide"),
    path("sessions/<uuid:public_id>/receipt/", receipt.session_receipt, name="session_receipt"),
    path("sessions/<uuid:public_id>/receipt.pdf", receipt.session_receipt_pdf, name="session_receipt_pdf"),
    path("sessions/<uuid:public_id>/receipt/part", receipt.session_receipt_part, name="session_receipt_part"),
    path("sessions/<uuid:public_id>/receipt/link", receipt.session_receipt_link, name="session_receipt_link"),
    path("sessions/<uuid:public_id>/receipt/mail", receipt.session_receipt_mail, name="session_receipt_mail"),
    path("sessions/<uuid:public_id>/receipt/revoke", receipt.session_receipt_revoke, name="session_receipt_revoke"),
    path("r/<str:token>.pdf", receipt.receipt_pdf_file, name="receipt_pdf"),
    path("r/<str:token>", receipt.receipt, name="receipt"),
    path("stations/<int:pk>/sessions", sessions.station_sessions, name="station_sessions"),
    path("sites/<int:pk>/sessions", sessions.site_sessions, name="site_sessions"),
    path("exceptions/", exceptions.exceptions, name="exceptions"),
    path("exceptions/unknown/<int:pk>", exceptions.exceptions_unknown_station, name="exceptions_unknown_station"),
]
