"""Every setting, from the environment, typed. What has no safe default must be set: see docs/production.env.example."""

from datetime import timedelta
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from config import env, logs

ROOT = Path(__file__).resolve().parent.parent

# --- who and where ------------------------------------------------------------------------------------------------
SECRET_KEY = env.text("SECRET_KEY")
ENCRYPTION_KEYS = env.encryption_keys()
DEBUG = env.flag("DEBUG")
LOCAL = env.flag("LOCAL")  # one machine, loopback, plain http: set by ./run, never in production
DEMO = env.flag("DEMO")  # the demo organisation exists; its logins are refused off loopback
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]" if LOCAL else env.text("ALLOWED_HOSTS"))
PUBLIC_URL = env.text("PUBLIC_URL", "").rstrip("/")  # where the vendor reaches us; may be empty: then we only read
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL.startswith("https://") else []
BUSINESS_CLOCK = env.text("BUSINESS_CLOCK", "")
READY_TOKEN = env.text("READY_TOKEN", "")  # echoed by /readyz so that the launcher knows its own server

# --- what runs ----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "template_partials",
    "allauth",
    "allauth.account",
    "rest_framework",
    "drf_spectacular",
    "people",
    "fleet",
    "charging",
    "reporting",
    "api",
]
MIDDLEWARE = [
    "config.middleware.request_id",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.security_headers",
    "django.middleware.gzip.GZipMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "people.middleware.actor",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.shell.context",
            ],
            "libraries": {"ui": "lib.ui"},
            "builtins": ["lib.ui", "django.templatetags.i18n", "django.templatetags.static"],
        },
    }
]

# --- where it rests -----------------------------------------------------------------------------------------------
DATABASES = {"default": env.database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
STATIC_URL = "/static/"
STATICFILES_DIRS = [ROOT / "static", *([ROOT / "var/assets"] if (ROOT / "var/assets").is_dir() else [])]
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(ROOT / "var/static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG or LOCAL
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG or LOCAL
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # "all stations" may be selected by check boxes

# --- people -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "people.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_ADAPTER = "people.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "people.account_forms.SignIn",
    "reset_password": "people.account_forms.ResetPassword",
    "reset_password_from_key": "people.account_forms.NewPassword",
    "change_password": "people.account_forms.ChangePassword",
    "set_password": "people.account_forms.SetPassword",
    "reauthenticate": "people.account_forms.Reauthenticate",
}
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"

# --- the web ------------------------------------------------------------------------------------------------------
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY") else None
SECURE_SSL_REDIRECT = not (DEBUG or LOCAL)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 0 if DEBUG or LOCAL else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not (DEBUG or LOCAL)
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_FAILURE_VIEW = "config.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

# --- words and times ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]  # French follows
LOCALE_PATHS = [ROOT / "locale"]
USE_TZ = True
TIME_ZONE = "UTC"

# --- work in the background ---------------------------------------------------------------------------------------
BROKER_URL = env.text("BROKER_URL")

# --- the vendor ---------------------------------------------------------------------------------------------------
EEVION_TIMEOUT_S = 8.0  # one deadline for a whole call
CALL_LEASE_S = 10  # a claimed row is taken up again after this long; longer than the deadline of a call
JOB_PATIENCE = timedelta(minutes=env.integer("JOB_PATIENCE_MINUTES", 15))  # business; then "no word in time"
HOOK_MAX_BYTES = 262_144
READ_EVERY_S = env.integer("READ_EVERY_S", 30)  # wall: with requests to spare, how often a calm session is read
READ_CAP_S = env.integer("READ_CAP_S", 600)  # wall: a reading older than this is renewed before all weights

# --- retention, per table; docs/operations.md says what each one means ----------------------------------------------
RETENTION = {
    "fleet.ApiCall": timedelta(days=env.integer("RETAIN_CALLS_DAYS", 30)),
    "fleet.CommandDraft": timedelta(days=2),  # confirmed or forgotten; the command, if any, stays
    "fleet.RawMessage": timedelta(days=env.integer("RETAIN_MESSAGES_DAYS", 90)),
    "charging.Reading": timedelta(days=env.integer("RETAIN_READINGS_DAYS", 400)),
}

# --- API ----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.authentication.KeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["api.parsers.Json"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.errors.handle",
    "COERCE_DECIMAL_TO_STRING": True,
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Chargehand API",
    "DESCRIPTION": "Sites, stations, charging sessions and station commands of your organisation.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "SessionStateEnum": "api.serializers.SESSION_STATES",
        "StopRuleKindEnum": "api.serializers.RULE_KINDS",
        "StopRuleStateEnum": "api.serializers.RULE_STATES",
        "OriginEnum": "api.serializers.SESSION_ORIGINS",
        "CommandOriginEnum": "api.serializers.COMMAND_ORIGINS",
    },
}

LOGGING_CONFIG = None
logs.configure(level=env.text("LOG_LEVEL", "INFO"), as_json=env.text("LOG_FORMAT", "console") == "json")
globals().update(env.email())
DEFAULT_FROM_EMAIL = env.text("FROM_EMAIL", "Chargehand <chargehand@localhost>")
SILENCED_SYSTEM_CHECKS: list[str] = []
