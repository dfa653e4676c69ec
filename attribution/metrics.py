"""What can be measured of the gap: the newest day that was stored, as it stands now."""

from foundation.metrics import Gauge, register

register(
    Gauge(
        "attribution_gap_count",
        "Orders and conversions of the newest measured day, by how they ended and why.",
        """SELECT version.base, figure.outcome, figure.cause, sum(figure.count)
           FROM attribution_gapfigure figure
           JOIN attribution_gapversion version ON version.id = figure.version_id
           WHERE version.day = (SELECT max(day) FROM attribution_gapversion)
             AND NOT EXISTS (
                 SELECT 1 FROM attribution_gapversion later
                 WHERE later.client_id = version.client_id AND later.day = version.day
                   AND later.base = version.base AND later.version > version.version)
           GROUP BY 1, 2, 3""",
        ("base", "outcome", "cause"),
    ),
)
