"""A small site that serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.site.load import LoadedSite, load_site

SERVING = """\
format: 1
base: oklahoma-10
name: serving
inference:
  demand:
    chat: {workload: chat, shape: servegen-m-large, fill: 0.9}
    agents: {workload: agents, fill: 0.7}
    batch: {workload: enterprise-batch, fill: 0.7}
  services:
    fast: {serve: {serving: llama-3.3-70b-cs3, halls: [okc/hall-1]}, mix: {chat: 1}}
    deep: {serve: {serving: gpt-oss-120b-cs3, halls: [okc/hall-2]}, mix: {agents: 0.5, batch: 0.5}}
"""


@pytest.fixture(scope="session")
def serving_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two halls of wafers: chat on one, agents and batches on the other."""
    path = tmp_path_factory.mktemp("serving") / "serving.yaml"
    path.write_text(SERVING)
    return path


SHARING = """\
format: 1
base: oklahoma-10
name: sharing
inference:
  demand:
    chat: {workload: chat, fill: 0.5}
    agents: {workload: agents, fill: 0.5}
  services:
    talk: {serve: {serving: llama-3.3-70b-cs3, halls: [okc/hall-1]}, mix: {chat: 1}}
    think: {serve: {serving: gpt-oss-120b-cs3, halls: [okc/hall-2]}, mix: {agents: 0.6, chat: 0.4}}
"""


@pytest.fixture(scope="session")
def serves(tmp_path_factory: pytest.TempPathFactory) -> LoadedSite:
    """Two halls of wafers that share a class."""
    path = tmp_path_factory.mktemp("sharing") / "sharing.yaml"
    path.write_text(SHARING)
    return load_site(path)
