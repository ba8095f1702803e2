"""`tenants.toml` and the environment, as one typed model.

Looked for at `--config`, then `$SSPR_CONFIG`, then `./tenants.toml`, then the user's configuration
folder. A secret is never in the file: it is named by its environment variable. An unknown key is an error.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

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


def _https(url: str | None) -> str | None:
    if url is not None and not url.startswith("https://"):
        raise ValueError("must begin with https://")
    return url.rstrip("/") if url else url


def _region(code: str | None) -> str | None:
    if code is not None and not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise ValueError("must be a two-letter ISO 3166 code such as US")
    return code.upper() if code else code


Url = Annotated[str | None, AfterValidator(_https)]
Region = Annotated[str | None, AfterValidator(_region)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TenantSettings(_Table):
    """One `[tenants.NAME]` table. Paths are absolute once loaded (relative ones: beside the file)."""

    tenant_id: str = Field(min_length=1)
    client_id: str = Field(min_length=1)
    cloud: Cloud = Cloud.GLOBAL
    credential: Literal["certificate", "secret"] = "certificate"
    certificate_file: Path | None = None
    secret_env: str | None = None
    graph_url: Url = None
    login_url: Url = None
    ca_file: Path | None = None
    default_country: Region = None
    target: Target = Target.BOTH
    approval: Literal["policy", "required", "none"] = "policy"

    @property
    def graph(self) -> str:
        """The root of Microsoft Graph, without a slash at its end."""
        return self.graph_url or GRAPH_URLS[self.cloud]

    @property
    def login(self) -> str:
        """The root of the sign-in service, without a slash at its end."""
        return self.login_url or LOGIN_URLS[self.cloud]

    def secret(self, environment: Mapping[str, str] = os.environ) -> SecretStr:
        """The client secret from the environment variable that `secret_env` names."""
        if not self.secret_env:
            raise CannotStart("credential = \"secret\" needs secret_env, the name of the environment variable "
                              "that holds the secret.")  # fmt: skip
        value = environment.get(self.secret_env, "")
        if not value:
            raise CannotStart(
                f"The environment variable {self.secret_env} holds no client secret. Set it and try again."
            )
        return SecretStr(value)


class LedgerSettings(_Table):
    """The `[ledger]` table."""

    url: str | None = Field(default=None, repr=False)


class Settings(_Table):
    """The whole of `tenants.toml`, and where it was found."""

    default: str | None = None
    tenants: dict[str, TenantSettings] = Field(default_factory=dict)
    policy: dict[str, Literal["error", "warn", "ignore"]] = Field(default_factory=dict)
    ledger: LedgerSettings = Field(default_factory=LedgerSettings)
    path: Path | None = Field(default=None, exclude=True)

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


def load_settings(config: Path | None = None) -> Settings:
    """The settings from the first place that has them; built-in defaults where none has.

    Raises `CannotStart` that names the file and the key, never the value (a value may be a secret pasted by mistake).
    """
    path = _find(config)
    if path is None:
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotStart(f"The configuration {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CannotStart(f"The configuration {path} is not UTF-8 text.") from None
    except tomllib.TOMLDecodeError as error:
        raise CannotStart(f"The configuration {path} is not valid TOML: {error}.") from None
    try:
        settings = Settings.model_validate({**table, "path": path})
    except ValidationError as error:
        raise CannotStart(f"In {path}: {_explain(error)}") from None
    if "path" in table:
        raise CannotStart(f"In {path}: the key 'path' is not known.")
    if settings.default not in (None, SIMULATED) and settings.default not in settings.tenants:
        raise CannotStart(
            f"In {path}: default names the tenant {settings.default!r}, which has no [tenants] table."
        )
    return settings.model_copy(
        update={
            "tenants": {name: _anchored(tenant, path.parent) for name, tenant in settings.tenants.items()}
        }
    )


def _find(config: Path | None) -> Path | None:
    named = config or (Path(os.environ["SSPR_CONFIG"]) if os.environ.get("SSPR_CONFIG") else None)
    if named is not None:
        return named.expanduser().absolute()
    for path in (Path("tenants.toml"), platformdirs.user_config_path("sspr") / "tenants.toml"):
        if path.is_file():
            return path.absolute()
    return None


def _anchored(tenant: TenantSettings, folder: Path) -> TenantSettings:
    paths = {"certificate_file": tenant.certificate_file, "ca_file": tenant.ca_file}
    return tenant.model_copy(update={key: folder / path.expanduser() for key, path in paths.items() if path})


def _explain(error: ValidationError) -> str:
    """The first fault as a sentence: which key, and what it may be. Values are left out."""
    fault = error.errors(include_input=False, include_url=False)[0]
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"the key '{key}' is not known."
    if fault["type"] == "missing":
        return f"the key '{key}' is needed."
    message = str(fault["msg"]).removeprefix("Value error, ")
    return f"the key '{key}' {message[:1].lower()}{message[1:]}."
