import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Function;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;

/** Serdes over JSON. */
final class Json {
    static final ObjectMapper MAPPER = new ObjectMapper();

    private Json() {}

    static <T> Serde<T> reading(Function<byte[], T> parse) {
        return Serdes.serdeFrom(
                (topic, value) -> {
                    throw new UnsupportedOperationException("read only");
                },
                (topic, bytes) -> bytes == null ? null : parse.apply(bytes));
    }

    /** One text field of a row, such as an ad's campaign; a row is written back as that field alone. */
    static Serde<String> field(String name) {
        return Serdes.serdeFrom(
                (topic, value) -> ("{\"" + name + "\":\"" + value + "\"}").getBytes(),
                (topic, bytes) -> bytes == null ? null : tree(bytes).get(name).asText());
    }

    static JsonNode tree(byte[] bytes) {
        try {
            return MAPPER.readTree(bytes);
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    static String count(String campaign, long windowStart, long views) {
        return "{\"campaign_id\":\"" + campaign + "\",\"window_start\":" + windowStart + ",\"views\":" + views + "}";
    }
}
