"""The routes of charging."""

from django.urls import URLPattern, URLResolver, path

from charging.views import control, exceptions, hooks, live, receipt, session, sessions

urlpatterns: list[URLPattern | URLResolver] = [
    path("hooks/sessions/<str:token>", hooks.hook_session, name="hook_session"),
    path("hooks/jobs/<str:token>", hooks.hook_job, name="hook_job"),
    path("hooks/exceptions/<str:token>", hooks.hook_exception, name="hook_exception"),
    path("", live.live, name="live"),
    path("live/rows", live.live_rows, name="live_rows"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("sessions/csv", sessions.sessions_csv, name="sessions_csv"),
    path("sessions/start", control.session_start, name="session_start"),
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
