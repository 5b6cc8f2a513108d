"""Where the recorded data lie, and traces that tests write themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

# Beside the checkout: recordings are too large to be part of it.
DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
AZURE = "azure/AzureLLMInferenceTrace_conv.csv"
CONVERSATION = "mooncake/conversation_trace.jsonl"
SYNTHETIC = "mooncake/synthetic_trace.jsonl"
LARGE = "servegen/servegen_rate_language_m-large.csv"
MID = "servegen/servegen_rate_language_m-mid.csv"
HEAD = "TIMESTAMP,ContextTokens,GeneratedTokens"


def recording(name: str) -> Path:
    """A file of the shared data; the test is skipped where there is none."""
    if not (DATA / name).is_file():
        pytest.skip(f"needs ../shared/data/{name}")
    return DATA / name


__all__ = ["AZURE", "CONVERSATION", "DATA", "HEAD", "LARGE", "MID", "SYNTHETIC", "recording"]
