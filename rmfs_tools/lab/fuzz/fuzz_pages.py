"""The pages of a campaign: one of all of it, and one of each finding."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from rmfs_tools.lab.fuzz.campaigning import Campaign, Found
from rmfs_tools.lab.pages import environment, rows


class FuzzPages:
    """Writes the pages of one campaign."""

    def __init__(self) -> None:
        """Read the templates."""
        templates = environment()
        self._index = templates.get_template("fuzz.html")
        self._coverage = templates.get_template("coverage.html")
        self._finding = templates.get_template("finding.html")

    def index(self, state: Mapping[str, Any]) -> bytes:
        """Write the first page.

        Args:
            state: What `campaign.json` holds.
        """
        return self._index.render(state=state).encode()

    def coverage(self, state: Mapping[str, Any]) -> bytes:
        """Write the page of what was reached, and what was not.

        Args:
            state: What `campaign.json` holds.
        """
        reached: dict[str, dict[str, list[Any]]] = {}
        unreached: dict[str, list[str]] = defaultdict(list)
        for one in state["coverage"]["unreached"]:
            reached.setdefault(one["state"], {})
            unreached[one["state"]].append(one["event"])
        for one in state["coverage"]["reached"]:
            events = reached.setdefault(one["state"], {})
            events.setdefault(one["event"], []).append(one)
        return self._coverage.render(
            state=state, reached=reached, unreached=unreached
        ).encode()

    def finding(self, found: Found, campaign: Campaign, name: str) -> bytes:
        """Write the page of a finding.

        Args:
            found: It.
            campaign: In which.
            name: Of its files.
        """
        return self._finding.render(
            found=found,
            campaign=campaign,
            name=name,
            rows=rows(found.result.trace),
        ).encode()
