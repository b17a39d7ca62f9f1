import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/** The three fields of an ad event that the query reads; public fields make it a POJO for Flink's serializers. */
public final class Event {
    private static final JsonFactory JSON = new JsonFactory();

    public String adId;
    public boolean isView;
    public long eventTime;

    static Event parse(byte[] value) throws IOException {
        Event event = new Event();
        try (JsonParser parser = JSON.createParser(value)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "ad_id" -> event.adId = parser.getText();
                    case "event_type" -> event.isView = parser.getText().equals("view");
                    case "event_time" -> event.eventTime = Long.parseLong(parser.getText());
                    default -> parser.skipChildren();
                }
            }
        }
        return event;
    }
}
