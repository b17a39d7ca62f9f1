import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** A table's topic read once at start, as YSB's original loads its ads; the key and one column. */
final class Table {
    private Table() {}

    static Map<String, String> load(String bootstrap, String topic, String column) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        Map<String, String> rows = new HashMap<>();
        TopicPartition partition = new TopicPartition(topic, 0);
        Map<String, Object> properties = Map.of("bootstrap.servers", bootstrap);
        try (var consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            while (consumer.position(partition) < end) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    rows.put(record.key(), mapper.readTree(record.value()).get(column).asText());
                }
            }
        }
        return rows;
    }
}
