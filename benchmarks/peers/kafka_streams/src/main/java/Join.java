import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Produced;

/** SELECT e.id, e.sent, e.key, t.name FROM events e JOIN places t ON e.key = t.key, with a global table. */
final class Join {
    public static void main(String[] arguments) {
        Options options = Options.parse(arguments);
        StreamsBuilder builder = new StreamsBuilder();
        var places = builder.globalTable(options.table(), Consumed.with(Serdes.String(), Json.field("name")));
        builder.stream(options.events(), Consumed.with(Serdes.ByteArray(), Json.reading(Json::tree)))
                .join(places, (key, event) -> event.get("key").asText(), Join::row)
                .to(options.sink(), Produced.with(Serdes.ByteArray(), Serdes.String()));
        Options.run(builder.build(), options.latency("kafka-streams-join-" + options.sink()));
    }

    private static String row(JsonNode event, String name) {
        ObjectNode row = Json.MAPPER.createObjectNode();
        row.set("id", event.get("id"));
        row.set("sent", event.get("sent"));
        row.set("key", event.get("key"));
        return row.put("name", name).toString();
    }
}
