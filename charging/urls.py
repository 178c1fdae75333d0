"""The routes of charging."""

from django.urls import URLPattern, URLResolver, path

from charging.views import control, exceptions, hooks, live, session, sessions

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
    path("stations/<int:pk>/sessions", sessions.station_sessions, name="station_sessions"),
    path("sites/<int:pk>/sessions", sessions.site_sessions, name="site_sessions"),
    path("exceptions/", exceptions.exceptions, name="exceptions"),
    path("exceptions/unknown/<int:pk>", exceptions.exceptions_unknown_station, name="exceptions_unknown_station"),
]
