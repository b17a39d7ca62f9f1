import java.nio.file.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.streaming.DataStreamReader;
import org.apache.spark.sql.streaming.DataStreamWriter;

/** BOOTSTRAP EVENTS TABLE SINK PARTITIONS DIRECTORY, as every peer is called. */
record Options(String bootstrap, String events, String table, String sink, int partitions, Path directory) {
    static Options parse(String[] arguments) {
        return new Options(arguments[0], arguments[1], arguments[2], arguments[3], Integer.parseInt(arguments[4]),
                Path.of(arguments[5]));
    }

    /** As many shuffle partitions as cores wanted: more of them only cost. */
    SparkSession session(int threads) {
        return SparkSession.builder()
                .master("local[" + threads + "]")
                .appName("peer")
                .config("spark.ui.enabled", false)
                .config("spark.sql.session.timeZone", "UTC")
                .config("spark.sql.shuffle.partitions", partitions)
                .config("spark.sql.streaming.metricsEnabled", false)
                .config("spark.local.dir", directory.resolve("local").toString())
                .config("spark.sql.warehouse.dir", directory.resolve("warehouse").toString())
                .getOrCreate();
    }

    DataStreamReader reader(SparkSession spark) {
        return spark.readStream()
                .format("kafka")
                .option("kafka.bootstrap.servers", bootstrap)
                .option("subscribe", events)
                .option("startingOffsets", "earliest");
    }

    /** The table's topic read once, small enough to be broadcast. */
    Dataset<Row> table(SparkSession spark, String schema) {
        return spark.read()
                .format("kafka")
                .option("kafka.bootstrap.servers", bootstrap)
                .option("subscribe", table)
                .load()
                .selectExpr("from_json(cast(value AS string), '" + schema + "') AS row")
                .selectExpr("row.*")
                .cache();
    }

    DataStreamWriter<Row> writer(Dataset<Row> rows) {
        return rows.writeStream()
                .format("kafka")
                .option("kafka.bootstrap.servers", bootstrap)
                .option("topic", sink)
                .option("checkpointLocation", directory.resolve("checkpoint").toString());
    }
}
