package peer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/** An orders event by Jackson's streaming parser, every field into a typed value. One for each thread. */
public final class OrderParser {
	private static final JsonFactory FACTORY = new JsonFactory();
	public int orderId, quantity;
	public String product, op;

	public void parse(byte[] bytes) throws IOException {
		orderId = 0;
		quantity = 0;
		product = null;
		op = null;
		try (JsonParser in = FACTORY.createParser(bytes, 0, bytes.length)) {
			if (in.nextToken() != JsonToken.START_OBJECT)
				throw new IOException("not an object");
			String name;
			while ((name = in.nextFieldName()) != null) {
				JsonToken token = in.nextToken();
				switch (name) {
				case "order_id": orderId = in.getIntValue(); break;
				case "product": product = in.getText(); break;
				case "quantity": quantity = in.getIntValue(); break;
				case "op": op = in.getText(); break;
				default: if (token.isStructStart()) in.skipChildren();
				}
			}
			if (in.currentToken() != JsonToken.END_OBJECT)
				throw new IOException("not a whole object");
		}
	}
}
