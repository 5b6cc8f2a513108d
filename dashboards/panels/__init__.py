"""The panels of the live page, one file each; ``dashboards.live_page.ORDER`` is the page."""
