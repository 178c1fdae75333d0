"""The routes of people: signing in (allauth's views under their own names), settings, invitations."""

from allauth.account import views as account
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.generic import RedirectView

from people.views import audit, invitation, keys, people, preferences, settings

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/login/", account.login, name="account_login"),
    path("accounts/logout/", account.logout, name="account_logout"),
    path("accounts/inactive/", account.account_inactive, name="account_inactive"),
    path("accounts/signup/", account.signup, name="account_signup"),  # always closed: says how to be invited
    path("accounts/reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("accounts/email/", RedirectView.as_view(pattern_name="settings"), name="account_email"),
    path("accounts/password/change/", account.password_change, name="account_change_password"),
    path("accounts/password/set/", account.password_set, name="account_set_password"),
    path("accounts/password/reset/", account.password_reset, name="account_reset_password"),
    path("accounts/password/reset/done/", account.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "accounts/password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    path("invitations/<str:token>/", invitation.invitation, name="invitation"),
    path("organisation", preferences.organisation_switch, name="organisation_switch"),
    path("preferences", preferences.preferences, name="preferences"),
    path("theme", preferences.preferences, name="theme"),
    path("keys", preferences.preferences, name="keys"),
    path("settings/", settings.settings, name="settings"),
    path("settings/people/", people.settings_people, name="settings_people"),
    path("settings/people/<int:pk>/", people.settings_member, name="settings_member"),
    path("settings/people/<int:pk>/remove", people.settings_member_remove, name="settings_member_remove"),
    path("settings/invitations/<int:pk>/revoke", people.invitation_revoke, name="invitation_revoke"),
    path("settings/keys/", keys.settings_keys, name="settings_keys"),
    path("settings/keys/<int:pk>/revoke", keys.settings_key_revoke, name="settings_key_revoke"),
    path("settings/audit/", audit.settings_audit, name="settings_audit"),
]
