"""A small site that serves: two halls of CS-3 with two services."""

from __future__ import annotations

import pytest

from twin.site.load import LoadedSite, load_site

SERVES = """\
format: 1
base: oklahoma-10
name: serves
title: Two halls that serve, for the tests
inference:
  demand:
    chat: {workload: chat, shape: flat, fill: 0.5}
    agents: {workload: agents, shape: flat, fill: 0.5}
  services:
    talk:
      serve: {serving: llama-3.3-70b-cs3, halls: [okc/hall-1]}
      mix: {chat: 1}
    think:
      serve: {serving: gpt-oss-120b-cs3, halls: [okc/hall-2]}
      mix: {agents: 0.6, chat: 0.4}
"""


@pytest.fixture(scope="session")
def serves(tmp_path_factory: pytest.TempPathFactory) -> LoadedSite:
    path = tmp_path_factory.mktemp("serves") / "serves.yaml"
    path.write_text(SERVES)
    return load_site(path)
