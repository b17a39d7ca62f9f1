import java.time.Duration;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.TimeWindows;

/** YSB in the DSL: filter, join with a global table, count by campaign and window, each window once when it closes,
 * or as it grows. */
final class YsbDsl {
    private static final byte[] NOTHING = {};

    public static void main(String[] arguments) {
        Options options = Options.parse(arguments);
        StreamsBuilder builder = new StreamsBuilder();
        var ads = builder.globalTable(options.table(), Consumed.with(Serdes.String(), Json.field("campaign_id")));
        var events = Consumed.with(Serdes.ByteArray(), Json.reading(Event::parse))
                .withTimestampExtractor((record, partitionTime) -> ((Event) record.value()).eventTime());
        builder.stream(options.events(), events)
                .filter((key, event) -> event.isView())
                .join(ads, (key, event) -> event.adId(), (event, campaign) -> campaign)
                .map((key, campaign) -> KeyValue.pair(campaign, NOTHING))
                .groupByKey(Grouped.with(Serdes.String(), Serdes.ByteArray()))
                .windowedBy(TimeWindows.ofSizeAndGrace(
                        Duration.ofSeconds(10), options.closes() ? Duration.ZERO : Duration.ofDays(1)))
                .emitStrategy(options.closes() ? EmitStrategy.onWindowClose() : EmitStrategy.onWindowUpdate())
                .count()
                .toStream()
                .map((window, views) ->
                        KeyValue.pair(window.key(), Json.count(window.key(), window.window().start(), views)))
                .to(options.sink(), Produced.with(Serdes.String(), Serdes.String()));
        Options.run(builder.build(), options.throughput("kafka-streams-dsl-" + options.sink()));
    }
}
