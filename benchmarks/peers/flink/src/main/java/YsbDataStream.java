import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.AggregateFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** YSB as a DataStream: parse, filter and join in one chain, then count by campaign and window on the heap. */
final class YsbDataStream {
    public static void main(String[] arguments) throws Exception {
        Options options = Options.parse(arguments);
        var environment = options.environment();
        environment.enableCheckpointing(10_000);
        KafkaSource<Event> source = KafkaSource.<Event>builder()
                .setBootstrapServers(options.bootstrap())
                .setTopics(options.events())
                .setGroupId("flink-" + options.sink())
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setValueOnlyDeserializer(new Parse())
                .setProperty("max.poll.records", "10000")
                .setProperty("max.partition.fetch.bytes", (8 << 20) + "")
                .build();
        // The newest event time of each Kafka partition, then the lowest of them.
        WatermarkStrategy<Event> watermarks = WatermarkStrategy
                .<Event>forMonotonousTimestamps()
                .withTimestampAssigner((event, recordTime) -> event.eventTime);
        environment.fromSource(source, watermarks, "events")
                .filter(event -> event.isView)
                .flatMap(new Campaign(options.bootstrap(), options.table()))
                .keyBy(campaign -> campaign)
                .window(TumblingEventTimeWindows.of(Duration.ofSeconds(10)))
                .aggregate(new Count(), new Row())
                .sinkTo(options.sink(5));
        environment.execute("ysb");
    }

    private static final class Parse extends AbstractDeserializationSchema<Event> {
        Parse() {
            super(Event.class);
        }

        @Override
        public Event deserialize(byte[] value) throws IOException {
            return Event.parse(value);
        }
    }

    private static final class Campaign extends RichFlatMapFunction<Event, String> {
        private final String bootstrap;
        private final String topic;
        private transient Map<String, String> campaigns;

        Campaign(String bootstrap, String topic) {
            this.bootstrap = bootstrap;
            this.topic = topic;
        }

        @Override
        public void open(OpenContext context) throws IOException {
            campaigns = Table.load(bootstrap, topic, "campaign_id");
        }

        @Override
        public void flatMap(Event event, Collector<String> out) {
            String campaign = campaigns.get(event.adId);
            if (campaign != null) {
                out.collect(campaign);
            }
        }
    }

    private static final class Count implements AggregateFunction<String, Long, Long> {
        @Override
        public Long createAccumulator() {
            return 0L;
        }

        @Override
        public Long add(String campaign, Long views) {
            return views + 1;
        }

        @Override
        public Long getResult(Long views) {
            return views;
        }

        @Override
        public Long merge(Long left, Long right) {
            return left + right;
        }
    }

    private static final class Row extends ProcessWindowFunction<Long, String, String, TimeWindow> {
        @Override
        public void process(String campaign, Context context, Iterable<Long> views, Collector<String> out) {
            out.collect("{\"campaign_id\":\"" + campaign + "\",\"window_start\":" + context.window().getStart()
                    + ",\"views\":" + views.iterator().next() + "}");
        }
    }
}
