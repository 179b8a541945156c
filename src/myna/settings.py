"""One settings object: from the command line, then the environment (MYNA_…), then the defaults below."""

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from myna.private import keep_once


class Settings(BaseSettings):
    """Where a network lives and how it is served."""

    model_config = SettingsConfigDict(env_prefix="MYNA_", extra="ignore")

    home: Path = Path("myna-home")
    """The folder that holds everything of one network."""
    database_url: str = ""
    """`postgresql://…` when outgrown; empty for SQLite in the home folder."""
    host: str = "127.0.0.1"
    port: int = Field(default=8420, ge=0, le=65535)
    links_port: int = Field(default=8421, ge=0, le=65535)
    links_url: str = ""
    """The address at which readers reach the links process, where it is not http://host:links_port."""
    demo: bool = False
    """Sign in as anyone, and every page open: for a network on one's own machine."""
    threads: int = Field(default=0, ge=0)
    """Threads for models; 0 for as many as there are cores."""
    model_url: str = ""
    """`http://host:8000/v1` of a server that speaks OpenAI's protocol (vLLM) and writes in place of this process; empty
    to write here. It serves what `myna export` wrote, under the name `myna`."""
    model_key: str = ""
    """The key that server asks for."""
    metrics: Literal["local", "key", "off"] = "local"
    """Who may read GET /metrics: the operator's key and this machine, the key alone, nobody."""
    currency: str = "EUR"

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().resolve()

    @property
    def database(self) -> str:
        """The URL of the database of the logs."""
        return self.database_url or f"sqlite:///{self.home / 'myna.db'}"

    @property
    def address(self) -> str:
        """The address of the pages and the API."""
        return f"http://{self.host}:{self.port}"

    @property
    def links_address(self) -> str:
        """The address click links begin with."""
        return self.links_url or f"http://{self.host}:{self.links_port}"

    @property
    def cores(self) -> int:
        """Threads to use for models."""
        ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        return self.threads or ours or 1

    @cached_property
    def secret(self) -> str:
        """The key that signs sessions; made at first use, kept in the home folder, readable by its owner only."""
        path = self.home / "secret"
        keep_once(path, secrets.token_urlsafe(48).encode())
        return path.read_text()
