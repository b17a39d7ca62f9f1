import java.time.Duration;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.ReadOnlyKeyValueStore;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.ValueAndTimestamp;

/** YSB by a processor: counts kept where the events are read, without a repartition topic; one partition only. */
final class YsbProcessor implements Processor<byte[], Event, String, String> {
    private static final long WINDOW_MS = Duration.ofSeconds(10).toMillis();
    private static final String COUNTS = "counts";
    private static final String ADS = "ads-store";

    private ProcessorContext<String, String> context;
    private ReadOnlyKeyValueStore<String, ValueAndTimestamp<String>> ads;
    private KeyValueStore<String, Long> counts;
    private long nextClose = Long.MAX_VALUE;

    @Override
    public void init(ProcessorContext<String, String> context) {
        this.context = context;
        ads = context.getStateStore(ADS);
        counts = context.getStateStore(COUNTS);
    }

    @Override
    public void process(Record<byte[], Event> record) {
        long start = record.timestamp() - record.timestamp() % WINDOW_MS;
        long streamTime = context.currentStreamTimeMs();
        if (streamTime >= nextClose) {
            close(streamTime);
        }
        if (!record.value().isView()) {
            return;
        }
        ValueAndTimestamp<String> campaign = ads.get(record.value().adId());
        if (campaign == null) {
            return;
        }
        String key = start + " " + campaign.value();
        Long before = counts.get(key);
        counts.put(key, before == null ? 1 : before + 1);
        nextClose = Math.min(nextClose, start + WINDOW_MS);
    }

    /** Keys sort by window start: 13 digits until the year 2286. */
    private void close(long streamTime) {
        long openFrom = streamTime - streamTime % WINDOW_MS;
        try (var closed = counts.range(null, openFrom + "")) {
            while (closed.hasNext()) {
                var entry = closed.next();
                int blank = entry.key.indexOf(' ');
                String campaign = entry.key.substring(blank + 1);
                long start = Long.parseLong(entry.key.substring(0, blank));
                context.forward(new Record<>(campaign, Json.count(campaign, start, entry.value), start + WINDOW_MS));
                counts.delete(entry.key);
            }
        }
        nextClose = openFrom + WINDOW_MS;
    }

    public static void main(String[] arguments) {
        Options options = Options.parse(arguments);
        StreamsBuilder builder = new StreamsBuilder();
        builder.globalTable(options.table(), Consumed.with(Serdes.String(), Json.field("campaign_id")),
                Materialized.as(Stores.inMemoryKeyValueStore(ADS)));
        builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.inMemoryKeyValueStore(COUNTS), Serdes.String(), Serdes.Long()).withCachingEnabled());
        var events = Consumed.with(Serdes.ByteArray(), Json.reading(Event::parse))
                .withTimestampExtractor((record, partitionTime) -> ((Event) record.value()).eventTime());
        builder.stream(options.events(), events)
                .process(YsbProcessor::new, COUNTS)
                .to(options.sink(), Produced.with(Serdes.String(), Serdes.String()));
        Options.run(builder.build(), options.throughput("kafka-streams-processor-" + options.sink()));
    }
}
