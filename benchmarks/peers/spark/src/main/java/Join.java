import static org.apache.spark.sql.functions.broadcast;

import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.Trigger;

/** SELECT e.id, e.sent, e.key, t.name FROM events e JOIN places t ON e.key = t.key; a seventh argument: real-time. */
final class Join {
    public static void main(String[] arguments) throws Exception {
        Options options = Options.parse(arguments);
        boolean realTime = arguments.length > 6;
        SparkSession spark = options.session(2);
        Dataset<Row> places = options.table(spark, "key STRING, name STRING");
        Dataset<Row> rows = options.reader(spark)
                .load()
                .selectExpr("from_json(cast(value AS string), 'id BIGINT, sent BIGINT, key STRING') e")
                .selectExpr("e.*")
                .join(broadcast(places), "key")
                .selectExpr("to_json(struct(id, sent, key, name)) AS value");
        var writer = options.writer(rows).option("kafka.linger.ms", 0).outputMode("update");
        if (realTime) {
            writer = writer.trigger(Trigger.RealTime("5 minutes"));
        }
        writer.start().awaitTermination();
    }
}
