import java.io.IOException;
import java.util.Map;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.functions.FunctionContext;
import org.apache.flink.table.functions.ScalarFunction;

/** YSB in SQL: a tumbling window over the events, the campaign by a function that holds the table. */
public final class YsbSql {
    private static final String EVENTS = """
            CREATE TABLE events (
              ad_id STRING, event_type STRING, event_time STRING,
              `time` AS TO_TIMESTAMP_LTZ(CAST(event_time AS BIGINT), 3),
              WATERMARK FOR `time` AS `time`
            ) WITH (
              'connector' = 'kafka', 'topic' = '%2$s', 'properties.bootstrap.servers' = '%1$s',
              'properties.group.id' = 'flink-sql-%3$s', 'scan.startup.mode' = 'earliest-offset',
              'properties.max.poll.records' = '10000', 'properties.max.partition.fetch.bytes' = '8388608',
              'value.format' = 'json')
            """;
    private static final String COUNTS = """
            CREATE TABLE counts (campaign_id STRING, window_start TIMESTAMP(3), `views` BIGINT) WITH (
              'connector' = 'kafka', 'topic' = '%2$s', 'properties.bootstrap.servers' = '%1$s',
              'properties.linger.ms' = '5', 'value.format' = 'json',
              'value.json.timestamp-format.standard' = 'ISO-8601', 'sink.delivery-guarantee' = 'at-least-once')
            """;
    private static final String QUERY = """
            INSERT INTO counts
            SELECT campaign_id, window_start, COUNT(*) AS `views`
            FROM TABLE(TUMBLE(
                (SELECT campaign(ad_id) AS campaign_id, `time` FROM events WHERE event_type = 'view'),
                DESCRIPTOR(`time`), INTERVAL '10' SECONDS))
            WHERE campaign_id IS NOT NULL
            GROUP BY campaign_id, window_start, window_end
            """;

    public static void main(String[] arguments) {
        Options options = Options.parse(arguments);
        var environment = options.environment();
        environment.enableCheckpointing(10_000);
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
        tables.getConfig().set("table.local-time-zone", "UTC");
        tables.createTemporarySystemFunction("campaign", new Campaign(options.bootstrap(), options.table()));
        tables.executeSql(EVENTS.formatted(options.bootstrap(), options.events(), options.sink()));
        tables.executeSql(COUNTS.formatted(options.bootstrap(), options.sink()));
        tables.executeSql(QUERY);
    }

    /** The campaign of an ad, from the table's topic read once at start. */
    public static final class Campaign extends ScalarFunction {
        private final String bootstrap;
        private final String topic;
        private transient Map<String, String> campaigns;

        public Campaign(String bootstrap, String topic) {
            this.bootstrap = bootstrap;
            this.topic = topic;
        }

        @Override
        public void open(FunctionContext context) throws IOException {
            campaigns = Table.load(bootstrap, topic, "campaign_id");
        }

        public String eval(String ad) {
            return campaigns.get(ad);
        }
    }
}
