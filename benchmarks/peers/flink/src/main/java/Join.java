import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.common.serialization.AbstractDeserializationSchema;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.util.Collector;

/** SELECT e.id, e.sent, e.key, t.name FROM events e JOIN places t ON e.key = t.key: one chain, no checkpoints. */
final class Join {
    public static void main(String[] arguments) throws Exception {
        Options options = Options.parse(arguments);
        var environment = options.environment();
        environment.setBufferTimeout(0);
        KafkaSource<byte[]> source = KafkaSource.<byte[]>builder()
                .setBootstrapServers(options.bootstrap())
                .setTopics(options.events())
                .setGroupId("flink-" + options.sink())
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setValueOnlyDeserializer(new Bytes())
                .build();
        environment.fromSource(source, WatermarkStrategy.noWatermarks(), "events")
                .flatMap(new Name(options.bootstrap(), options.table()))
                .sinkTo(options.sink(0));
        environment.execute("join");
    }

    private static final class Bytes extends AbstractDeserializationSchema<byte[]> {
        @Override
        public byte[] deserialize(byte[] value) {
            return value;
        }
    }

    private static final class Name extends RichFlatMapFunction<byte[], String> {
        private static final ObjectMapper MAPPER = new ObjectMapper();
        private final String bootstrap;
        private final String topic;
        private transient Map<String, String> names;

        Name(String bootstrap, String topic) {
            this.bootstrap = bootstrap;
            this.topic = topic;
        }

        @Override
        public void open(OpenContext context) throws IOException {
            names = Table.load(bootstrap, topic, "name");
        }

        @Override
        public void flatMap(byte[] value, Collector<String> out) throws IOException {
            JsonNode event = MAPPER.readTree(value);
            String name = names.get(event.get("key").asText());
            if (name != null) {
                ObjectNode row = MAPPER.createObjectNode();
                row.set("id", event.get("id"));
                row.set("sent", event.get("sent"));
                row.set("key", event.get("key"));
                out.collect(row.put("name", name).toString());
            }
        }
    }
}
