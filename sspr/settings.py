"""`tenants.toml` and the environment, as one typed model.

Looked for at `--config`, then `$SSPR_CONFIG`, then `./tenants.toml`, then the user's configuration
folder. A secret is never in the file: it is named by its environment variable. An unknown key is an error.
"""

from __future__ import annotations

import os
import re
import sys
import tomllib
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_type_hints

import msgspec
import platformdirs

from sspr.errors import CannotStart
from sspr.model import Target

SIMULATED = "simulated"


class Cloud(StrEnum):
    """Microsoft's clouds (learn.microsoft.com, graph/deployments)."""

    GLOBAL = "global"
    USGOV = "usgov"
    USGOV_DOD = "usgov-dod"
    CHINA = "china"


# learn.microsoft.com, graph/deployments and entra/identity-platform/authentication-national-cloud.
LOGIN_URLS = {
    Cloud.GLOBAL: "https://login.microsoftonline.com",
    Cloud.USGOV: "https://login.microsoftonline.us",
    Cloud.USGOV_DOD: "https://login.microsoftonline.us",
    Cloud.CHINA: "https://login.partner.microsoftonline.cn",
}
GRAPH_URLS = {
    Cloud.GLOBAL: "https://graph.microsoft.com",
    Cloud.USGOV: "https://graph.microsoft.us",
    Cloud.USGOV_DOD: "https://dod-graph.microsoft.us",
    Cloud.CHINA: "https://microsoftgraph.chinacloudapi.cn",
}


Approval = Literal["policy", "required", "none"]
Credential = Literal["certificate", "secret", "managed-identity", "workload-identity", "device-code"]
# The environment that Azure Kubernetes Service gives to a pod with a workload identity: the keys it stands in for.
# azure.github.io/azure-workload-identity, "Mutating admission webhook".
_POD = {"tenant_id": "AZURE_TENANT_ID", "client_id": "AZURE_CLIENT_ID"}
TOKEN_FILE_ENV = "AZURE_FEDERATED_TOKEN_FILE"
FILES = ("certificate_file", "federated_token_file", "ca_file")
_OPTIONAL = {"managed-identity": ("client_id",), "workload-identity": ("tenant_id", "client_id")}


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the configuration: its keys are these and no others."""


class TenantSettings(_Table, frozen=True):
    """One `[tenants.NAME]` table. Paths are absolute once loaded (relative ones: beside the file).

    `client_id` is empty for the system-assigned managed identity; it and `tenant_id` may be absent where a pod's
    environment names them.
    """

    tenant_id: str = ""
    client_id: str = ""
    cloud: Cloud = Cloud.GLOBAL
    credential: Credential = "certificate"
    certificate_file: Path | None = None
    certificate_password_env: str | None = None
    secret_env: str | None = None
    federated_token_file: Path | None = None
    graph_url: str | None = None
    login_url: str | None = None
    ca_file: Path | None = None
    default_country: str | None = None
    target: Target | None = None
    approval: Approval = "policy"
    approval_above: Annotated[int, msgspec.Meta(ge=0)] = 500
    approval_global_administrators: bool = True
    telephony_provider: bool = False

    def __post_init__(self) -> None:
        for key in ("tenant_id", "client_id"):
            value: str = getattr(self, key)
            if not value and key not in _OPTIONAL.get(self.credential, ()):
                raise ValueError(
                    f"Object missing required field `{key}`"
                )  # the library's words for any other key
            if value and not value.strip():
                raise ValueError(f"'{key}' must not be empty")
        for key in ("graph_url", "login_url"):
            if not (getattr(self, key) or "https://").startswith("https://"):
                raise ValueError(f"'{key}' must begin with https://")
        code = self.default_country or "XX"
        if not (len(code) == 2 and code.isascii() and code.isalpha()):
            raise ValueError("'default_country' must be a two-letter ISO 3166 code such as US")

    @property
    def graph(self) -> str:
        """The root of Microsoft Graph, without a slash at its end."""
        return (self.graph_url or GRAPH_URLS[self.cloud]).rstrip("/")

    @property
    def login(self) -> str:
        """The root of the sign-in service, without a slash at its end."""
        return (self.login_url or LOGIN_URLS[self.cloud]).rstrip("/")

    def target_for(self, asked: Target | None) -> Target:
        """Where to write: as asked for, else as configured, else both; in China the contact properties.

        Microsoft has no email methods in China (learn.microsoft.com, graph/api/authentication-post-emailmethods,
        "National cloud deployments"). A run that registered the phone and could not register the email would be half
        done for every row. Raises `CannotStart` where another target is wanted there.
        """
        wanted = asked or self.target
        if self.cloud is Cloud.CHINA and wanted not in (None, Target.CONTACT):
            raise CannotStart(f"Microsoft's cloud in China has no email methods, so the target {wanted} cannot be "
                              "reached there: use --target contact.")  # fmt: skip
        return wanted or (Target.CONTACT if self.cloud is Cloud.CHINA else Target.BOTH)

    def tell_target(self, tell: Callable[[str], None]) -> None:
        """Says that the contact properties alone are written, where that is so without anybody having asked for it."""
        if self.cloud is Cloud.CHINA and self.target is None:
            tell("Microsoft's cloud in China has no email methods: the contact properties alone are written "
                 "(target contact).")  # fmt: skip

    def require_credential(self, environment: Mapping[str, str] = os.environ) -> None:
        """Raises `CannotStart` where a key or a variable that the credential needs is absent. Reads no file."""
        if self.credential == "secret":
            self.secret(environment)
        elif self.credential == "certificate":
            if self.certificate_file is None:
                raise CannotStart('credential = "certificate" needs certificate_file, a PEM or PFX file with the '
                                  "private key and the certificate; or set another credential.")  # fmt: skip
            self.certificate_password(environment)
        elif self.credential == "workload-identity":
            self.token_file(environment)
            for key, variable in _POD.items():
                if not getattr(self, key):
                    raise CannotStart(f'credential = "workload-identity" needs {key}, or the environment variable '
                                      f"{variable} that Azure Kubernetes Service sets.")  # fmt: skip
        elif self.credential == "device-code":
            require_terminal()

    def secret(self, environment: Mapping[str, str] = os.environ) -> str:
        """The client secret from the environment variable that `secret_env` names. Raises `CannotStart`."""
        if not self.secret_env:
            raise CannotStart(
                'credential = "secret" needs secret_env, the name of the environment variable that holds the secret.'
            )
        value = environment.get(self.secret_env, "")
        if not value:
            raise CannotStart(
                f"The environment variable {self.secret_env} holds no client secret. Set it and try again."
            )
        return value

    def certificate_password(self, environment: Mapping[str, str] = os.environ) -> str | None:
        """The pass phrase of `certificate_file`, None where none is named. Raises `CannotStart`."""
        if not self.certificate_password_env:
            return None
        value = environment.get(self.certificate_password_env, "")
        if not value:
            raise CannotStart(f"The environment variable {self.certificate_password_env} holds no pass phrase of the "
                              "certificate_file. Set it and try again.")  # fmt: skip
        return value

    def token_file(self, environment: Mapping[str, str] = os.environ) -> Path:
        """The file of the token that another issuer gave to this workload. Raises `CannotStart`."""
        path = self.federated_token_file or environment.get(TOKEN_FILE_ENV)
        if not path:
            raise CannotStart('credential = "workload-identity" needs federated_token_file, or the environment '
                              f"variable {TOKEN_FILE_ENV} that Azure Kubernetes Service sets.")  # fmt: skip
        return Path(path)


class LedgerSettings(_Table, frozen=True):
    """The `[ledger]` table. The URL may hold a password: it is never shown."""

    url: str | None = None

    def __repr__(self) -> str:
        return "LedgerSettings()"


class Settings(_Table, frozen=True):
    """The whole of `tenants.toml`, and where it was found."""

    default: str | None = None
    tenants: dict[str, TenantSettings] = {}
    policy: dict[str, str] = {}  # its codes and severities are judged where they are defined
    ledger: LedgerSettings = LedgerSettings()
    path: Path | None = None

    def tenant_name(self, name: str | None) -> str:
        """The tenant meant by `--tenant` (or by its absence). Raises `CannotStart` where there is none."""
        chosen = name or self.default or SIMULATED
        if chosen == SIMULATED or chosen in self.tenants:
            return chosen
        known = ", ".join([*sorted(self.tenants), SIMULATED])
        where = f" in {self.path}" if self.path else " (no tenants.toml was found)"
        raise CannotStart(f"There is no tenant {chosen!r}{where}. Known are: {known}.")


def home() -> Path:
    """`$SSPR_HOME`, made with mode 0700: the ledger of all runs and the token caches."""
    folder = Path(os.environ.get("SSPR_HOME") or platformdirs.user_data_path("sspr")).expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise CannotStart(f"The folder {folder} (SSPR_HOME) cannot be used: {error.strerror}.") from None
    return folder


def require_terminal() -> None:
    """Raises `CannotStart` where nobody would see what is said on standard error."""
    if not sys.stderr.isatty():
        raise CannotStart('credential = "device-code" needs a person at a terminal: use a certificate, a secret or an '
                          "identity of the machine where nobody is.")  # fmt: skip


def load_settings(config: Path | None = None) -> Settings:
    """The settings from the first place that has them; built-in defaults where none has.

    Raises `CannotStart` that names the file and the key, never the value (a value may be a secret pasted by mistake).
    """
    path = _find(config)
    if path is None:
        return Settings()
    table = _read(path)
    try:
        if "path" in table:
            raise CannotStart("the key 'path' is not known.")
        tenants = _part(table, "tenants")
        rest = _convert({**table, "tenants": {}}, Settings, "")
        settings = msgspec.structs.replace(
            rest,
            path=path,
            tenants={name: _anchored(_tenant(name, each), path.parent) for name, each in tenants.items()},
        )
        if settings.default not in (None, SIMULATED, *settings.tenants):
            raise CannotStart(f"default names the tenant {settings.default!r}, which has no [tenants] table.")
    except CannotStart as error:
        raise CannotStart(f"In {path}: {error}") from None
    return settings


def _find(config: Path | None) -> Path | None:
    named = config or (Path(os.environ["SSPR_CONFIG"]) if os.environ.get("SSPR_CONFIG") else None)
    if named is not None:
        return named.expanduser().absolute()
    for path in (Path("tenants.toml"), platformdirs.user_config_path("sspr") / "tenants.toml"):
        if path.is_file():
            return path.absolute()
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotStart(f"The configuration {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CannotStart(f"The configuration {path} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise CannotStart(f"The configuration {path} is not valid TOML: {error}.") from None


def _tenant(name: str, table: object) -> TenantSettings:
    tenant = _convert(table, TenantSettings, f"tenants.{name}.")
    if tenant.credential != "workload-identity":
        return tenant
    named = {key: getattr(tenant, key) or os.environ.get(variable, "") for key, variable in _POD.items()}
    return msgspec.structs.replace(tenant, **named)


def _part(table: Mapping[str, Any], key: str) -> dict[str, Any]:
    part = table.get(key, {})
    if not isinstance(part, dict):
        raise CannotStart(f"'{key}' must be a table: [{key}.NAME].")
    return part


def _anchored(tenant: TenantSettings, folder: Path) -> TenantSettings:
    paths: dict[str, Path | None] = {key: getattr(tenant, key) for key in FILES}
    return msgspec.structs.replace(tenant, **{key: folder / path for key, path in paths.items() if path})


_T = TypeVar("_T", bound=_Table)
_AT = re.compile(r" - at `(?:key in )?\$\.?(?P<key>[^`]*)`$")
_FIELD = re.compile(r"(?P<what>unknown|required) field `(?P<field>[^`]*)`")


def _convert(table: object, kind: type[_T], prefix: str) -> _T:
    """The table as a value of that kind. Raises `CannotStart`: which key, and what is wrong with it."""
    try:
        return msgspec.convert(table, kind, dec_hook=_as_path)
    except msgspec.ValidationError as error:
        text = str(error)
    at = _AT.search(text)
    text = text.removesuffix(at.group()) if at else text
    key = f"{prefix}{at['key'] if at else ''}".rstrip(".").replace("[...]", "")
    field = _FIELD.search(text)
    if field:
        name = f"{key}.{field['field']}".lstrip(".")
        raise CannotStart(f"the key '{name}' is {'not known' if field['what'] == 'unknown' else 'needed'}.")
    if text.startswith("'"):  # one of our own sentences, which names the key
        raise CannotStart(f"in [{key}], {text}.") if key else CannotStart(f"{text}.")
    said = (
        f"it must be one of {_choices(kind, at['key'] if at else '')}"
        if text.startswith("Invalid enum")
        else text
    )
    raise CannotStart(f"the key '{key}' is wrong: {said[:1].lower()}{said[1:]}.")


def _choices(kind: type[_Table], key: str) -> str:
    """What a key can be. The library quotes the value that it cannot be, which may be a secret put there by mistake."""
    annotation = get_type_hints(kind).get(key)
    values: list[object] = []
    for each in (annotation, *get_args(annotation)):  # an optional key's own type is one of the two
        if isinstance(each, type) and issubclass(each, StrEnum):
            values += each
    return ", ".join(str(value) for value in values or get_args(annotation))


def _as_path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str) and value:
        return Path(value).expanduser()
    raise ValueError("expected the path of a file")
