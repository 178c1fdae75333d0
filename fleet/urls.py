"""The routes of fleet."""

from django.urls import URLPattern, URLResolver, path

from fleet.views import (
    accounts,
    command,
    command_draft,
    command_new,
    commands,
    messages,
    site_choices,
    sites,
    station,
    station_commands,
    station_import,
    stations,
    tariffs,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("sites/", sites.sites, name="sites"),
    path("sites/new/", sites.site_new, name="site_new"),
    path("sites/<int:pk>/", sites.site, name="site"),
    path("sites/<int:pk>/edit/", sites.site_edit, name="site_edit"),
    path("sites/choices", site_choices.site_choices, name="site_choices"),
    path("stations/", stations.stations, name="stations"),
    path("stations/new/", stations.station_new, name="station_new"),
    path("stations/import/", station_import.station_import, name="station_import"),
    path("stations/<int:pk>/", station.station, name="station"),
    path("stations/<int:pk>/commands", station_commands.station_commands, name="station_commands"),
    path("stations/<int:pk>/edit/", stations.station_edit, name="station_edit"),
    path("tariffs/", tariffs.tariffs, name="tariffs"),
    path("tariffs/new/", tariffs.tariff_new, name="tariff_new"),
    path("tariffs/<int:pk>/", tariffs.tariff_edit, name="tariff_edit"),
    path("commands/", commands.commands, name="commands"),
    path("commands/new/", command_new.command_new, name="command_new"),
    path("commands/drafts/<uuid:public_id>/", command_draft.command_draft, name="command_draft"),
    path("commands/csv", commands.commands_csv, name="commands_csv"),
    path("commands/<uuid:public_id>/", command.command, name="command"),
    path("commands/<uuid:public_id>/csv", command.command_csv_file, name="command_csv"),
    path("commands/<uuid:public_id>/calls", command.command_calls_list, name="command_calls"),
    path("settings/accounts/", accounts.settings_accounts, name="settings_accounts"),
    path("settings/accounts/new/", accounts.settings_account_new, name="settings_account_new"),
    path("settings/accounts/<int:pk>/", accounts.settings_account, name="settings_account"),
    path("settings/accounts/<int:pk>/test", accounts.settings_account_test, name="settings_account_test"),
    path("settings/messages/", messages.settings_messages, name="settings_messages"),
]
