"""The routes of the REST API, below /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from api.views import commands, schema, sessions, sites, stations

urlpatterns: list[URLPattern | URLResolver] = [
    path("sites", sites.sites, name="api_sites"),
    path("sites/<int:pk>", sites.site, name="api_site"),
    path("stations", stations.stations, name="api_stations"),
    path("stations/<int:pk>", stations.station, name="api_station"),
    path("sessions", sessions.sessions, name="api_sessions"),
    path("sessions/<uuid:public_id>", sessions.session, name="api_session"),
    path("sessions/<uuid:public_id>/stop", sessions.session_stop, name="api_session_stop"),
    path("commands", commands.commands, name="api_commands"),
    path("commands/<uuid:public_id>", commands.command, name="api_command"),
    path("schema/", schema.Schema.as_view(), name="api_schema"),
    path("docs/", schema.docs, name="api_docs"),
    path("<path:rest>", schema.unknown, name="api_unknown"),
]
