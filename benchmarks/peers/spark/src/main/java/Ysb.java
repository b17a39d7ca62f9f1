import static org.apache.spark.sql.functions.broadcast;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.window;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** YSB in structured streaming: micro-batches of a million events at most, each window once. */
final class Ysb {
    public static void main(String[] arguments) throws Exception {
        Options options = Options.parse(arguments);
        SparkSession spark = options.session(options.partitions());
        Dataset<Row> ads = options.table(spark, "ad_id STRING, campaign_id STRING");
        Dataset<Row> counts = options.reader(spark)
                .option("maxOffsetsPerTrigger", 1_000_000)
                .load()
                .selectExpr("from_json(cast(value AS string), 'ad_id STRING, event_type STRING, event_time STRING') e")
                .where("e.event_type = 'view'")
                .selectExpr("e.ad_id", "timestamp_millis(cast(e.event_time AS bigint)) AS time")
                .join(broadcast(ads), "ad_id")
                .withWatermark("time", "0 seconds")
                .groupBy(window(col("time"), "10 seconds"), col("campaign_id"))
                .agg(count(lit(1)).as("views"))
                .selectExpr("campaign_id AS key",
                        "to_json(struct(campaign_id, unix_millis(window.start) AS window_start, views)) AS value");
        options.writer(counts).outputMode("append").start().awaitTermination();
    }
}
