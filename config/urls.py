"""The map of the site. Each app names its own routes; URL, view, template and test share one word."""

from django.contrib import admin
from django.urls import include, path

from config import views

urlpatterns = [
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("api/v1/", include("api.urls")),
    path("", include("people.urls")),
    path("", include("fleet.urls")),
    path("", include("charging.urls")),
    path("", include("reporting.urls")),
]

handler400 = views.bad_request
