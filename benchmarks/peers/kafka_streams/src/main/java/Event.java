import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.UncheckedIOException;

/** The three fields of an ad event that the query reads, taken by Jackson's streaming parser without a tree. */
record Event(String adId, boolean isView, long eventTime) {
    private static final JsonFactory JSON = new JsonFactory();

    static Event parse(byte[] value) {
        String adId = null;
        boolean isView = false;
        long eventTime = 0;
        try (JsonParser parser = JSON.createParser(value)) {
            parser.nextToken();
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "ad_id" -> adId = parser.getText();
                    case "event_type" -> isView = parser.getText().equals("view");
                    case "event_time" -> eventTime = Long.parseLong(parser.getText());
                    default -> parser.skipChildren();
                }
            }
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
        return new Event(adId, isView, eventTime);
    }
}
