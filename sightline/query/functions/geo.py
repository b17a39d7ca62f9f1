"""Places on the earth."""

from sightline.query.functions.registry import define, family
from sightline.query.runtime.geo import distance_km

family("places")

define(
    "distance_km(lat1 double, lon1 double, lat2 double, lon2 double) -> double",
    distance_km,
    "Kilometres along the great circle between two places in degrees, by the haversine formula on a sphere of radius "
    "6371.0088 km. Not in Spark: register `sightline.query.runtime.geo.distance_km` there as a Python UDF.",
    ("round(distance_km(52.52, 13.405, 48.8566, 2.3522), 0)", "877.0D"),
)
